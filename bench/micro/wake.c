/* SPDX-License-Identifier: MIT */
/*
 * Waking a fiber of another worker: what the call costs the one who wakes, and the way there and back.
 *
 *   wake_call, wake_round_trip   the other worker sleeps in the kernel
 *   ..._bare                     the same with bare threads: a write to an eventfd that the other one's epoll_wait watches
 *   wake_call_awake              the other worker is running other fibers: nobody has to ask the kernel
 *
 * Medians, by the clock on the wall, because both sides are part of it; ours and the bare one in turns.
 */
#include "micro.h"
#include "serve.h"
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TIMES 2000
#define ASLEEP 60000 /* ns after which the other one sleeps for sure */

struct side {
    int event, epoll;
};

struct times {
    int64_t calls[TIMES], trips[TIMES];
};

static struct side sides[2];
static hawser_semaphore *there, *back;
static struct times ours, bare, awake;
static int64_t clock_times[TIMES];
static atomic_bool stop;

static void let_it_sleep(void) {
    for (int64_t end = bench_now() + ASLEEP; bench_now() < end;)
        ;
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double median(int64_t times[TIMES]) {
    qsort(times, TIMES, sizeof *times, compare);
    return (double)times[TIMES / 2];
}

/* What it costs to look at the clock. */
static double clock_cost(void) {
    for (int i = 0; i < TIMES; i++) {
        int64_t begin = bench_now();
        clock_times[i] = bench_now() - begin;
    }
    return median(clock_times);
}

/* On worker 2: gives every signal back. */
static int answer(void *arg) {
    (void)arg;
    while (hawser_semaphore_acquire(there) == 0 && !stop)
        hawser_semaphore_release(back);
    return 0;
}

static int keep_awake(void *arg) {
    (void)arg;
    while (!stop)
        hawser_yield();
    return 0;
}

static void call_and_return(struct times *times, int i) {
    int64_t begin = bench_now();
    hawser_semaphore_release(there);
    times->calls[i] = bench_now() - begin;
    hawser_semaphore_acquire(back);
    times->trips[i] = bench_now() - begin;
}

static void wait_event(struct side *side) {
    struct epoll_event event;
    uint64_t count;
    while (epoll_wait(side->epoll, &event, 1, -1) != 1)
        ;
    if (read(side->event, &count, sizeof count) < 0)
        bench_die("read");
}

static void *answer_bare(void *arg) {
    for (int i = 0; i < TIMES; i++) {
        wait_event(&sides[1]);
        eventfd_write(sides[0].event, 1);
    }
    return arg;
}

static void call_and_return_bare(int i) {
    int64_t begin = bench_now();
    eventfd_write(sides[1].event, 1);
    bare.calls[i] = bench_now() - begin;
    wait_event(&sides[0]);
    bare.trips[i] = bench_now() - begin;
}

static void open_side(struct side *side) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    *side = (struct side){.event = eventfd(0, EFD_NONBLOCK), .epoll = epoll_create1(0)};
    if (epoll_ctl(side->epoll, EPOLL_CTL_ADD, side->event, &event) < 0)
        bench_die("epoll_ctl");
}

static void measure_asleep(void) {
    pthread_t thread;
    open_side(&sides[0]);
    open_side(&sides[1]);
    if (pthread_create(&thread, NULL, answer_bare, NULL) != 0)
        bench_die("thread");
    for (int i = 0; i < TIMES; i++) {
        let_it_sleep();
        call_and_return(&ours, i);
        let_it_sleep();
        call_and_return_bare(i);
    }
    pthread_join(thread, NULL);
}

static int measure(void *arg) {
    (void)arg;
    there = hawser_semaphore_new(0);
    back = hawser_semaphore_new(0);
    if (!there || !back || hawser_go_on(2, answer, NULL) < 0)
        serve_die();
    measure_asleep();
    if (hawser_go_on(2, keep_awake, NULL) < 0)
        serve_die();
    for (int i = 0; i < TIMES; i++)
        call_and_return(&awake, i);
    stop = true;
    hawser_semaphore_release(there);
    double clock = clock_cost();
    micro_print("wake_call", median(ours.calls) - clock, "ns");
    micro_print("wake_call_bare", median(bare.calls) - clock, "ns");
    micro_print("wake_call_added", median(ours.calls) - median(bare.calls), "ns");
    micro_print("wake_call_awake", median(awake.calls) - clock, "ns");
    micro_print("wake_round_trip", median(ours.trips), "ns");
    micro_print("wake_round_trip_bare", median(bare.trips), "ns");
    return 0;
}

int main(void) {
    return serve_run(2, measure, NULL);
}

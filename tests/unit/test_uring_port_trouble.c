/* SPDX-License-Identifier: MIT */
/* engine/uring_port: peers that never pause, a kernel that is short of memory or changes its mind, and a program that closes
 * what is not its own: others run on, the worker does not spin, no byte is lost in silence, and nobody else's descriptor is
 * closed. */
#include "support.h"

#include "engine/uring.h"
#include "net/handle.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void run_in_ring(hawser_fn fn, void *arg) {
    const hawser_run_options options = {.workers = 1, .stack_size = TEST_STACK, .engine = "uring"};
    check_run(run_apart(fn, arg, &options), "run_in_ring", __FILE__, __LINE__);
}

static struct hawser__uring_port *port_here(void) {
    return hawser__uring_port(hawser__kernel_port());
}

static bool has_ring(void) {
    return hawser__uring_ready(port_here());
}

static wire timed_wire(void) {
    wire w = tcp_wire(false);
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    return w;
}

/* Floods. */

#define TICKS 100

struct flood {
    hawser_sock *sock;
    int far;
    atomic_bool over;
    long taken;
};

static long pour(void *arg) {
    struct flood *flood = arg;
    long poured = 0;
    while (!atomic_load(&flood->over))
        poured += send(flood->far, "drop", 4, MSG_DONTWAIT) > 0;
    return poured;
}

static int drink(void *arg) {
    struct flood *flood = arg;
    char drop[8];
    while (!atomic_load(&flood->over) && hawser_recv(flood->sock, drop, sizeof drop) > 0)   /* then it may be gone */
        flood->taken++;
    return 0;
}

/* Some drink, others only want their turn. */
static int tick(void *arg) {
    struct flood *flood = arg;
    double began = seconds_now();
    EXPECT(hawser_go(drink, flood) == 0);
    for (int i = 0; i < TICKS; i++)
        EXPECT(hawser_sleep(0.001) == 0);
    EXPECT(seconds_now() - began < WAIT_LIMIT / 3);
    atomic_store(&flood->over, true);
    EXPECT(flood->taken > 0);
    hawser_close(flood->sock);
    return 0;
}

static void a_flood_does_not_keep_the_others_from_running(void **state) {
    (void)state;
    int port;
    runner pouring[2];
    struct flood flood = {.far = raw_datagrams(&port), .over = false};
    struct sockaddr_in sa = {.sin_family = AF_INET};
    flood.sock = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    assert_non_null(flood.sock);
    assert_works(hawser_bind(flood.sock, "127.0.0.1", 0));
    sa.sin_port = htons((uint16_t)raw_port(hawser_fileno(flood.sock)));
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_works(connect(flood.far, (struct sockaddr *)&sa, sizeof sa));
    for (int i = 0; i < 2; i++)
        start_thread(&pouring[i], pour, &flood);
    run_in_ring(tick, &flood);
    for (int i = 0; i < 2; i++)
        assert_true(finish(&pouring[i]) > 0);
    close(flood.far);
}

/* Shortages. */

static int read_one(void *arg) {
    wire *w = arg;
    char got[4];
    EXPECT(hawser_recv(w->sock, got, sizeof got) == 4 && memcmp(got, "data", 4) == 0);
    return 0;
}

static int sleep_while_short(void *arg) {
    wire *w = arg;
    static const int codes[] = {ENOMEM, EAGAIN, EBUSY};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        EXPECT(has_ring() && hawser_go(read_one, w) == 0);
        hawser_yield();
        fault_syscall("io_uring_enter", 1, codes[i], 1000000);
        (void)syscalls_made();
        EXPECT(hawser_sleep(0.05) == 0);
        EXPECT(syscalls_made() < 1000);
        EXPECT(fault_none());
        EXPECT(raw_write(w->far, "data", 4));
        EXPECT(hawser_sleep(0.001) == 0 && has_ring());
    }
    return 0;
}

static void a_kernel_short_of_memory_is_not_asked_without_pause(void **state) {
    (void)state;
    wire w = timed_wire();
    run_in_ring(sleep_while_short, &w);
    cut(w);
}

static int sleep_unwatched(void *arg) {
    wire *w = arg;
    fault_syscall("io_uring_watch", 1, ENOMEM, 1000000);
    EXPECT(has_ring() && hawser_go(read_one, w) == 0);
    EXPECT(hawser_sleep(0.001) == 0);
    EXPECT(!has_ring());
    (void)syscalls_made();
    EXPECT(hawser_sleep(0.02) == 0);
    EXPECT(syscalls_made() < 20);
    EXPECT(fault_none());
    EXPECT(raw_write(w->far, "data", 4));
    return 0;
}

static void a_ring_that_cannot_watch_is_done_without(void **state) {
    (void)state;
    wire w = timed_wire();
    run_in_ring(sleep_unwatched, &w);
    cut(w);
}

/* Lost rings. */

#define MANY 200   /* more than run between two looks */

struct crowd {
    wire wires[MANY];
    int next, served;
};

/* The first one to be served loses the ring, in which the results of the others have been seen already. */
static int be_served(void *arg) {
    struct crowd *crowd = arg;
    int own = crowd->next++;
    char got[8];
    EXPECT(hawser_recv(crowd->wires[own].sock, got, sizeof got) == 8 && memcmp(got, "question", 8) == 0);
    if (crowd->served++ == 0)
        fault_syscall("io_uring_enter", 1, EPERM, 1);
    return 0;
}

static int serve_crowd(void *arg) {
    struct crowd *crowd = arg;
    for (int i = 0; i < MANY; i++)
        EXPECT(hawser_go(be_served, crowd) == 0);
    rest_a_moment();   /* they wait */
    for (int i = 0; i < MANY; i++)
        EXPECT(raw_write(crowd->wires[i].far, "question", 8));
    while (crowd->served < MANY)
        EXPECT(hawser_sleep(0.001) == 0);
    EXPECT(fault_none() && !has_ring());
    return 0;
}

static void what_was_done_when_the_ring_was_lost_counts(void **state) {
    (void)state;
    static struct crowd crowd;
    crowd = (struct crowd){.next = 0};
    for (int i = 0; i < MANY; i++)
        crowd.wires[i] = timed_wire();
    run_in_ring(serve_crowd, &crowd);
    assert_int_equal(crowd.served, MANY);
    for (int i = 0; i < MANY; i++)
        cut(crowd.wires[i]);
}

struct intruder {
    wire w;
    int pipe[2], number;
};

/* As closefrom(3) in the wrong place, and an open after it. */
static int take_the_number(void *arg) {
    struct intruder *intruder = arg;
    EXPECT(has_ring() && hawser_go(read_one, &intruder->w) == 0);
    EXPECT(hawser_sleep(0.001) == 0);
    intruder->number = port_here()->ring.ring_fd;
    EXPECT(dup2(intruder->pipe[0], intruder->number) == intruder->number);
    EXPECT(hawser_sleep(0.001) == 0);
    EXPECT(!has_ring());
    EXPECT(raw_write(intruder->w.far, "data", 4));
    return 0;
}

static void a_ring_whose_number_is_anothers_leaves_it_alone(void **state) {
    (void)state;
    struct intruder intruder = {.w = timed_wire()};
    char byte = 0;
    assert_works(pipe2(intruder.pipe, O_CLOEXEC));
    run_in_ring(take_the_number, &intruder);
    assert_int_equal(write(intruder.pipe[1], "x", 1), 1);
    assert_int_equal(read(intruder.number, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(intruder.number);
    close(intruder.pipe[0]);
    close(intruder.pipe[1]);
    cut(intruder.w);
}

static int drop_results(void *arg) {
    wire *w = arg;
    EXPECT(has_ring() && hawser_go(read_one, w) == 0);
    EXPECT(hawser_sleep(0.001) == 0);
    *port_here()->ring.cq.koverflow = 1;   /* as the kernel says it */
    EXPECT(hawser_sleep(0.001) == 0);
    EXPECT(!has_ring());
    EXPECT(raw_write(w->far, "data", 4));
    return 0;
}

static int read_in_vain(void *arg) {
    char got[4];
    EXPECT_FAILURE(hawser_recv(((wire *)arg)->sock, got, sizeof got), EIO);
    return 0;
}

/* What cannot even be cancelled: nobody knows whether it has taken something. */
static int drop_all(void *arg) {
    EXPECT(has_ring() && hawser_go(read_in_vain, arg) == 0);
    EXPECT(hawser_sleep(0.001) == 0);
    fault_syscall("io_uring_enter", 1, EBADR, 1000000);
    EXPECT(hawser_sleep(0.001) == 0);
    EXPECT(fault_none() && !has_ring());
    return 0;
}

static void where_results_were_dropped_a_wait_ends_and_a_gap_is_told(void **state) {
    (void)state;
    static const hawser_fn ways[] = {drop_results, drop_all};
    for (size_t i = 0; i < 2; i++) {
        wire w = timed_wire();
        run_in_ring(ways[i], &w);
        cut(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_does_not_keep_the_others_from_running),
        cmocka_unit_test(a_kernel_short_of_memory_is_not_asked_without_pause),
        cmocka_unit_test(a_ring_that_cannot_watch_is_done_without),
        cmocka_unit_test(what_was_done_when_the_ring_was_lost_counts),
        cmocka_unit_test(a_ring_whose_number_is_anothers_leaves_it_alone),
        cmocka_unit_test(where_results_were_dropped_a_wait_ends_and_a_gap_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

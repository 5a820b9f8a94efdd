/* SPDX-License-Identifier: MIT */
/*
 * Fibers that share: eight of them on two threads, with one counter, three desks and a finishing line.
 *
 * Try it: start it.
 *
 * Fibers of one worker take turns only where one waits, and need no lock for what they do in between. Here there are two
 * workers, which run at the same time: what both touch is under the mutex. The semaphore lets three in at once. The condition
 * is how the first fiber sleeps until there is something to see. A lock of pthreads in their place would stop a whole worker.
 */
#include <hawser.h>
#include <stdio.h>

#define FIBERS 8

static hawser_mutex *mutex;
static hawser_cond *changed;
static hawser_semaphore *desks;
static int inside, most, done; /* only touched by the one who has the mutex */

static void count(int in, int finished) {
    if (hawser_mutex_lock(mutex) < 0)
        return;
    inside += in;
    done += finished;
    if (inside > most)
        most = inside;
    hawser_cond_notify(changed);
    hawser_mutex_unlock(mutex);
}

static int work(void *arg) {
    (void)arg;
    if (hawser_semaphore_acquire(desks) < 0)
        return -1;
    count(1, 0);
    hawser_sleep(0.01); /* the work: the others run meanwhile */
    count(-1, 1);
    hawser_semaphore_release(desks);
    return 0;
}

static int watch(void *arg) {
    (void)arg;
    for (int i = 0; i < FIBERS; i++)
        if (hawser_go_on(1 + i % 2, work, NULL) < 0)
            return -1;
    if (hawser_mutex_lock(mutex) < 0)
        return -1;
    while (done < FIBERS && hawser_cond_wait(changed, mutex) == 0) /* the mutex is given up while it sleeps */
        ;
    printf("%d have worked, at most %d at a time, %d are left\n", done, most, inside);
    return hawser_mutex_unlock(mutex);
}

int main(void) {
    mutex = hawser_mutex_new();
    changed = hawser_cond_new();
    desks = hawser_semaphore_new(3);
    int result = mutex && changed && desks ? hawser_run(watch, NULL, &(hawser_run_options){.workers = 2}) : -1;
    if (result < 0)
        fprintf(stderr, "%s\n", hawser_error());
    hawser_mutex_free(mutex);
    hawser_cond_free(changed);
    hawser_semaphore_free(desks);
    return result < 0;
}

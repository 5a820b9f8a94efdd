/* SPDX-License-Identifier: MIT */
/*
 * A fiber lends a variable on its stack to another one. Right as "stack lent": it stays until the other one has read. Wrong as
 * "stack returned", where the function has returned and its fiber waits, and as "stack ended", where the fiber has ended and
 * the other one is on the very stack on which the variable was.
 */
#include <hawser.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hawser_semaphore *offered, *given_back;
static volatile int *lent;
static uintptr_t lender, borrower;

__attribute__((noinline)) static void lend(bool stay) {
    volatile int fathoms[4] = {7, 7, 7, 7};
    lent = fathoms;
    if (!stay)
        return;
    hawser_semaphore_release(offered);
    hawser_semaphore_acquire(given_back);
}

static int lend_and_wait(void *arg) {
    lend(strcmp(arg, "lent") == 0);
    hawser_semaphore_release(offered);
    return hawser_semaphore_acquire(given_back);
}

static int lend_and_end(void *arg) {
    (void)arg;
    lender = (uintptr_t)__builtin_frame_address(0);
    lend(false);
    hawser_semaphore_release(offered);
    return 0;
}

__attribute__((noinline)) static int take(void) {
    return *lent;
}

static int borrow(void *arg) {
    (void)arg;
    borrower = (uintptr_t)__builtin_frame_address(0);
    if (lender / 4096 == borrower / 4096)
        fprintf(stderr, "the same stack\n");
    return take() == 7 ? 0 : -1;
}

/* The lender has a group of its own, so that its end can be waited for. */
static int command(void *arg) {
    bool ends = strcmp(arg, "ended") == 0;
    hawser_group *group = hawser_group_open(NULL);
    hawser_group_go(group, ends ? lend_and_end : lend_and_wait, arg);
    hawser_semaphore_acquire(offered);
    if (ends)
        hawser_group_wait(group);
    hawser_go(borrow, NULL);
    hawser_yield();
    hawser_semaphore_release(given_back);
    hawser_semaphore_release(given_back);
    hawser_group_wait(group);
    hawser_group_close(group);
    return 0;
}

int main(int argc, char **argv) {
    offered = hawser_semaphore_new(0);
    given_back = hawser_semaphore_new(0);
    if (argc != 2 || !offered || !given_back || hawser_run(command, argv[1], &(hawser_run_options){.workers = 1}) < 0)
        return 2;
    hawser_semaphore_free(offered);
    hawser_semaphore_free(given_back);
    return 0;
}

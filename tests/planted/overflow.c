/* SPDX-License-Identifier: MIT */
/*
 * usage: overflow WORKER NAME STACK_SIZE DEPTH
 *
 * Wrong with DEPTH 0: a fiber calls itself until its stack is used up; and with -1: it has an array that is larger than its stack.
 * Right with a depth for which its stack is large enough.
 * An empty NAME is none, a STACK_SIZE of 0 that of the run.
 */
#include <hawser.h>
#include <stdlib.h>

static int bottom;

__attribute__((noinline)) static int dig(int depth) {
    volatile char spade[200];
    spade[depth % 200] = (char)depth;
    return depth == bottom ? 0 : dig(depth + 1) + spade[depth % 100];
}

__attribute__((noinline)) static int clear_a_field(void) {
    volatile char field[100000];
    for (size_t i = 0; i < sizeof field; i++)
        field[i] = 0;
    return field[0];
}

int look_for_gold(void *arg);   /* exported, so that its name is known when the program runs */

int look_for_gold(void *arg) {
    (void)arg;
    hawser_yield();
    return bottom < 0 ? clear_a_field() : dig(1) * 0;
}

static int command(void *arg) {
    char **argv = arg;
    const hawser_go_options options = {
        .worker = atoi(argv[1]),
        .name = *argv[2] ? argv[2] : NULL,
        .stack_size = (size_t)atol(argv[3]),
    };
    bottom = atoi(argv[4]);
    return hawser_go_with(&options, look_for_gold, NULL);
}

int main(int argc, char **argv) {
    return argc == 5 ? hawser_run(command, argv, &(hawser_run_options){.workers = 2}) != 0 : 2;
}

/* SPDX-License-Identifier: MIT */
/* Wrong with an argument above 16: that many bytes are written into memory of 16, in a fiber on a worker of its own. */
#include <hawser.h>
#include <stdlib.h>

#define ROOM 16

__attribute__((noinline)) static void load(volatile char *hold, int bytes) {
    for (int i = 0; i < bytes; i++)
        hold[i] = 'x';
}

__attribute__((noinline)) static int sail(void *arg) {
    char *hold = malloc(ROOM);
    if (!hold)
        return -1;
    hawser_yield();
    load(hold, atoi(arg));
    free(hold);
    return 0;
}

static int command(void *arg) {
    return hawser_go_on(2, sail, arg);
}

int main(int argc, char **argv) {
    return argc == 2 ? hawser_run(command, argv[1], &(hawser_run_options){.workers = 2}) != 0 : 2;
}

/* SPDX-License-Identifier: MIT */
/* The signals of world.h: the public side of signals.c. */
#include "base/error.h"
#include "base/signals.h"

#include <hawser/world.h>

/* Signals that fibers ask for come to their run, and interrupt those of its fibers that listen. The handler could not wake one
 * fiber: it may have interrupted its worker in the middle of anything. */
static hawser__task *interrupted(void) {
    hawser__task *task = hawser__task_current();
    return task->listens ? task->principal : task;
}

int hawser_interrupt_on_signal(int signo) {
    hawser__task *task = hawser__task_current();
    int result = hawser__signals_claim(signo, task->principal ? task->principal : task);
    if (result < 0)
        return hawser__fail(result, "interrupt on signal %d", signo);
    task->listens = task->principal != NULL;
    return 0;
}

int hawser_interrupted(void) {
    return atomic_load(&interrupted()->interrupted);
}

void hawser_interrupt_clear(void) {
    atomic_store(&interrupted()->interrupted, 0);
}

int hawser_interrupt_restore(int signo) {
    int result = hawser__signals_restore(signo);
    return result < 0 ? hawser__fail(result, "restore signal %d", signo) : 0;
}

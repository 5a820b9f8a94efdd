/* SPDX-License-Identifier: MIT */
/* The signals of world.h: the public side of signals.c. */
#include "base/error.h"
#include "base/signals.h"

#include <hawser/world.h>

int hawser_interrupt_on_signal(int signo) {
    int result = hawser__signals_claim(signo, hawser__task_current());
    return result < 0 ? hawser__fail(result, "interrupt on signal %d", signo) : 0;
}

int hawser_interrupted(void) {
    return atomic_load(&hawser__task_current()->interrupted);
}

void hawser_interrupt_clear(void) {
    atomic_store(&hawser__task_current()->interrupted, 0);
}

int hawser_interrupt_restore(int signo) {
    int result = hawser__signals_restore(signo);
    return result < 0 ? hawser__fail(result, "restore signal %d", signo) : 0;
}

/* SPDX-License-Identifier: MIT */
#include "cli/serve_signals.h"

#include <hawser.h>

#include <signal.h>
#include <termios.h>
#include <unistd.h>

static const int stop_signals[] = {SIGINT, SIGTERM};
#define STOP_SIGNALS (sizeof stop_signals / sizeof *stop_signals)

int serve_signals_ask(void) {
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        if (hawser_interrupt_on_signal(stop_signals[i]) < 0)   /* ignored or not: shells ignore it for "serve ... &" */
            return -1;
    return 0;
}

static bool echoed_interrupt(int signo) {
    struct termios terminal;
    return signo == SIGINT && tcgetattr(STDERR_FILENO, &terminal) == 0 && (terminal.c_lflag & ECHO) &&
           (terminal.c_lflag & ECHOCTL);
}

bool serve_signals_release(void) {
    bool echoed = echoed_interrupt(hawser_interrupted());
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        (void)hawser_interrupt_restore(stop_signals[i]);
        signal(stop_signals[i], SIG_DFL);   /* also where it was ignored before: the next one ends the process */
    }
    hawser_interrupt_clear();
    return echoed;
}

void serve_signals_leave_to_main(void) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * A handler may do next to nothing, so it writes the signal's number into a pipe, and a fiber reads there.
 *
 * hawser_interrupt_on_signal would be shorter, and keeps one signal at a time: a request to stop that comes while another signal
 * is being looked at would be lost.
 */
#include "cli/serve_signals.h"

#include "cli/serve_log.h"

#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

static const int stop_signals[] = {SIGINT, SIGTERM};
#define STOP_SIGNALS (sizeof stop_signals / sizeof *stop_signals)

static struct {
    int pipe[2];
    hawser_group *listener;   /* the fiber that reads there */
    hawser_group *work;
    int stopped_by;           /* a signal; 0 = none so far */
} state = {.pipe = {-1, -1}};

static void on_signal(int signo) {
    int saved = errno;
    unsigned char number = (unsigned char)signo;
    (void)!write(state.pipe[1], &number, 1);   /* a pipe that is full has enough of them in it */
    errno = saved;
}

/* -1: the task was cancelled. */
static int next_signal(void) {
    unsigned char number;
    while (read(state.pipe[0], &number, 1) != 1) {
        if (errno != EINTR && hawser_wait_fd(state.pipe[0], HAWSER_READABLE, HAWSER_NO_TIMEOUT) < 0)
            return -1;
    }
    return number;
}

/* The first also lets the next one end the process, and one that came before it could is sent again. */
static void stop(int signo) {
    if (state.stopped_by)
        raise(signo);
    state.stopped_by = signo;
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        signal(stop_signals[i], SIG_DFL);   /* also where it was ignored before */
    hawser_group_cancel(state.work);
}

static int dump(void *arg) {
    (void)arg;
    return hawser_dump(STDERR_FILENO);
}

static int listen_to_signals(void *arg) {
    int signo;
    (void)arg;
    hawser_fiber_setname("signals");
    while ((signo = next_signal()) > 0) {
        if (signo == SIGUSR1)
            (void)hawser_offload(dump, NULL);   /* nobody can be told; and a terminal may make the writing wait */
        else
            stop(signo);
    }
    return 0;
}

static int handle(int signo) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    return sigaction(signo, &action, NULL);   /* ignored or not: shells ignore SIGINT for "serve ... &" */
}

int serve_signals_start(hawser_group *work) {
    state.work = work;
    state.listener = hawser_group_open(NULL);
    if (!state.listener || pipe2(state.pipe, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        if (handle(stop_signals[i]) < 0)
            return -1;
    return handle(SIGUSR1) < 0 ? -1 : hawser_group_go(state.listener, listen_to_signals, NULL);
}

void serve_signals_end(void) {
    hawser_group_close(state.listener);
    state.listener = NULL;
}

static bool echoed_interrupt(int signo) {
    struct termios terminal;
    return signo == SIGINT && tcgetattr(STDERR_FILENO, &terminal) == 0 && (terminal.c_lflag & ECHO) &&
           (terminal.c_lflag & ECHOCTL);
}

/* The terminal has just shown "^C" in the line we are about to write. */
void serve_signals_announce_stop(const char *open) {
    serve_log_note("%sstopping%s", echoed_interrupt(state.stopped_by) ? " " : "", open);
}

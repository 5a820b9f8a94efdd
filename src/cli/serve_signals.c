/* SPDX-License-Identifier: MIT */
/*
 * A handler stops the server by itself, which it may, and writes the signal's number into a pipe, where a fiber reads: for what
 * there is to say. A server of processes has no fibers; its loop looks for what there is to say after each turn.
 *
 * hawser_server_stop_on_signals would be shorter; there the second signal cuts the conversations off, and the end is as usual.
 */
#include "cli/serve_signals.h"

#include "cli/format.h"
#include "cli/serve.h"
#include "cli/serve_log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#define LONGEST_SILENCE 0.1   /* for listeners to become deaf before the stop is announced; with no room they cannot yet */

static const int stop_signals[] = {SIGINT, SIGTERM};
#define STOP_SIGNALS (sizeof stop_signals / sizeof *stop_signals)

static struct {
    bool deafens, direct;
    _Atomic(hawser_server *) server;   /* NULL: nothing is to be stopped */
    double seconds;
    size_t most;              /* connections that it can serve at once */
    int pipe[2];
    hawser_group *listener;   /* the fiber that reads there */
    hawser_semaphore *deaf;   /* released when the listener is */
    hawser_mutex *mutex;      /* guards what follows */
    bool announced;
    atomic_int stopped_by;    /* a signal; 0 = none so far */
    atomic_int handlers;      /* how many run right now */
    atomic_bool dump_wanted;
} state = {.pipe = {-1, -1}};

/* In the handlers. */

static void tell(int signo) {
    unsigned char number = (unsigned char)signo;
    (void)!write(state.pipe[1], &number, 1);   /* a pipe that is full has enough of them in it */
}

/* The first also lets the next one end the process, and one that came before it could is sent again. */
static void on_stop(int signo) {
    int saved = errno;
    atomic_fetch_add(&state.handlers, 1);
    hawser_server *server = atomic_load(&state.server);
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        signal(stop_signals[i], SIG_DFL);   /* also where it was ignored before */
    if (atomic_exchange(&state.stopped_by, signo) || !server)
        raise(signo);
    else
        hawser_server_stop(server, state.seconds);
    tell(signo);
    atomic_fetch_sub(&state.handlers, 1);
    errno = saved;
}

static void on_dump(int signo) {
    int saved = errno;
    atomic_store(&state.dump_wanted, true);
    tell(signo);
    errno = saved;
}

static int handle(int signo, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        sigaddset(&action.sa_mask, stop_signals[i]);
    return sigaction(signo, &action, NULL);   /* ignored or not: shells ignore SIGINT for "serve ... &" */
}

/* Announcing. */

static bool echoed_interrupt(int signo) {
    struct termios terminal;
    return signo == SIGINT && tcgetattr(STDERR_FILENO, &terminal) == 0 && (terminal.c_lflag & ECHO) &&
           (terminal.c_lflag & ECHOCTL);
}

static size_t open_connections(hawser_server *server) {
    hawser_server_counters counters;
    hawser_server_get_counters(server, &counters);
    return (size_t)counters.active;
}

/* The terminal has just shown "^C" in the line we are about to write. */
static void announce(hawser_server *server) {
    char count[FORMAT_ROOM], text[FORMAT_ROOM + 32] = "";
    size_t open = open_connections(server);
    if (!serve_answers_datagrams(server))
        snprintf(text, sizeof text, ", %s connection%s open", format_count(count, open), open == 1 ? "" : "s");
    serve_log_note("%sstopping%s", echoed_interrupt(state.stopped_by) ? " " : "", text);
}

static void announce_once(void) {
    if (hawser_mutex_lock(state.mutex) < 0)
        return;
    if (!state.announced)
        announce(state.server);
    state.announced = true;
    hawser_mutex_unlock(state.mutex);
}

/* In the server. */

/* A server has one listener for connections, though on two addresses perhaps. */
static void deafen(hawser_sock *listener) {
    (void)hawser_shutdown(listener, SHUT_RD);
    hawser_semaphore_release(state.deaf);
    if (state.direct)
        announce_once();
}

/* EAGAIN: nobody waits. While the server stops, that was the last look. */
static int get_request(hawser_server *server, hawser_request *r) {
    int result = hawser_server_get_request(server, r);
    int code = errno;
    if (result < 0 && code == EAGAIN && state.stopped_by)
        deafen(r->listener);
    errno = code;
    return result;
}

/* With all processes at work the loop does not look at the listener. */
static void look_around(hawser_server *server) {
    serve_log_tick();
    if (atomic_exchange(&state.dump_wanted, false))
        (void)hawser_dump(STDERR_FILENO);
    if (state.stopped_by && (!state.deafens || open_connections(server) >= state.most))
        announce_once();
}

void serve_signals_fill(hawser_server_options *options, bool deafens, bool direct) {
    state.deafens = deafens;
    state.direct = direct;
    state.most = (size_t)options->max_children;
    if (deafens)
        options->get_request = get_request;
    if (direct)
        options->service_actions = look_around;
}

/* The fiber. */

/* -1: the task was cancelled. */
static int next_signal(void) {
    unsigned char number;
    while (read(state.pipe[0], &number, 1) != 1) {
        if (errno != EINTR && hawser_wait_fd(state.pipe[0], HAWSER_READABLE, HAWSER_NO_TIMEOUT) < 0)
            return -1;
    }
    return number;
}

static int dump(void *arg) {
    (void)arg;
    return hawser_dump(STDERR_FILENO);
}

static void wait_until_deaf(void) {
    int64_t outer = hawser_deadline_push(LONGEST_SILENCE);
    (void)hawser_semaphore_acquire(state.deaf);
    hawser_deadline_pop(outer);
}

static int listen_to_signals(void *arg) {
    int signo;
    (void)arg;
    hawser_fiber_setname("signals");
    while ((signo = next_signal()) > 0) {
        if (signo == SIGUSR1) {
            (void)hawser_offload(dump, NULL);   /* nobody can be told; and a terminal may make the writing wait */
            continue;
        }
        if (state.deafens)
            wait_until_deaf();
        if (!hawser_cancelled())
            announce_once();
    }
    return 0;
}

static bool start_fiber(void) {
    state.listener = hawser_group_open(NULL);
    return state.listener && pipe2(state.pipe, O_CLOEXEC | O_NONBLOCK) == 0 &&
           hawser_group_go(state.listener, listen_to_signals, NULL) == 0;
}

int serve_signals_start(hawser_server *server, double seconds) {
    state.server = server;
    state.seconds = seconds;
    state.deaf = hawser_semaphore_new(0);
    state.mutex = hawser_mutex_new();
    if (!state.deaf || !state.mutex || (!state.direct && !start_fiber()))
        return -1;
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        if (handle(stop_signals[i], on_stop) < 0)
            return -1;
    return handle(SIGUSR1, on_dump);
}

/* A handler that another thread runs still has the server. */
static void release_server(void) {
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        signal(stop_signals[i], SIG_DFL);
    atomic_store(&state.server, NULL);
    while (state.handlers > 0)
        hawser_yield();
}

void serve_signals_end(void) {
    if (state.stopped_by)
        announce_once();
    hawser_group_close(state.listener);
    release_server();
    hawser_semaphore_free(state.deaf);
    hawser_mutex_free(state.mutex);
}

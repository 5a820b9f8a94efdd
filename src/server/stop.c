/* SPDX-License-Identifier: MIT */
/*
 * Asking a server to stop, and waiting until it has.
 *
 * Asking is a few atomic steps and one byte sent to the bell, so a signal handler can do it. What was asked for is taken back
 * by the end of the turn of serving that it ended, or by the next hawser_serve_forever when none was running.
 */
#include "server/server.h"

#include "base/machine.h"
#include "base/sys.h"
#include "sched/mutex.h"

#include <hawser/io.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>

/* The bell. */

void hawser__bell_ring(hawser_server *server) {
    int saved = errno;
    if (server->bell_fd >= 0)
        (void)hawser__sys_send(server->bell_fd, "", 1, MSG_DONTWAIT);
    else
        (void)hawser_send(server->bell[1], "", 1);
    errno = saved;
}

int hawser__bell_wait(hawser_server *server, hawser__deadline deadline) {
    char rings[256];
    hawser_sock *bell = server->bell[0];
    ssize_t n = hawser__enter(bell, HAWSER__RECEIVER);
    if (n < 0)
        return (int)n;
    n = bell->transport->recv(bell, rings, sizeof rings, 0, deadline);
    hawser__leave(bell, HAWSER__RECEIVER);
    return n < 0 ? (int)n : 0;
}

/* Asking. */

static void lock(hawser_server *server) {
    hawser__mutex_lock_through(server->mutex, hawser__task_current());
}

static void ask(hawser_server *server, double seconds) {
    int64_t ns = hawser__timeout_ns(seconds);
    hawser__deadline at = ns == HAWSER__NEVER ? HAWSER__NEVER : hawser__server_now(server) + (ns > 0 ? ns : 0);
    hawser__deadline before = atomic_load(&server->cut_at);
    while (at < before && !atomic_compare_exchange_weak(&server->cut_at, &before, at))
        ;
    atomic_store(&server->stopping, true);
    atomic_store(&server->tally->stopping, true);
    hawser__bell_ring(server);
}

void hawser_server_stop(hawser_server *server, double seconds) {
    ask(server, seconds);
}

void hawser__give_up(hawser_server *server) {
    lock(server);
    if (server->failure.code == 0)
        hawser__failure_keep(&server->failure, hawser__task_current(), errno ? errno : EIO);
    hawser_mutex_unlock(server->mutex);
    ask(server, 0);
}

/* Turns of serving. */

static void forget_stop(hawser_server *server) {
    atomic_store(&server->stopping, false);
    atomic_store(&server->tally->stopping, false);
    atomic_store(&server->cut_at, HAWSER__NEVER);
    (void)hawser__bell_wait(server, HAWSER__NOW);
}

int hawser__turn_begin(hawser_server *server) {
    if (server->options.concurrency == HAWSER_FORKS && hawser__machine_here && hawser_worker() == 0)
        return hawser__fail(EOPNOTSUPP, "serve in processes on a simulated host");
    if (atomic_exchange(&server->serving, true))
        return hawser__fail(EBUSY, "serve what is being served already");
    server->result = (hawser_server_result){0};
    server->failure.code = 0;
    return hawser__stopping(server);
}

void hawser__turn_end(hawser_server *server) {
    lock(server);
    forget_stop(server);
    server->turns++;
    atomic_store(&server->serving, false);
    hawser_cond_notify_all(server->quiet);
    hawser_mutex_unlock(server->mutex);
}

static uint64_t count(_Atomic uint64_t *number) {
    return atomic_load_explicit(number, memory_order_relaxed);
}

/* Kept as what has to be taken away at the end, which the subtraction of unsigned numbers makes good. */
void hawser__result_begin(hawser_server *server) {
    server->result.finished = 0 - count(&server->tally->finished);
    server->result.cut = 0 - count(&server->tally->cut);
}

void hawser__result_end(hawser_server *server) {
    server->result.cut += count(&server->tally->cut);
    server->result.finished += count(&server->tally->finished) - server->result.cut;
}

/* Waits for the end of the turn that is under way. 0, or -1 with errno. */
static int wait_until_quiet(hawser_server *server, hawser_server_result *result) {
    unsigned turn = server->turns;
    int code = 0;
    while (code == 0 && server->turns == turn && atomic_load(&server->serving))
        code = hawser_cond_wait(server->quiet, server->mutex);
    if (result && code == 0)
        *result = server->turns == turn ? (hawser_server_result){0} : server->result;
    return code;
}

int hawser_server_shutdown(hawser_server *server, double seconds, hawser_server_result *result) {
    ask(server, seconds);
    if (hawser__task_current()->serves == server)
        return hawser__fail(EDEADLK, "wait for the end of the server that calls");
    lock(server);
    int code = wait_until_quiet(server, result) < 0 ? errno : 0;
    hawser_mutex_unlock(server->mutex);
    return code ? hawser__fail(code, "wait for the end of a server") : 0;
}

const void *hawser__serves(const hawser_server *server) {
    hawser__task *task = hawser__task_current();
    const void *before = task->serves;
    task->serves = server;
    return before;
}

void hawser__serves_not(const void *before) {
    hawser__task_current()->serves = before;
}

/* Signals. */

static const int stop_signals[] = {SIGINT, SIGTERM};
#define STOP_SIGNALS (sizeof stop_signals / sizeof *stop_signals)

static atomic_int handlers;                  /* how many run right now */
static struct sigaction before[STOP_SIGNALS];

/* Whom the signals stop in this process; NULL = nobody. */
static _Atomic(void *) *signalled(void) {
    return &hawser__process_here()->stopped_by_signals;
}

static void on_signal(int signo) {
    int saved = errno;
    (void)signo;
    atomic_fetch_add(&handlers, 1);
    hawser_server *server = atomic_load(signalled());
    if (server)
        ask(server, hawser__stopping(server) ? 0 : hawser__timeout_seconds(server->limits.drain));
    atomic_fetch_sub(&handlers, 1);
    errno = saved;
}

static void put_back(size_t n) {
    for (size_t i = 0; i < n; i++)
        (void)hawser__sys_sigaction(stop_signals[i], &before[i], NULL);
}

int hawser_server_stop_on_signals(hawser_server *server) {
    if (!server)
        return -1;
    struct sigaction action = {.sa_handler = on_signal};   /* no SA_RESTART: a foreign call that blocks ends as well */
    void *nobody = NULL;
    sigemptyset(&action.sa_mask);
    if (!atomic_compare_exchange_strong(signalled(), &nobody, server))
        return nobody == server ? 0 : hawser__fail(EBUSY, "stop on signals, as another server does");
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        int result = hawser__sys_sigaction(stop_signals[i], &action, &before[i]);
        if (result < 0) {
            put_back(i);
            atomic_store(signalled(), NULL);
            return hawser__fail(result, "stop on signals");
        }
    }
    return 0;
}

/* A handler that another thread runs still has the server: it is not freed before that is done. */
void hawser__signals_drop(hawser_server *server) {
    void *own = server;
    if (!atomic_compare_exchange_strong(signalled(), &own, NULL))
        return;
    put_back(STOP_SIGNALS);
    while (atomic_load(&handlers) > 0)
        hawser__sys_yield();
}

void hawser__signals_in_child(hawser_server *server) {
    if (atomic_load(signalled()) == server)
        put_back(STOP_SIGNALS);
    atomic_store(signalled(), NULL);
    atomic_store(&handlers, 0);
}

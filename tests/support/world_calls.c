/* SPDX-License-Identifier: MIT */
/* Threads, time, signals and files of Unix sockets as the libc calls of tests find them in a simulated world. */
#include "world_calls.h"

#include "support.h"

#include "base/machine.h"
#include "sim/simulation.h"
#include "world/socket.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Time. */

static struct timespec as_timespec(int64_t ns) {
    return (struct timespec){(time_t)(ns / HAWSER__SECOND), (long)(ns % HAWSER__SECOND)};
}

WRAPPED(int, clock_gettime, clockid_t id, struct timespec *ret) {
    if (!in_world() || (id != CLOCK_MONOTONIC && id != CLOCK_REALTIME))
        return __real_clock_gettime(id, ret);
    *ret = as_timespec(id == CLOCK_MONOTONIC ? hawser__clock_monotonic() : hawser__clock_wall());
    return 0;
}

WRAPPED(time_t, time, time_t *ret) {
    if (!in_world())
        return __real_time(ret);
    time_t now = (time_t)(hawser__clock_wall() / HAWSER__SECOND);
    if (ret)
        *ret = now;
    return now;
}

/* Until then on one of the two clocks: no test waits until the seventies. */
static bool is_over(const struct timespec *end) {
    const struct timespec wall = as_timespec(hawser__clock_wall()), monotonic = as_timespec(hawser__clock_monotonic());
    const struct timespec *now = end->tv_sec < wall.tv_sec / 2 ? &monotonic : &wall;
    return now->tv_sec > end->tv_sec || (now->tv_sec == end->tv_sec && now->tv_nsec >= end->tv_nsec);
}

WRAPPED(int, nanosleep, const struct timespec *time, struct timespec *left) {
    if (!in_world())
        return __real_nanosleep(time, left);
    rest_until(seconds_now() + (double)time->tv_sec + (double)time->tv_nsec / 1e9);
    return 0;
}

WRAPPED(int, sched_yield, void) {
    if (!in_world())
        return __real_sched_yield();
    hawser__strand_give_way();
    return 0;
}

/* Threads. */

WRAPPED(int, pthread_create, pthread_t *ret, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    void *strand;
    if (!in_world())
        return __real_pthread_create(ret, attributes, run, argument);
    if (hawser__strand_begin(run, argument, &strand) < 0)
        return EAGAIN;
    *ret = (pthread_t)(uintptr_t)strand;
    return 0;
}

static hawser__strand *strand_of(pthread_t thread) {
    return (hawser__strand *)(uintptr_t)thread;
}

WRAPPED(int, pthread_join, pthread_t thread, void **ret) {
    if (!in_world())
        return __real_pthread_join(thread, ret);
    hawser__strand_join(strand_of(thread));
    if (ret)
        *ret = NULL;
    return 0;
}

WRAPPED(int, pthread_tryjoin_np, pthread_t thread, void **ret) {
    if (!in_world())
        return __real_pthread_tryjoin_np(thread, ret);
    return strand_of(thread)->state == HAWSER__STRAND_ENDED ? __wrap_pthread_join(thread, ret) : EBUSY;
}

WRAPPED(int, pthread_timedjoin_np, pthread_t thread, void **ret, const struct timespec *end) {
    if (!in_world())
        return __real_pthread_timedjoin_np(thread, ret, end);
    int result;
    while ((result = __wrap_pthread_tryjoin_np(thread, ret)) == EBUSY && !is_over(end))
        rest_until(seconds_now() + 0.001);
    return result == EBUSY ? ETIMEDOUT : result;
}

WRAPPED(pthread_t, pthread_self, void) {
    return in_world() ? (pthread_t)(uintptr_t)current_strand() : __real_pthread_self();
}

/* Whoever waits looks again. */
WRAPPED(int, pthread_cond_timedwait, pthread_cond_t *condition, pthread_mutex_t *lock, const struct timespec *end) {
    if (!in_world())
        return __real_pthread_cond_timedwait(condition, lock, end);
    pthread_mutex_unlock(lock);
    rest_until(seconds_now() + 0.001);
    pthread_mutex_lock(lock);
    return is_over(end) ? ETIMEDOUT : 0;
}

WRAPPED(int, sem_timedwait, sem_t *semaphore, const struct timespec *end) {
    if (!in_world())
        return __real_sem_timedwait(semaphore, end);
    while (sem_trywait(semaphore) != 0) {
        if (is_over(end)) {
            errno = ETIMEDOUT;
            return -1;
        }
        rest_until(seconds_now() + 0.001);
    }
    return 0;
}

/* Signals: they hit the host, whoever of it they are sent to. */

WRAPPED(int, sigaction, int signo, const struct sigaction *action, struct sigaction *old) {
    if (!in_world())
        return __real_sigaction(signo, action, old);
    return (int)as_in_libc(hawser__machine_here->sigaction(signo, action, old));
}

WRAPPED(sighandler_t, signal, int signo, sighandler_t handler) {
    struct sigaction action = {.sa_handler = handler}, old;
    if (!in_world())
        return __real_signal(signo, handler);
    return __wrap_sigaction(signo, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

static bool handled_by_host(int signo) {
    hawser__host *host = hawser__simulation_here->host;
    return host && hawser__host_signal(host, signo);
}

static int hit_host(int signo) {
    if (handled_by_host(signo))
        return 0;
    fprintf(stderr, "signal %d hit a simulated host that does not handle it\n", signo);
    abort();
}

/* Others are the library's: one of its switches makes contexts by signals. */
WRAPPED(int, raise, int signo) {
    return in_world() && handled_by_host(signo) ? 0 : __real_raise(signo);
}

WRAPPED(int, kill, pid_t pid, int signo) {
    return in_world() && pid == getpid() ? hit_host(signo) : __real_kill(pid, signo);
}

WRAPPED(int, pthread_kill, pthread_t thread, int signo) {
    return in_world() ? hit_host(signo) : __real_pthread_kill(thread, signo);
}

WRAPPED(pid_t, fork, void) {
    if (!in_world())
        return __real_fork();
    skip_in_world("its hosts do not fork");
    return -1;
}

/* Files of Unix sockets. */

static bool has_file(const char *path) {
    return in_world() && hawser__host_file(hawser__simulation_here->host, path);
}

WRAPPED(int, access, const char *path, int mode) {
    return has_file(path) ? 0 : __real_access(path, mode);
}

WRAPPED(int, unlink, const char *path) {
    if (!has_file(path))
        return __real_unlink(path);
    bool inside = hawser__simulation_inside(true);
    hawser__host_remove_file(hawser__simulation_here->host, path);
    hawser__simulation_inside(inside);
    return 0;
}

WRAPPED(int, lstat, const char *path, struct stat *ret) {
    if (!has_file(path))
        return __real_lstat(path, ret);
    *ret = (struct stat){.st_ino = hawser__host_file(hawser__simulation_here->host, path), .st_mode = S_IFSOCK | 0755};
    return 0;
}

WRAPPED(int, stat, const char *path, struct stat *ret) {
    return has_file(path) ? __wrap_lstat(path, ret) : __real_stat(path, ret);
}

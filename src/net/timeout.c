/* SPDX-License-Identifier: MIT */
/* Timeouts: a socket's own and the default one. */
#include "net/timeout.h"

#include "base/error.h"
#include "base/task.h"
#include "engine/engines.h"
#include "net/handle.h"

#include <stdatomic.h>

static _Atomic int64_t default_timeout = HAWSER__NEVER;

int64_t hawser__default_timeout(void) {
    return atomic_load(&default_timeout);
}

hawser__deadline hawser__default_deadline(void) {
    int64_t timeout = hawser__default_timeout();
    hawser__engine *engine = hawser__engine_current();
    return hawser__task_deadline(timeout == 0 || timeout == HAWSER__NEVER
                                     ? HAWSER__NEVER : hawser__deadline_in(engine->ops->now(engine), timeout));
}

int64_t hawser__timeout_checked(double seconds) {
    int64_t ns = hawser__timeout_ns(seconds);
    return ns == -1 ? -EINVAL : ns == -2 ? -ERANGE : ns;
}

static int set(_Atomic int64_t *timeout, double seconds, const char *what) {
    int64_t ns = hawser__timeout_checked(seconds);
    if (ns < 0)
        return hawser__fail((int)ns, "%s to %g seconds", what, seconds);
    atomic_store(timeout, ns);
    return 0;
}

int hawser_settimeout(hawser_sock *sock, double seconds) {
    return set(&sock->timeout, seconds, "set timeout");
}

double hawser_gettimeout(const hawser_sock *sock) {
    return hawser__timeout_seconds(atomic_load(&sock->timeout));
}

int hawser_setblocking(hawser_sock *sock, bool blocking) {
    return hawser_settimeout(sock, blocking ? HAWSER_NO_TIMEOUT : 0);
}

bool hawser_getblocking(const hawser_sock *sock) {
    return atomic_load(&sock->timeout) != 0;
}

int hawser_setdefaulttimeout(double seconds) {
    return set(&default_timeout, seconds, "set default timeout");
}

double hawser_getdefaulttimeout(void) {
    return hawser__timeout_seconds(hawser__default_timeout());
}

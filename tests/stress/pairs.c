/* SPDX-License-Identifier: MIT */
#include "stress.h"

#include <errno.h>

static bool out_of_something(void) {
    return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EADDRNOTAVAIL || errno == EADDRINUSE ||
           errno == ENOBUFS;
}

static int connect_to(void *arg) {
    hawser_sock **made = arg;
    hawser_addr addr;
    MUST(hawser_getsockname(made[0], &addr) == 0);
    made[1] = hawser_create_connection("127.0.0.1", (int)hawser_addr_port(&addr), NULL);
    return 0;
}

/* Closing resets: the ports would be used up in no time if each waited a minute for stragglers. */
static void leave_no_trace(hawser_sock *ends[2]) {
    const struct linger none = {.l_onoff = 1};
    for (int i = 0; i < 2; i++)
        MUST(hawser_setsockopt(ends[i], SOL_SOCKET, SO_LINGER, &none, sizeof none) == 0);
}

/* Both ends at once: one fiber connects while this one accepts. */
static bool make_tcp(hawser_sock *ret[2]) {
    hawser_sock *both[2] = {hawser_create_server("127.0.0.1", 0, NULL), NULL};
    if (!both[0])
        return MUST(out_of_something()), false;
    hawser_group *group = hawser_group_open(NULL);
    MUST(group && hawser_group_go(group, connect_to, both) == 0);
    int64_t outer = hawser_deadline_push(LOST);
    ret[0] = hawser_accept(both[0], NULL);
    MUST(ret[0] || out_of_something());
    MUST(hawser_group_wait(group) == 0);
    hawser_deadline_pop(outer);
    hawser_group_close(group);
    hawser_close(both[0]);
    ret[1] = both[1];
    if (ret[0] && ret[1]) {
        leave_no_trace(ret);
        return true;
    }
    hawser_close(ret[0]);
    hawser_close(ret[1]);
    ret[0] = ret[1] = NULL;
    return false;
}

bool make_pair(actor *self, hawser_sock *ret[2]) {
    step(self);
    if (draw(self, 8) == 0)
        return make_tcp(ret);
    if (hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, ret) == 0)
        return true;
    MUST(out_of_something());
    return false;
}

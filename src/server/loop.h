/* SPDX-License-Identifier: MIT */
/*
 * The loop of one task: for servers that are sequential or fork, and for hawser_handle_request. It waits at the listeners, the
 * bell, the connections that linger and the children, all at once.
 */
#ifndef HAWSER__LOOP_H
#define HAWSER__LOOP_H

#include "server/server.h"

struct child;

struct hawser__loop {
    uint64_t ready;                          /* listeners that may have more, a bit each */
    struct hawser__connection *lingering;    /* their end is awaited; `since` is when that is given up */
    size_t lingering_count;
    struct child *children;
    size_t child_count;
    bool full;                               /* max_connections was met at the last look */
    struct hawser__guard *guard;             /* cuts a handler of this task's when it is time */
};

/* The loop of SERVER, made when it is first needed. NULL: -1 with errno. */
struct hawser__loop *hawser__loop_get(hawser_server *server);
void hawser__loop_free(hawser_server *server);
/* Waits for what hawser_handle_request has left running. */
void hawser__loop_settle(hawser_server *server);

/* CONNECTION's end is awaited in the loop: true. False: too many are. */
bool hawser__loop_linger(hawser_server *server, struct hawser__connection *connection);
/* What hawser_handle_request has left lingering goes on in fibers of the run that now serves. */
void hawser__loop_hand_over(hawser_server *server);

/* guard.c: a thread that watches over the loop's task while a handler runs in it: it cannot look at the bell itself. */
int hawser__guard_start(hawser_server *server);
void hawser__guard_stop(hawser_server *server);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Threads for requests: at most as many as the option `workers` says, made when they are needed, and gone after a while without
 * work. What finds all of them busy waits in line.
 */
#ifndef HAWSER__POOL_H
#define HAWSER__POOL_H

#include "server/server.h"

/* 0; -1 with errno. */
int hawser__pool_open(hawser_server *server);
/* FN(ARG) is to be called. 0; -1 with errno: there is no thread and none can be had, or no memory. */
int hawser__pool_submit(hawser_server *server, hawser_fn fn, void *arg);
/* Cancels every task that is at work. */
void hawser__pool_cancel(hawser_server *server);
/* Waits for all threads, which have no work left, and frees the pool. */
void hawser__pool_free(hawser_server *server);

#endif

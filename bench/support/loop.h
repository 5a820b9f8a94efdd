/* SPDX-License-Identifier: MIT */
/*
 * The frame of the edge-triggered reference servers: each connection is registered once, for IN, OUT and RDHUP, and is then
 * told of every change. What a connection says is up to the program.
 *
 * A connection is its descriptor: programs keep what they must remember in an array indexed by it, so that looking it up costs
 * nothing and an idle connection costs a few bytes.
 */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stdint.h>
#include <sys/epoll.h>

/* What changed on a connection: EVENTS as epoll says. */
typedef void loop_serve(int fd, uint32_t events);

/* Listens, says the port, and serves for ever. At most LIMIT descriptors are there: accept stops before. */
_Noreturn void loop_run(loop_serve *serve);

/* The peer will not send any more, or the connection is broken: reading on finds the end. */
#define LOOP_ENDED (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

#endif

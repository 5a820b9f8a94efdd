/* SPDX-License-Identifier: MIT */
/*
 * Relaying: the heart of every proxy.
 */
#ifndef HAWSER_RELAY_H
#define HAWSER_RELAY_H

#include <hawser/sock.h>

HAWSER_BEGIN

/* Zeroed, or NULL for it, means defaults. */
typedef struct hawser_relay_options {
    double idle_timeout;   /* seconds without a byte in either direction after which it ends with ETIMEDOUT; 0: no limit */
} hawser_relay_options;

/* Copies what A receives to B and what B receives to A, in both directions at once, until both have ended. The end of one
 * direction is passed on (shutdown for writing) while the other goes on. Neither socket is closed, and no buffer is held
 * while nothing is under way. The sockets' own timeouts do not count, the task's deadline does. SENT, unless NULL, gets the
 * bytes moved from A to B and from B to A, in any case. 0; -1 with errno, hawser_moved() bytes in all: one side failed, and
 * what the other still had to say is lost. Nobody else may receive or send on A or B meanwhile (EBUSY). */
int hawser_relay(hawser_sock *a, hawser_sock *b, const hawser_relay_options *options, uint64_t sent[2]);

HAWSER_END

#endif

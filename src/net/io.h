/* SPDX-License-Identifier: MIT */
#ifndef HAWSER__IO_H
#define HAWSER__IO_H

#include "base/error.h"
#include "net/handle.h"

#include <hawser/io.h>

/* The sentence of a failed transfer: "VERB 1.2.3.4:80 after N bytes: reason". Returns -1. */
HAWSER__COLD int hawser__io_fail(hawser_sock *sock, ssize_t code, uint64_t moved, const char *verb);

/* Sends all of DATA from *MOVED on; the caller is inside as sender. 0 or a code; *MOVED counts. */
ssize_t hawser__send_all(hawser_sock *sock, const char *data, size_t size, int flags, hawser__deadline deadline, size_t *moved);

#endif

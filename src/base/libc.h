/* SPDX-License-Identifier: MIT */
/*
 * Where C libraries differ. One of libc_gnu.c and libc_other.c (musl, and what a POSIX system has) fulfils it; the build finds
 * out which.
 */
#ifndef HAWSER__LIBC_H
#define HAWSER__LIBC_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether a look-up of a host that ended with HOST_ERROR (an h_errno) and RESULT failed for a reason of the system, RESULT. */
bool hawser__libc_host_error_is_errno(int host_error, int result);

/* Whether RESULT of a function ..._r, which found no entry, says that there is none. */
bool hawser__libc_entry_absent(int result);

/* getprotobyname_r: 0 or a positive errno. Safe in every thread. */
int hawser__libc_getprotobyname(const char *name, struct protoent *ret, char *buf, size_t size, struct protoent **entry);

/* ENTRY, which has a canonical name, has NAME instead; NAME outlives the list. 0 or -ENOMEM. */
int hawser__libc_set_canonname(struct addrinfo *entry, char *name);

/* What an alternate signal stack needs to be comfortable; 0 = this C library does not know. */
size_t hawser__libc_signal_stack(void);

#endif

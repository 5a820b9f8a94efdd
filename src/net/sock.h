/* SPDX-License-Identifier: MIT */
/* Small things that several files of net/ share. */
#ifndef HAWSER__SOCK_H
#define HAWSER__SOCK_H

#include <hawser/addr.h>
#include <hawser/sock.h>

/* "AF_INET SOCK_STREAM" for sentences; numbers where a name is missing. Cut to SIZE. Returns OUT. */
const char *hawser__kind_text(int family, int type, int proto, char *out, size_t size);

/* Hands an address that the kernel filled in to the caller: without text yet, and zeroed where there was none. Only the
 * bytes in use are copied. */
void hawser__addr_take(hawser_addr *ret, const hawser_addr *filled);

#endif

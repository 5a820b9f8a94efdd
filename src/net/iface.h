/* SPDX-License-Identifier: MIT */
/*
 * Interfaces in addresses, by name where they have a usable one. A name of digits only counts as a number, in both directions,
 * so that a number never means somebody's name.
 */
#ifndef HAWSER__IFACE_H
#define HAWSER__IFACE_H

#include <net/if.h>
#include <stddef.h>

/* Room for a name or a number. */
#define HAWSER__IFACE_TEXT 16

/* The index for LEN bytes of TEXT: a number up to 4294967295 (no system call) or a name. 0; -HAWSER_EADDRESS when empty,
 * -ERANGE, -ENODEV, or what else the system says. */
int hawser__iface_read(const char *text, size_t len, unsigned *ret);

/* The interface's name, or its number when it has none, or one that could not be read back. Returns OUT. */
const char *hawser__iface_text(unsigned index, char out[static HAWSER__IFACE_TEXT]);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef HAWSER__RACE_ORDER_H
#define HAWSER__RACE_ORDER_H

#include <hawser/names.h>

/* Reorders a list so that the families take turns, starting with the first one's; within a family the resolver's order stays
 * (RFC 8305, section 4). */
void hawser__race_order(hawser_addrinfo **list);

#endif

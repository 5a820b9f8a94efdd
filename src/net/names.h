/* SPDX-License-Identifier: MIT */
/*
 * Look-ups as the other files of net use them: with a deadline of their own, results 0 or a negative code, errno and sentence
 * left to the caller. All may park the task, except where the host is numeric.
 */
#ifndef HAWSER__NAMES_H
#define HAWSER__NAMES_H

#include "base/clock.h"
#include "sched/lookup.h"

/* Has the current engine answer LOOKUP. 0 = answered well; a negative code: not answered, or answered with that. */
int hawser__resolve(hawser__lookup *lookup, hawser__deadline deadline);

/* The look-up KIND of HOST and SERVICE, made and answered: in *RET, to be given back; 0 or a negative code. */
int hawser__look_up(enum hawser__lookup_kind kind, const char *host, const char *service, hawser__deadline deadline,
                    hawser__lookup **ret);

/* TEXT into OUT, whole: 0 or -HAWSER_EOVERFLOW. */
int hawser__name_out(const char *text, char *out, size_t size);

/* hawser_getaddrinfo. */
int hawser__getaddrinfo(const char *host, const char *service, int family, int type, int proto, int flags,
                        hawser__deadline deadline, hawser_addrinfo **ret);

/* One IP address for HOST, port 0: the first of FAMILY (AF_INET, AF_INET6, AF_UNSPEC = either). "" means every address
 * (PASSIVE) or this machine, IPv4 if FAMILY leaves it open; "<broadcast>" is 255.255.255.255. */
int hawser__first_address(const char *host, int family, bool passive, hawser__deadline deadline, hawser_addr *ret);

#endif

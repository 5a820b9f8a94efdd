/* SPDX-License-Identifier: MIT */
/*
 * Addresses as the other files of net use them: the public calls without errno and sentence, results 0 or a negative code.
 */
#ifndef HAWSER__ADDR_H
#define HAWSER__ADDR_H

#include <hawser/addr.h>

/* hawser_addr_ip, hawser_addr_unix, hawser_addr_parse. RET is written only on success. */
int hawser__addr_ip(hawser_addr *ret, const char *host, int port);
int hawser__addr_unix(hawser_addr *ret, const void *name, size_t len);
int hawser__addr_parse(hawser_addr *ret, const char *text);

/* The address of this machine's every interface (PASSIVE) or of its loopback, FAMILY AF_INET or AF_INET6. */
void hawser__addr_here(hawser_addr *ret, int family, bool passive, int port);

/* Sets the port of an IP address; nothing for other families. */
void hawser__addr_set_port(hawser_addr *addr, int port);

/* 0 or -ERANGE. */
int hawser__port_check(int port);

#endif

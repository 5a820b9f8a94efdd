/* SPDX-License-Identifier: MIT */
/*
 * The header that a proxy puts before a connection to say whose it is: PROXY protocol, version 1 (a line of text) and version 2
 * (binary), as HAProxy defines them.
 *
 * Nothing beyond the header is taken from the connection, so whoever reads next, by way of a file or not, finds the first byte
 * of the client's. A header is at most 107 bytes (version 1) or 16 + 65535 (version 2; what follows the addresses, the TLVs, is
 * dropped).
 */
#ifndef HAWSER__PROXY_H
#define HAWSER__PROXY_H

#include <hawser/sock.h>

/* Parses the header at the front of the SIZE bytes of DATA. The bytes it has: *PEER becomes the client, zeroed when the proxy
 * does not say (LOCAL, UNKNOWN, a family without an address). 0: more bytes are needed to tell. -HAWSER_EADDRESS: it is no
 * PROXY header. */
ssize_t hawser__proxy_parse(const void *data, size_t size, hawser_addr *peer);

/* Reads a header from SOCK within SECONDS. 0 and *PEER as above; -1 with errno and a sentence: HAWSER_EADDRESS (malformed),
 * ETIMEDOUT, HAWSER_EEOF ... */
int hawser__proxy_read(hawser_sock *sock, double seconds, hawser_addr *peer);

#endif

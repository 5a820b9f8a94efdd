/* SPDX-License-Identifier: MIT */
/*
 * Targets: what the (host, port) pair of a call means. hawser_bind, hawser_connect and hawser_sendto want one address for a
 * socket that exists; hawser_create_connection and hawser_create_server want all of them, in the order in which to try.
 *
 *   host            IPv4 and IPv6 sockets                            Unix sockets                other families
 *   "" (or NULL)    PASSIVE: every address; else this machine        unnamed: bind makes a name  refused: HAWSER_EADDRESS
 *   "<broadcast>"   255.255.255.255; IPv6: EAFNOSUPPORT              a path like any other       as hawser_addr_parse reads it
 *   "127.0.0.1"     as it is, without look-up or system call         a path                      as hawser_addr_parse reads it
 *   "fe80::1%eth0"  one system call for the interface                a path                      as hawser_addr_parse reads it
 *   "name"          looked up, first address of the family           a path                      as hawser_addr_parse reads it
 *   "@name"         looked up like any name                          abstract                    as hawser_addr_parse reads it
 *   "unix:..."      EAFNOSUPPORT                                     as hawser_addr_parse reads  EAFNOSUPPORT
 *
 * A numeric host of the other IP family is HAWSER_ENOADDRESS, as from Python's getaddrinfo: an IPv6 socket does not take
 * "127.0.0.1", but it does take "::ffff:127.0.0.1". AF_RDS sockets take what AF_INET ones take.
 * Ports are 0 to 65535, checked before anything else (ERANGE); sockets without ports want 0 (EINVAL).
 * A look-up ends at DEADLINE. With HAWSER__NOW (a timeout of 0) a name is still looked up, as Python does, within the default
 * timeout: a timeout of 0 is about the socket, and a name could never be used with it otherwise.
 */
#ifndef HAWSER__TARGET_H
#define HAWSER__TARGET_H

#include "base/clock.h"

#include <hawser/names.h>

/* The address of HOST and PORT for a socket of FAMILY, in *RET. PASSIVE says what "" means: every address (to bind), or this
 * machine (to connect or send to). 0; or -1 with errno and the sentence "VERB HOST:PORT: reason" already set, for example with
 * VERB "bind to": "bind to 127.0.0.1:65536: port must be 0 to 65535". Names through the engine's resolve; may park. */
int hawser__target(const char *verb, const char *host, int port, int family, bool passive, hawser__deadline deadline,
                   hawser_addr *ret);

/* All addresses of HOST and PORT, for sockets that are still to be made: a list for hawser_freeaddrinfo, never empty.
 * FAMILY AF_UNSPEC: whatever HOST is, IPv6 and IPv4, or AF_UNIX for "unix:..."; otherwise only that family, and HOST means
 * what it means to hawser__target. "" gives the IPv6 address before the IPv4 one ([::] and 0.0.0.0, or [::1] and 127.0.0.1).
 * Every entry has TYPE and a protocol for hawser_socket. 0; or -1 with errno and the sentence set as above. */
int hawser__targets(const char *verb, const char *host, int port, int family, int type, bool passive, hawser__deadline deadline,
                    hawser_addrinfo **ret);

/* HOST and PORT as sentences show them: "localhost:80", "[::1]:80", "*:80" for "", "unix:/run/x.sock" for a socket of FAMILY
 * AF_UNIX (or a "unix:..." host), and HOST alone for families without ports. Cut to SIZE. Returns OUT. */
const char *hawser__target_text(const char *host, int port, int family, char *out, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Addresses.
 *
 * A hawser_addr is a value: copy it, compare it, keep it in an array; nothing to free. It holds any address of any family the
 * kernel has, and room for its own text, so that any number of them can be printed at once. The text form is one for printing
 * and reading back:
 *
 *   127.0.0.1:80          IPv4                         unix:/run/x.sock    Unix socket file
 *   [::1]:80              IPv6                         unix:@name          abstract Unix name (Linux)
 *   [fe80::1%eth0]:80     IPv6 with its interface      unix:               unnamed Unix socket
 *   netlink:PORTID:GROUPS                              packet:eth0:0x0800:PKTTYPE:HATYPE:02:fc:00:00:00:01
 *   vsock:CID:PORT        CID may be "any"             can:vcan0, can:vcan0:RX:TX (isotp), can:vcan0:NAME:PGN:ADDR (j1939)
 *   alg:TYPE:NAME         kernel crypto                rds:127.0.0.1:80    RDS uses IP addresses; prints as 127.0.0.1:80
 *   family:N:HEXBYTES     any other family: its number and the bytes behind it
 *
 * In Unix names a byte that is not printable ASCII, and a backslash, is written \xHH, and read back so. An IPv4 address mapped
 * into IPv6 (::ffff:1.2.3.4) is shown as IPv4. Interfaces are names or numbers (0 = any, or none); numbers behind them may be
 * hexadecimal with 0x, and those missing at the end of netlink and packet are 0. CAN addresses of the three kinds differ in
 * length, as the kernel's do: 8, 16 and 24 bytes. What a form cannot say (VSOCK flags, ALG feature bits, a path of 108 bytes)
 * is written as family:N:... too; IPv6 flow labels are neither written nor compared.
 * Nothing here looks up names (names.h does) or waits.
 * Python: the address tuples of the socket module.
 */
#ifndef HAWSER_ADDR_H
#define HAWSER_ADDR_H

#include <hawser/common.h>

HAWSER_BEGIN

/* Room for the longest text form, the final NUL included: an abstract name of 107 bytes, each written \xHH. */
#define HAWSER_ADDR_TEXT 448

typedef struct hawser_addr {
    socklen_t len;                /* bytes of ss in use; 0 = no address (a zeroed hawser_addr) */
    struct sockaddr_storage ss;   /* the address as the kernel takes it: usable as msg_name with len */
    char text[HAWSER_ADDR_TEXT];  /* filled by hawser_addr_str */
} hawser_addr;

/* The text form of ADDR, "" for a zeroed one. It lives in ADDR itself. Python: what repr(socket) shows as laddr and raddr. */
const char *hawser_addr_str(hawser_addr *addr);

/* Reads a text form (see above; brackets around IPv6, a port from 0 to 65535) into RET. 0; -1 with HAWSER_EADDRESS, ERANGE
 * (a number is too large), ENAMETOOLONG (Unix name over 107 bytes; more than the family has room for), ENODEV (no such
 * interface). */
int hawser_addr_parse(hawser_addr *ret, const char *text);

/* An IPv4 or IPv6 address from a numeric HOST ("127.0.0.1", "::1", "fe80::1%eth0"; "" = any IPv4 address) and PORT.
 * 0; -1 with HAWSER_EADDRESS, ERANGE (port below 0 or above 65535), ENODEV. */
int hawser_addr_ip(hawser_addr *ret, const char *host, int port);

/* A Unix address from LEN bytes of NAME: a path; with a leading NUL byte an abstract name (embedded NULs are legal and
 * count); LEN 0 = unnamed, which bind turns into a free abstract name. A path has at most 107 bytes and no NUL.
 * 0; -1 with ENAMETOOLONG, EINVAL (a NUL inside a path). */
int hawser_addr_unix(hawser_addr *ret, const void *name, size_t len);

/* A copy of LEN bytes of a system address, any family. 0; -1 with EINVAL (shorter than the family number, or longer than a
 * sockaddr_storage). */
int hawser_addr_from_sockaddr(hawser_addr *ret, const struct sockaddr *sa, socklen_t len);

/* ADDR as the calls of libc take it, its size in *RET_LEN (may be NULL). */
const struct sockaddr *hawser_addr_sockaddr(const hawser_addr *addr, socklen_t *ret_len);

/* AF_INET, AF_INET6, AF_UNIX ...; AF_UNSPEC for a zeroed address. */
int hawser_addr_family(const hawser_addr *addr);

/* The port of an IP or VSOCK address; -1 for families that have none. */
int64_t hawser_addr_port(const hawser_addr *addr);

/* Writes the host part alone ("127.0.0.1", "fe80::1%eth0", a Unix name, a VSOCK CID) as text into OUT, NUL-terminated. Its
 * length; -1 with HAWSER_EOVERFLOW (OUT too small: HAWSER_ADDR_TEXT always suffices) or EAFNOSUPPORT (a family without a host
 * part). */
ssize_t hawser_addr_host(const hawser_addr *addr, char *out, size_t size);

/* Whether both name the same endpoint. An IPv4 address and its form mapped into IPv6 do. */
bool hawser_addr_equal(const hawser_addr *a, const hawser_addr *b);

/* Whether only this machine can reach the address: 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104, every Unix address. */
bool hawser_addr_is_loopback(const hawser_addr *addr);

HAWSER_END

#endif

/* SPDX-License-Identifier: MIT */
/*
 * System calls of the resolver, the service and protocol tables, the interfaces and the host name: the only callers of libc's
 * functions for these. Same rules as sys.h: 0 or a result, or a negative code (-errno or -HAWSER_E*); errno is kept; a fault
 * hook is asked first, under the name of the libc function, and may answer with any positive code (HAWSER_ENONAME, say).
 *
 * Those of the first two groups may read files or ask the network, and block the thread that long: only a look-up calls them
 * (sched/lookup.c). Functions that fill an entry want a buffer for its strings and give -ERANGE when it is too small.
 */
#ifndef HAWSER__SYS_NAMES_H
#define HAWSER__SYS_NAMES_H

#include <net/if.h>
#include <netdb.h>
#include <stddef.h>

#ifndef NI_IDN
#define NI_IDN 0   /* a C library without international names: nobody can ask for them */
#endif

/* Hosts. */
int hawser__sys_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret);
void hawser__sys_freeaddrinfo(struct addrinfo *list);                                                    /* NULL is fine */
int hawser__sys_getnameinfo(const struct sockaddr *sa, socklen_t len, char *host, size_t host_size, char *service,
                            size_t service_size, int flags);
int hawser__sys_gethostbyname(const char *host, int family, struct hostent *ret, char *buf, size_t size);
int hawser__sys_gethostbyaddr(const void *ip, socklen_t len, int family, struct hostent *ret, char *buf, size_t size);

/* Services and protocols. PROTO may be NULL. Ports in network byte order, as libc has them. */
int hawser__sys_getservbyname(const char *name, const char *proto, struct servent *ret, char *buf, size_t size);
int hawser__sys_getservbyport(int port, const char *proto, struct servent *ret, char *buf, size_t size);
int hawser__sys_getprotobyname(const char *name, struct protoent *ret, char *buf, size_t size);

/* Interfaces. */
int hawser__sys_if_nameindex(struct if_nameindex **ret);
void hawser__sys_if_freenameindex(struct if_nameindex *list);                                            /* NULL is fine */
int hawser__sys_if_nametoindex(const char *name, unsigned *ret);
int hawser__sys_if_indextoname(unsigned index, char out[static IF_NAMESIZE]);

/* This machine. */
int hawser__sys_gethostname(char *out, size_t size);
int hawser__sys_sethostname(const char *name, size_t len);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Names: hosts, services, protocols, interfaces.
 *
 * A call that may ask the network or a file parks its task while a helper thread asks libc, and gives up when the default
 * timeout (hawser_setdefaulttimeout) has passed: ETIMEDOUT; the helper then ends by itself. At most 8 helpers run at once,
 * further look-ups wait their turn within their own time. Numeric hosts take neither helper nor system call.
 * A failed look-up sets HAWSER_ENONAME, HAWSER_ETRYAGAIN ... (error.h), never an EAI_* number.
 * Results are the caller's, to be released with the free named beside them.
 */
#ifndef HAWSER_NAMES_H
#define HAWSER_NAMES_H

#include <hawser/addr.h>
#include <net/if.h>
#include <netdb.h>

HAWSER_BEGIN

typedef struct hawser_addrinfo {
    struct hawser_addrinfo *next;
    int family, type, proto;   /* ready for hawser_socket */
    char *canonname;           /* with AI_CANONNAME in the first entry, otherwise NULL; part of the list */
    hawser_addr addr;
} hawser_addrinfo;

/* Every address of HOST and SERVICE, in the order in which to try them. HOST: name, numeric address (with %zone if need be),
 * or NULL ("" too) for this machine: any address with AI_PASSIVE, else loopback, IPv6 before IPv4. "localhost" is loopback even
 * where no table knows it. SERVICE: number, name ("http") or NULL; not both NULL.
 * FAMILY AF_UNSPEC, TYPE 0, PROTO 0: any (TYPE 0 yields each address once a type). FLAGS: AI_* of <netdb.h>.
 * 0 and a list in *RET; -1 with a HAWSER_E* code, ERANGE (a service number above 65535), ETIMEDOUT, ECANCELED, ENOMEM.
 * Python: socket.getaddrinfo. */
int hawser_getaddrinfo(const char *host, const char *service, int family, int type, int proto, int flags,
                       hawser_addrinfo **ret);
void hawser_freeaddrinfo(hawser_addrinfo *list);

/* The names of an IP address and its port. FLAGS: NI_* of <netdb.h> (NI_NUMERICHOST | NI_NUMERICSERV asks nobody). HOST or
 * SERVICE may be NULL with size 0. 0; -1 with HAWSER_EOVERFLOW (a buffer is too small), a look-up code, EAFNOSUPPORT.
 * Python: socket.getnameinfo. */
int hawser_getnameinfo(const hawser_addr *addr, int flags, char *host, size_t host_size, char *service, size_t service_size);

/* The first IPv4 address of HOST as text ("93.184.216.34") in IP ("" = 0.0.0.0). INET_ADDRSTRLEN (16) bytes suffice.
 * Python: socket.gethostbyname. */
int hawser_gethostbyname(const char *host, char *ip, size_t size);

typedef struct hawser_hostent {
    char *name;         /* the official name */
    char **aliases;     /* other names, NULL-terminated */
    char **addresses;   /* addresses as text, NULL-terminated */
} hawser_hostent;

/* Name, aliases and all IPv4 addresses of HOST. Python: socket.gethostbyname_ex. */
int hawser_gethostbyname_ex(const char *host, hawser_hostent **ret);
/* The same, found from an address (IPv4 or IPv6, as text, or a name). Python: socket.gethostbyaddr. */
int hawser_gethostbyaddr(const char *ip, hawser_hostent **ret);
void hawser_freehostent(hawser_hostent *entry);

/* The fully qualified name of HOST (NULL or "" = this machine): the first of its names that has a dot, else the host name.
 * 0; -1 with HAWSER_EOVERFLOW. A failed look-up is no failure: the name is returned as it is. Python: socket.getfqdn. */
int hawser_getfqdn(const char *host, char *out, size_t size);

/* The name of this machine. 0; -1 with HAWSER_EOVERFLOW; HOST_NAME_MAX + 1 (65) bytes suffice. Python: socket.gethostname. */
int hawser_gethostname(char *out, size_t size);
/* Sets the name of this machine. Python: socket.sethostname. -1 with EPERM, EINVAL (over 64 bytes). */
int hawser_sethostname(const char *name);

/* The port of service NAME ("http"), with PROTO "tcp", "udp" or NULL (any). The port; -1 with HAWSER_ENOSERVICE.
 * Python: socket.getservbyname. */
int hawser_getservbyname(const char *name, const char *proto);
/* The name of the service at PORT. 0; -1 with HAWSER_ENOSERVICE, ERANGE, HAWSER_EOVERFLOW. Python: socket.getservbyport. */
int hawser_getservbyport(int port, const char *proto, char *out, size_t size);
/* The number of protocol NAME ("icmp"). -1 with HAWSER_ENONAME. Python: socket.getprotobyname. */
int hawser_getprotobyname(const char *name);

typedef struct hawser_if {
    unsigned index;            /* 0 ends the array */
    char name[IF_NAMESIZE];
} hawser_if;

/* All network interfaces, ended by an entry with index 0. -1 with ENOMEM, EMFILE. Python: socket.if_nameindex. */
int hawser_if_nameindex(hawser_if **ret);
void hawser_if_freenameindex(hawser_if *list);

HAWSER_END

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Four number spaces end here: EAI_* codes, h_errno, the results of the reentrant functions (an errno, or 0 and no entry), and
 * errno. What comes out is one: negative codes.
 */
#include "base/sys_names.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/sys.h"

#include <errno.h>
#include <unistd.h>

static int fault(const char *name) {
    return hawser__faults && hawser__faults->syscall ? hawser__faults->syscall(name) : 0;
}

static int code_from_host_error(int host_error, int system_errno) {
    switch (host_error) {
    case HOST_NOT_FOUND:
        return HAWSER_ENONAME;
    case TRY_AGAIN:
        return HAWSER_ETRYAGAIN;
    case NO_DATA:
        return HAWSER_ENOADDRESS;
    case NETDB_INTERNAL:
        return system_errno ? system_errno : HAWSER_ENAMESERVER;
    default:
        return HAWSER_ENAMESERVER;
    }
}

/* libc calls a name unknown when it had no descriptor to read its tables with; that is not final. */
static int unless_table_full(int code) {
    if (code != -HAWSER_ENONAME)
        return code;
    int fd = hawser__sys_eventfd();
    hawser__sys_close(fd);
    return fd == -EMFILE || fd == -ENFILE ? fd : code;
}

int hawser__sys_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret) {
    int saved = errno, injected = fault("getaddrinfo");
    if (injected)
        return -injected;
    int eai = getaddrinfo(host, service, hints, ret);
    int code = eai == 0 ? 0 : -hawser__code_from_eai(eai, errno);
    errno = saved;
    return unless_table_full(code);
}

void hawser__sys_freeaddrinfo(struct addrinfo *list) {
    int saved = errno;
    if (list)
        freeaddrinfo(list);
    errno = saved;
}

int hawser__sys_getnameinfo(const struct sockaddr *sa, socklen_t len, char *host, size_t host_size, char *service,
                            size_t service_size, int flags) {
    int saved = errno, injected = fault("getnameinfo");
    if (injected)
        return -injected;
    int eai = getnameinfo(sa, len, host, (socklen_t)host_size, service, (socklen_t)service_size, flags);
    int code = eai == 0 ? 0 : -hawser__code_from_eai(eai, errno);
    errno = saved;
    return code;
}

/* What one of the gethostby*_r came to: an entry, or the reason why there is none. */
static int host_code(int result, const struct hostent *entry, int host_error) {
    if (entry)
        return 0;
    return result == ERANGE ? -ERANGE : -code_from_host_error(host_error, result);
}

int hawser__sys_gethostbyname(const char *host, int family, struct hostent *ret, char *buf, size_t size) {
    int saved = errno, injected = fault("gethostbyname"), host_error = 0;
    if (injected)
        return -injected;
    struct hostent *entry = NULL;
    int result = gethostbyname2_r(host, family, ret, buf, size, &entry, &host_error);
    errno = saved;
    return host_code(result, entry, host_error);
}

int hawser__sys_gethostbyaddr(const void *ip, socklen_t len, int family, struct hostent *ret, char *buf, size_t size) {
    int saved = errno, injected = fault("gethostbyaddr"), host_error = 0;
    if (injected)
        return -injected;
    struct hostent *entry = NULL;
    int result = gethostbyaddr_r(ip, len, family, ret, buf, size, &entry, &host_error);
    errno = saved;
    return host_code(result, entry, host_error);
}

/* The tables say "not there" with 0 and no entry, or with ENOENT. */
static int table_code(int result, const void *entry, int absent) {
    if (entry)
        return 0;
    return result == 0 || result == ENOENT ? -absent : -result;
}

int hawser__sys_getservbyname(const char *name, const char *proto, struct servent *ret, char *buf, size_t size) {
    int saved = errno, injected = fault("getservbyname");
    if (injected)
        return -injected;
    struct servent *entry = NULL;
    int result = getservbyname_r(name, proto, ret, buf, size, &entry);
    errno = saved;
    return table_code(result, entry, HAWSER_ENOSERVICE);
}

int hawser__sys_getservbyport(int port, const char *proto, struct servent *ret, char *buf, size_t size) {
    int saved = errno, injected = fault("getservbyport");
    if (injected)
        return -injected;
    struct servent *entry = NULL;
    int result = getservbyport_r(port, proto, ret, buf, size, &entry);
    errno = saved;
    return table_code(result, entry, HAWSER_ENOSERVICE);
}

int hawser__sys_getprotobyname(const char *name, struct protoent *ret, char *buf, size_t size) {
    int saved = errno, injected = fault("getprotobyname");
    if (injected)
        return -injected;
    struct protoent *entry = NULL;
    int result = getprotobyname_r(name, ret, buf, size, &entry);
    errno = saved;
    return table_code(result, entry, HAWSER_ENONAME);
}

int hawser__sys_if_nameindex(struct if_nameindex **ret) {
    int saved = errno, injected = fault("if_nameindex");
    if (injected)
        return -injected;
    *ret = if_nameindex();
    int code = *ret ? 0 : -errno;
    errno = saved;
    return code;
}

void hawser__sys_if_freenameindex(struct if_nameindex *list) {
    int saved = errno;
    if (list)
        if_freenameindex(list);
    errno = saved;
}

int hawser__sys_if_nametoindex(const char *name, unsigned *ret) {
    int saved = errno, injected = fault("if_nametoindex");
    if (injected)
        return -injected;
    *ret = if_nametoindex(name);
    int code = *ret ? 0 : -errno;
    errno = saved;
    return code;
}

int hawser__sys_if_indextoname(unsigned index, char out[static IF_NAMESIZE]) {
    int saved = errno, injected = fault("if_indextoname");
    if (injected)
        return -injected;
    int code = if_indextoname(index, out) ? 0 : -errno;
    errno = saved;
    return code;
}

int hawser__sys_gethostname(char *out, size_t size) {
    int saved = errno, injected = fault("gethostname");
    if (injected)
        return -injected;
    int code = gethostname(out, size) == 0 ? 0 : -errno;
    errno = saved;
    return code;
}

int hawser__sys_sethostname(const char *name, size_t len) {
    int saved = errno, injected = fault("sethostname");
    if (injected)
        return -injected;
    int code = sethostname(name, len) == 0 ? 0 : -errno;
    errno = saved;
    return code;
}

/* SPDX-License-Identifier: MIT */
/*
 * Four number spaces end here: EAI_* codes, h_errno, the results of the reentrant functions (an errno, or 0 and no entry), and
 * errno. What comes out is one: negative codes.
 */
#include "base/sys_names.h"

#include "base/error.h"
#include "base/libc.h"
#include "base/machine.h"
#include "base/sys.h"
#include "base/sys_call.h"

#include <string.h>
#include <unistd.h>

static int code_from_host_error(int host_error, int system_errno) {
    switch (host_error) {
    case HOST_NOT_FOUND:
        return HAWSER_ENONAME;
    case TRY_AGAIN:
        return HAWSER_ETRYAGAIN;
    case NO_DATA:
        return HAWSER_ENOADDRESS;
    default:
        return system_errno && hawser__libc_host_error_is_errno(host_error, system_errno) ? system_errno : HAWSER_ENAMESERVER;
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
    int saved = errno, injected = hawser__sys_fault("getaddrinfo");
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
    int saved = errno, injected = hawser__sys_fault("getnameinfo");
    if (injected)
        return -injected;
    int eai = getnameinfo(sa, len, host, (socklen_t)host_size, service, (socklen_t)service_size, flags);
    int code = eai == 0 ? 0 : -hawser__code_from_eai(eai, errno);
    errno = saved;
    return code;
}

/* musl counts the name among its aliases. */
static void drop_own_name(struct hostent *entry) {
    char **to = entry->h_aliases;
    for (char **from = to; from && *from; from++)
        if (strcmp(*from, entry->h_name) != 0)
            *to++ = *from;
    if (to)
        *to = NULL;
}

/* What one of the gethostby*_r came to: an entry, or the reason why there is none. */
static int host_code(int result, struct hostent *entry, int host_error) {
    if (entry) {
        drop_own_name(entry);
        return 0;
    }
    return result == ERANGE ? -ERANGE : -code_from_host_error(host_error, result);
}

int hawser__sys_gethostbyname(const char *host, int family, struct hostent *ret, char *buf, size_t size) {
    int saved = errno, injected = hawser__sys_fault("gethostbyname"), host_error = 0;
    if (injected)
        return -injected;
    struct hostent *entry = NULL;
    int result = gethostbyname2_r(host, family, ret, buf, size, &entry, &host_error);
    errno = saved;
    return host_code(result, entry, host_error);
}

int hawser__sys_gethostbyaddr(const void *ip, socklen_t len, int family, struct hostent *ret, char *buf, size_t size) {
    int saved = errno, injected = hawser__sys_fault("gethostbyaddr"), host_error = 0;
    if (injected)
        return -injected;
    struct hostent *entry = NULL;
    int result = gethostbyaddr_r(ip, len, family, ret, buf, size, &entry, &host_error);
    errno = saved;
    return host_code(result, entry, host_error);
}

static int table_code(int result, const void *entry, int absent) {
    if (entry)
        return 0;
    return hawser__libc_entry_absent(result) ? -absent : -result;
}

int hawser__sys_getservbyname(const char *name, const char *proto, struct servent *ret, char *buf, size_t size) {
    int saved = errno, injected = hawser__sys_fault("getservbyname");
    if (injected)
        return -injected;
    struct servent *entry = NULL;
    int result = getservbyname_r(name, proto, ret, buf, size, &entry);
    errno = saved;
    return table_code(result, entry, HAWSER_ENOSERVICE);
}

int hawser__sys_getservbyport(int port, const char *proto, struct servent *ret, char *buf, size_t size) {
    int saved = errno, injected = hawser__sys_fault("getservbyport");
    if (injected)
        return -injected;
    struct servent *entry = NULL;
    int result = getservbyport_r(port, proto, ret, buf, size, &entry);
    errno = saved;
    return table_code(result, entry, HAWSER_ENOSERVICE);
}

int hawser__sys_getprotobyname(const char *name, struct protoent *ret, char *buf, size_t size) {
    int saved = errno, injected = hawser__sys_fault("getprotobyname");
    if (injected)
        return -injected;
    struct protoent *entry = NULL;
    int result = hawser__libc_getprotobyname(name, ret, buf, size, &entry);
    errno = saved;
    return table_code(result, entry, HAWSER_ENONAME);
}

int hawser__sys_if_nameindex(struct if_nameindex **ret) {
    RETURN_CALL("if_nameindex", (*ret = if_nameindex()) ? 0 : -1);
}

void hawser__sys_if_freenameindex(struct if_nameindex *list) {
    int saved = errno;
    if (list)
        if_freenameindex(list);
    errno = saved;
}

int hawser__sys_if_nametoindex(const char *name, unsigned *ret) {
    RETURN_CALL("if_nametoindex", (*ret = if_nametoindex(name)) ? 0 : -1);
}

int hawser__sys_if_indextoname(unsigned index, char out[static IF_NAMESIZE]) {
    RETURN_CALL("if_indextoname", if_indextoname(index, out) ? 0 : -1);
}

int hawser__sys_gethostname(char *out, size_t size) {
    if (hawser__machine_here)
        return hawser__machine_here->hostname(out, size);
    RETURN_CALL("gethostname", gethostname(out, size));
}

int hawser__sys_sethostname(const char *name, size_t len) {
    RETURN_CALL("sethostname", sethostname(name, len));
}

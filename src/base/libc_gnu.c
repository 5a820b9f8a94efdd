/* SPDX-License-Identifier: MIT */
/* base/libc.h on the GNU C library. */
#include "base/libc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool hawser__libc_host_error_is_errno(int host_error, int result) {
    (void)result;
    return host_error == NETDB_INTERNAL;
}

bool hawser__libc_entry_absent(int result) {
    return result == 0 || result == ENOENT;
}

int hawser__libc_getprotobyname(const char *name, struct protoent *ret, char *buf, size_t size, struct protoent **entry) {
    return getprotobyname_r(name, ret, buf, size, entry);
}

/* freeaddrinfo frees it. */
int hawser__libc_set_canonname(struct addrinfo *entry, char *name) {
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    free(entry->ai_canonname);
    entry->ai_canonname = copy;
    return 0;
}

size_t hawser__libc_signal_stack(void) {
    long size = sysconf(_SC_SIGSTKSZ);
    return size > 0 ? (size_t)size : 0;
}

/* SPDX-License-Identifier: MIT */
/* base/libc.h on the GNU C library. */
#include "base/libc.h"

#include <errno.h>
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

size_t hawser__libc_signal_stack(void) {
    long size = sysconf(_SC_SIGSTKSZ);
    return size > 0 ? (size_t)size : 0;
}

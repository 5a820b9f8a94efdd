/* SPDX-License-Identifier: MIT */
#include "libc.h"

#include "support.h"

/* Only the GNU C library has it. */
extern const char *gnu_get_libc_version(void) __attribute__((weak));

bool libc_is_gnu(void) {
    return gnu_get_libc_version != NULL;
}

void needs_gnu_libc(const char *why) {
    if (libc_is_gnu())
        return;
    print_message("    not on this C library: %s\n", why);
    skip();
}

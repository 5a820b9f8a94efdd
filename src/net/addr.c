/* SPDX-License-Identifier: MIT */
/*
 * Addresses as values: what can be asked of one without any text. The families' own knowledge is in addr_ip.c, addr_unix.c and
 * addr_linux.c; texts are in addr_text.c.
 *
 * `len` comes from callers and from the kernel, and may be longer than what was stored (a name that was cut) or too short for
 * the family: everything goes through the normal form, which has looked at it.
 */
#include "net/addr_forms.h"

#include "base/error.h"

#include <string.h>

int hawser_addr_from_sockaddr(hawser_addr *ret, const struct sockaddr *sa, socklen_t len) {
    if (len < sizeof(sa_family_t) || len > sizeof ret->ss)
        return hawser__fail(EINVAL, "copy an address of %u bytes", (unsigned)len);
    hawser_addr addr = {.len = len};
    memcpy(&addr.ss, sa, len);
    *ret = addr;
    return 0;
}

const struct sockaddr *hawser_addr_sockaddr(const hawser_addr *addr, socklen_t *ret_len) {
    if (ret_len)
        *ret_len = addr->len;
    return (const struct sockaddr *)&addr->ss;
}

int hawser_addr_family(const hawser_addr *addr) {
    return addr->len < sizeof(sa_family_t) ? AF_UNSPEC : addr->ss.ss_family;
}

int64_t hawser_addr_port(const hawser_addr *addr) {
    hawser_addr normal;
    const struct hawser__addr_form *form = hawser__addr_form(addr, &normal);
    return form && form->port ? form->port(&normal) : -1;
}

bool hawser_addr_is_loopback(const hawser_addr *addr) {
    hawser_addr normal;
    const struct hawser__addr_form *form = hawser__addr_form(addr, &normal);
    return form && form->is_loopback && form->is_loopback(&normal);
}

bool hawser_addr_equal(const hawser_addr *a, const hawser_addr *b) {
    hawser_addr first, second;
    hawser__addr_form(a, &first);
    hawser__addr_form(b, &second);
    return first.len == second.len && memcmp(&first.ss, &second.ss, first.len) == 0;
}

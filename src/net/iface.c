/* SPDX-License-Identifier: MIT */
/*
 * Network interfaces: the list of them all, and single ones as addresses write them.
 */
#include "net/iface.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/sys_names.h"
#include "net/addr_forms.h"

#include <ctype.h>
#include <hawser/names.h>
#include <stdio.h>
#include <string.h>

/* Whether NAME can stand in an address: bytes that mean something there, and odd ones, are for the number to avoid. */
static bool readable(const char *name) {
    bool all_digits = true;
    for (const char *at = name; *at; at++) {
        if (!isgraph((unsigned char)*at) || strchr(":%[]\\", *at))
            return false;
        all_digits = all_digits && isdigit((unsigned char)*at);
    }
    return !all_digits;
}

int hawser__iface_read(const char *text, size_t len, unsigned *ret) {
    char name[IF_NAMESIZE];
    uint64_t number;
    if (len > 0 && strspn(text, "0123456789") >= len) {
        int code = hawser__read_number(text, len, UINT32_MAX, &number);
        if (code == 0)
            *ret = (unsigned)number;
        return code;
    }
    if (len == 0)
        return -HAWSER_EADDRESS;
    if (len >= sizeof name)
        return -ENODEV;
    memcpy(name, text, len);
    name[len] = '\0';
    return hawser__sys_if_nametoindex(name, ret);
}

const char *hawser__iface_text(unsigned index, char out[static HAWSER__IFACE_TEXT]) {
    _Static_assert(HAWSER__IFACE_TEXT >= IF_NAMESIZE, "room for every name");
    if (index == 0 || hawser__sys_if_indextoname(index, out) < 0 || !readable(out))
        snprintf(out, HAWSER__IFACE_TEXT, "%u", index);
    return out;
}

static hawser_if *copy_list(const struct if_nameindex *from) {
    size_t n = 0;
    while (from[n].if_index != 0)
        n++;
    hawser_if *list = hawser__zalloc((n + 1) * sizeof *list);
    for (size_t i = 0; list && i < n; i++) {
        list[i].index = from[i].if_index;
        snprintf(list[i].name, sizeof list[i].name, "%s", from[i].if_name);
    }
    return list;
}

int hawser_if_nameindex(hawser_if **ret) {
    struct if_nameindex *from;
    int code = hawser__sys_if_nameindex(&from);
    if (code < 0)
        return hawser__fail(code, "list interfaces");
    hawser_if *list = copy_list(from);
    hawser__sys_if_freenameindex(from);
    if (!list)
        return hawser__fail(ENOMEM, "list interfaces");
    *ret = list;
    return 0;
}

void hawser_if_freenameindex(hawser_if *list) {
    hawser__free(list);
}

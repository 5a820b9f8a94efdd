/* SPDX-License-Identifier: MIT */
/*
 * A record is not used for another fiber while `naming` is held, and the worker says that a fiber runs no more before its
 * record is given back. So who still finds the fiber running, with the lock in hand, may read its record. That it was not
 * switched away from and back is what the count of switches is for.
 */
#include "sched/sight.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

hawser__sight hawser__sight_take(hawser__worker *worker) {
    hawser__sight sight = {.fiber = atomic_load_explicit(&worker->running, memory_order_acquire)};
    sight.switches = atomic_load_explicit(&worker->watched_switches, memory_order_relaxed);
    return sight;
}

bool hawser__sight_equal(hawser__sight one, hawser__sight other) {
    return one.fiber == other.fiber && one.switches == other.switches;
}

bool hawser__sight_identify(hawser__worker *worker, hawser__sight sight, struct hawser__identity *ret) {
    hawser__lock_take(&worker->naming);
    bool there = sight.fiber && hawser__sight_equal(sight, hawser__sight_take(worker));
    if (there) {
        ret->number = sight.fiber->number;
        ret->fn = sight.fiber->fn;
        memcpy(ret->name, sight.fiber->name, sizeof sight.fiber->name);
    }
    hawser__lock_drop(&worker->naming);
    if (there && !ret->name[0])
        hawser__function_text(ret->fn, ret->name, sizeof ret->name);
    return there;
}

/* Only exported functions have names at run time; for the others there is what addr2line(1) takes. */
void hawser__function_text(hawser_fn fn, char *text, size_t size) {
    Dl_info info;
    void *address = (void *)(uintptr_t)fn;
    bool found = dladdr(address, &info) != 0;
    const char *file = found && info.dli_fname ? strrchr(info.dli_fname, '/') : NULL;
    if (found && info.dli_sname && info.dli_saddr == address)
        snprintf(text, size, "%s", info.dli_sname);
    else if (found && info.dli_fname)
        snprintf(text, size, "%s+0x%zx", file ? file + 1 : info.dli_fname, (size_t)((char *)address - (char *)info.dli_fbase));
    else
        snprintf(text, size, "function at %p", address);
}

static bool is_plain(unsigned char byte) {
    return byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';
}

size_t hawser__quote(const char *name, char *text, size_t size) {
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;
    for (; *name && used + 4 < size; name++) {
        unsigned char byte = (unsigned char)*name;
        if (is_plain(byte)) {
            text[used++] = *name;
        } else {
            memcpy(&text[used], (const char[]){'\\', 'x', digits[byte >> 4], digits[byte & 15]}, 4);
            used += 4;
        }
    }
    text[used] = '\0';
    return used;
}

/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include "base/fault.h"
#include "base/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_machines(void) {
    return hawser__machine_here && hawser__machine_here->asks_itself();
}

static bool fails(void) {
    return (hawser__faults && hawser__faults->alloc && !is_machines() && hawser__faults->alloc()) ||
           (hawser__machine_here && hawser__machine_here->refuses_memory());
}

static void *counted(void *memory, int delta) {
    if (memory && hawser__faults && hawser__faults->count && !is_machines())
        hawser__faults->count(delta);
    return memory;
}

/* On a machine that wants to know: what was at FROM, which is no pointer any more, is at TO. */
static void *moved(uintptr_t from, void *to) {
    if (hawser__machine_here && from != (uintptr_t)to)
        hawser__machine_here->memory_moved(from, to);
    return to;
}

/* malloc sets errno on failure; a success of the caller (who may do without the memory) has to leave it alone. */
void *hawser__alloc(size_t size) {
    int saved = errno;
    void *memory = fails() ? NULL : moved(0, counted(malloc(size ? size : 1), 1));
    errno = saved;
    return memory;
}

void *hawser__zalloc(size_t size) {
    void *memory = hawser__alloc(size);
    return memory ? memset(memory, 0, size) : NULL;
}

void *hawser__realloc(void *memory, size_t size) {
    int saved = errno;
    uintptr_t before = (uintptr_t)memory;
    void *grown = fails() ? NULL : realloc(memory, size ? size : 1);
    if (!memory)
        counted(grown, 1);
    errno = saved;
    return grown ? moved(before, grown) : NULL;
}

char *hawser__strdup(const char *text) {
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = hawser__alloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

void hawser__free(void *memory) {
    int saved = errno;
    counted(memory, -1);
    (void)moved((uintptr_t)memory, NULL);
    free(memory);
    errno = saved;
}

/* SPDX-License-Identifier: MIT */
/* What simulated hosts have allocated through the library, so that a crash can free it: a table of addresses, in which
 * nothing is ever looked for in an order that depends on them. */
#ifndef HAWSER__HEAP_H
#define HAWSER__HEAP_H

#include <stddef.h>
#include <stdint.h>

struct hawser__heap_entry {
    void *memory;                    /* NULL = free */
    int owner;
};

typedef struct hawser__heap {
    struct hawser__heap_entry *entries;
    size_t room, count;              /* a power of two, of which at most half is used */
} hawser__heap;

/* 0; -ENOMEM, and MEMORY is then left to itself. */
int hawser__heap_add(hawser__heap *heap, void *memory, int owner);
/* Does nothing for what is not in it. */
void hawser__heap_remove(hawser__heap *heap, uintptr_t memory);
/* Frees all that OWNER has. */
void hawser__heap_free_of(hawser__heap *heap, int owner);
void hawser__heap_done(hawser__heap *heap);

#endif

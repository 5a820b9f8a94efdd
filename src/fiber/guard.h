/* SPDX-License-Identifier: MIT */
/* Guards: pages that fault when touched, by the cheapest means that the system has. */
#ifndef HAWSER__GUARD_H
#define HAWSER__GUARD_H

#include <stddef.h>

enum hawser__guard {
    HAWSER__GUARD_NONE,     /* the system allows no more: the memory is as before */
    HAWSER__GUARD_MARKED,   /* MADV_GUARD_INSTALL, Linux 6.13: a mark in the page table, and no mapping of its own */
    HAWSER__GUARD_MAPPED    /* mprotect: splits the mapping, of which a process may have some 65,000 */
};

/* Makes the SIZE bytes from MEMORY up, whole pages, fault when touched. */
enum hawser__guard hawser__guard_install(void *memory, size_t size);

/* COUNT guards by mprotect are gone, with their mappings. */
void hawser__guard_forget(size_t count);

#endif

/* SPDX-License-Identifier: MIT */
/* Memory: every allocation of the library, so that tests can make each of them fail. NULL means ENOMEM; errno is not set. */
#ifndef HAWSER__MEM_H
#define HAWSER__MEM_H

#include <stddef.h>

void *hawser__alloc(size_t size);                    /* not cleared */
void *hawser__zalloc(size_t size);                   /* cleared */
void *hawser__realloc(void *memory, size_t size);    /* NULL: MEMORY is still there */
char *hawser__strdup(const char *text);              /* NULL stays NULL */
void hawser__free(void *memory);                     /* NULL is fine; errno is kept */

#endif

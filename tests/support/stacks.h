/* SPDX-License-Identifier: MIT */
/* What tests of stacks share. */
#ifndef TESTS_STACKS_H
#define TESTS_STACKS_H

#include <stddef.h>

#include "fiber/stack.h"

/* A test's usual size of a slot. */
#define SLOT ((size_t)64 * 1024)

/* For a program's group setup: the way to make guards is found out once a process, and no fault may be armed meanwhile. */
int find_out_about_guards(void **state);

size_t page_size(void);

/* The next stack; NULL = none. */
void *take_stack(hawser__stacks *pool);

/* The signal that a child of this process dies of when it writes to ADDRESS; 0 when it does not. */
int dies_of(volatile char *address);

/* STACK can be written to, and the page below it cannot. */
void assert_guarded(char *stack);

#endif

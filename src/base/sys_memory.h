/* SPDX-License-Identifier: MIT */
/*
 * System calls on mappings, and those that a handler of memory faults needs. As in sys.h: what the call returns, or -errno;
 * errno itself is kept. The last three are async-signal-safe, cannot be made to fail, and are for signal handlers.
 */
#ifndef HAWSER__SYS_MEMORY_H
#define HAWSER__SYS_MEMORY_H

#include <signal.h>
#include <stddef.h>

/* Address space for SIZE bytes, readable and writable, private, not charged for until it is touched. */
int hawser__sys_mmap(size_t size, void **ret);
/* SIZE bytes, zeroed, readable and writable, shared with the children of later forks. */
int hawser__sys_mmap_shared(size_t size, void **ret);
void hawser__sys_munmap(void *memory, size_t size);
int hawser__sys_madvise(void *memory, size_t size, int advice);
int hawser__sys_mprotect(void *memory, size_t size, int protection);
int hawser__sys_mincore(const void *memory, size_t size, unsigned char *ret);
int hawser__sys_sigaltstack(const stack_t *stack, stack_t *old);

size_t hawser__page_size(void);

void hawser__signal_restore(int signo, const struct sigaction *action);
void hawser__signal_again(int signo);                              /* to the calling thread; comes when it is unblocked */
void hawser__signal_say(const char *text, size_t size);            /* one write to standard error */

#endif

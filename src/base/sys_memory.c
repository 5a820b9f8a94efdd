/* SPDX-License-Identifier: MIT */
#include "base/sys_memory.h"

#include "base/sys_call.h"

#include <sys/mman.h>
#include <unistd.h>

#define RESERVED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)

static int map(size_t size, int flags, void **ret) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED)
        return -1;
    *ret = memory;
    return 0;
}

int hawser__sys_mmap(size_t size, void **ret) {
    RETURN_CALL("mmap", map(size, RESERVED, ret));
}

int hawser__sys_mmap_shared(size_t size, void **ret) {
    RETURN_CALL("mmap", map(size, SHARED, ret));
}

void hawser__sys_munmap(void *memory, size_t size) {
    int saved = errno;
    munmap(memory, size);
    errno = saved;
}

int hawser__sys_madvise(void *memory, size_t size, int advice) {
    RETURN_CALL("madvise", madvise(memory, size, advice));
}

int hawser__sys_mprotect(void *memory, size_t size, int protection) {
    RETURN_CALL("mprotect", mprotect(memory, size, protection));
}

int hawser__sys_mincore(const void *memory, size_t size, unsigned char *ret) {
    RETURN_CALL("mincore", mincore((void *)memory, size, ret));
}

int hawser__sys_sigaltstack(const stack_t *stack, stack_t *old) {
    RETURN_CALL("sigaltstack", sigaltstack(stack, old));
}

size_t hawser__page_size(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

void hawser__signal_restore(int signo, const struct sigaction *action) {
    int saved = errno;
    sigaction(signo, action, NULL);
    errno = saved;
}

void hawser__signal_again(int signo) {
    int saved = errno;
    raise(signo);
    errno = saved;
}

/* A report that cannot be written is lost: there is nobody left to tell. */
void hawser__signal_say(const char *text, size_t size) {
    int saved = errno;
    ssize_t written = write(STDERR_FILENO, text, size);
    (void)written;
    errno = saved;
}

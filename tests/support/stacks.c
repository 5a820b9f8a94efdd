/* SPDX-License-Identifier: MIT */
#include "stacks.h"

#include "support.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int find_out_about_guards(void **state) {
    (void)state;
    hawser__stacks *pool = hawser__stacks_new(SLOT);
    void *stack = pool ? take_stack(pool) : NULL;
    hawser__stacks_free(pool);
    return stack ? 0 : -1;
}

size_t page_size(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

void *take_stack(hawser__stacks *pool) {
    size_t size;
    return hawser__stacks_take(pool, &size);
}

int dies_of(volatile char *address) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGSEGV, SIG_DFL);
        *address = 1;
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

void assert_guarded(char *stack) {
    assert_int_equal(dies_of(stack), 0);
    assert_int_equal(dies_of(stack - 1), SIGSEGV);
    assert_int_equal(dies_of(stack - page_size()), SIGSEGV);
}

/* SPDX-License-Identifier: MIT */
/*
 * The switch for systems whose libc has no ucontext, such as musl, on processors for which there is none in assembly: made
 * of setjmp and longjmp, which save no signal mask, so that a switch costs no system call.
 *
 * A context is born in a signal handler: sigaltstack lends its stack to the handler, the handler marks the place with setjmp
 * and returns, and the first switch jumps back into the frame that it left. (R. S. Engelschall, "Portable Multithreading: The
 * Signal Stack Trick For User-Space Thread Creation", 2000.) Between the two nothing runs on that stack: every other signal is
 * blocked.
 *
 * What it costs: one real-time signal that nobody has a handler for is this file's from the first context on, six system calls
 * for a birth, and on every stack the kernel's frame of a signal, 1 to 3 KiB. Sanitizers and the gdb script do not know it.
 */
#undef _FORTIFY_SOURCE   /* its longjmp takes a jump to another stack for an attack */

#include "fiber/switch.h"

#include "base/sys.h"
#include "base/sys_memory.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct suspended {
    jmp_buf at;
    hawser__context *volatile left;   /* for whom it goes on: set by the one who switches to it */
};

struct first {
    struct suspended record;   /* first, so that the stack pointer points to it */
    hawser__context *self;
    void (*entry)(void *arg);
    void *arg;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int birth_signal;
static _Thread_local struct first *newborn;   /* whose birth the calling thread waits for */

hawser__context *hawser__switch(hawser__context *from, hawser__context *to) {
    struct suspended own, *next = to->sp;
    next->left = from;
    from->sp = &own;
    if (_setjmp(own.at) == 0)
        _longjmp(next->at, 1);
    return own.left;
}

hawser__context *hawser__switch_alike(hawser__context *from, hawser__context *to) {
    return hawser__switch(from, to);
}

/* A signal that somebody else sent finds nobody to give birth to. */
static void give_birth(int signo) {
    (void)signo;
    struct first *first = newborn;
    if (first && _setjmp(first->record.at) != 0)
        hawser__context_first(first->record.left, first->self, first->entry, first->arg);
}

static bool is_free(int signo) {
    struct sigaction action;
    return hawser__sys_sigaction(signo, NULL, &action) == 0 && action.sa_handler == SIG_DFL;
}

/* From near the top, where fewest look for one (a process under qemu lacks the last two); SIGRTMIN if all are taken. */
static void choose_signal(void) {
    struct sigaction action = {.sa_handler = give_birth, .sa_flags = SA_ONSTACK | SA_RESTART};
    sigfillset(&action.sa_mask);
    for (birth_signal = SIGRTMAX - 2; birth_signal > SIGRTMIN && !is_free(birth_signal); birth_signal--)
        ;
    hawser__signal_restore(birth_signal, &action);
}

/* The handler runs once on the stack that context->stack begins and FIRST ends. */
static void bear(hawser__context *context, struct first *first) {
    stack_t stack = {.ss_sp = context->stack, .ss_size = (size_t)((char *)first - (char *)context->stack)}, stack_before;
    sigset_t mask, mask_before;
    sigfillset(&mask);
    pthread_sigmask(SIG_SETMASK, &mask, &mask_before);
    sigaltstack(&stack, &stack_before);
    newborn = first;
    raise(birth_signal);   /* to this thread */
    sigdelset(&mask, birth_signal);
    sigsuspend(&mask);
    newborn = NULL;
    sigaltstack(&stack_before, NULL);
    pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
}

void hawser__switch_prepare(hawser__context *context, void *top, void (*entry)(void *arg), void *arg) {
    struct first *first = (struct first *)(((uintptr_t)top - sizeof *first) & ~(uintptr_t)63);
    int saved = errno;
    *first = (struct first){.self = context, .entry = entry, .arg = arg};
    context->sp = first;
    pthread_once(&once, choose_signal);
    bear(context, first);
    errno = saved;
}

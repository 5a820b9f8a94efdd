/* SPDX-License-Identifier: MIT */
/*
 * The handler may run at any instruction of any thread, so it uses its own alternate stack, what was stored before it was
 * installed, and calls that are async-signal-safe. It ends by putting the system's own action back: the instruction that
 * faulted faults again, and the process dies of it as if there had been no handler, core dump and all.
 */
#include "fiber/overflow.h"

#include "base/libc.h"
#include "base/lock.h"
#include "base/sys.h"
#include "base/sys_memory.h"
#include "fiber/sanitizers.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#define LINE_SIZE 256
#define STACK_SIZE ((size_t)64 * 1024)

static const int signals[] = {SIGSEGV, SIGBUS};
#define SIGNALS (sizeof signals / sizeof *signals)

static hawser__lock lock;
static unsigned users;                  /* under the lock, as is: */
static bool installed[SIGNALS];
static _Atomic(hawser__overflow_describe *) describe_fault;

static const struct sigaction system_action = {.sa_handler = SIG_DFL};

/* Where a large array is stepped over, the fault may be in nobody's guard; the stack pointer tells all the same. */
const void *hawser__overflow_stack_pointer(const void *context) {
    const ucontext_t *machine = context;
#if defined(__x86_64__)
    return (const void *)(uintptr_t)machine->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    return (const void *)(uintptr_t)machine->uc_mcontext.sp;
#else
    (void)machine;
    return NULL;
#endif
}

static void report(const void *address, const void *sp) {
    char line[LINE_SIZE + 1];
    hawser__overflow_describe *describe = atomic_load(&describe_fault);
    if (!describe || !describe(address, sp, line, LINE_SIZE))
        return;
    size_t length = strnlen(line, LINE_SIZE);
    if (length == 0 || line[length - 1] != '\n')
        line[length++] = '\n';
    hawser__signal_say(line, length);
}

/* A signal that somebody sent does not come again by itself. */
static void on_fault(int signo, siginfo_t *info, void *machine) {
    if (info->si_code > 0)
        report(info->si_addr, hawser__overflow_stack_pointer(machine));
    hawser__signal_restore(signo, &system_action);
    if (info->si_code <= 0)
        hawser__signal_again(signo);
}

/* Who has put a handler of their own in the place of ours keeps it. */
static void uninstall(void) {
    struct sigaction now;
    for (size_t i = 0; i < SIGNALS; i++) {
        if (installed[i] && (hawser__sys_sigaction(signals[i], NULL, &now) < 0 || now.sa_sigaction == on_fault))
            hawser__signal_restore(signals[i], &system_action);
        installed[i] = false;
    }
}

static int install(size_t i) {
    struct sigaction now, action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    int result = hawser__sys_sigaction(signals[i], NULL, &now);
    if (result < 0 || now.sa_handler != SIG_DFL)
        return result;
    sigemptyset(&action.sa_mask);
    result = hawser__sys_sigaction(signals[i], &action, NULL);
    installed[i] = result == 0;
    return result;
}

static int install_all(void) {
    int result = 0;
    for (size_t i = 0; i < SIGNALS && result == 0 && !HAWSER__SANITIZER_HANDLES_FAULTS; i++)
        result = install(i);
    if (result < 0)
        uninstall();
    return result;
}

/* Somebody who is not in the child may have held it. */
void hawser__overflow_after_fork(void) {
    hawser__lock_drop(&lock);
}

static void prepare(void) {
    pthread_atfork(NULL, NULL, hawser__overflow_after_fork);
}

int hawser__overflow_begin(hawser__overflow_describe *describe) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare);
    hawser__lock_take(&lock);
    atomic_store(&describe_fault, describe);
    int result = users == 0 ? install_all() : 0;
    if (result == 0)
        users++;
    hawser__lock_drop(&lock);
    return result;
}

void hawser__overflow_end(void) {
    hawser__lock_take(&lock);
    if (--users == 0)
        uninstall();
    hawser__lock_drop(&lock);
}

bool hawser__overflow_has(const struct sigaction *action) {
    return action->sa_flags & SA_SIGINFO && action->sa_sigaction == on_fault;
}

/* The alternate stack. What the kernel puts there depends on the processor, and may be more than was foreseen here. */

static size_t stack_size(void) {
    size_t least = hawser__libc_signal_stack();
    return least > STACK_SIZE ? least : STACK_SIZE;
}

int hawser__overflow_thread_begin(void **ret) {
    stack_t now, own = {.ss_size = stack_size()};
    int result = hawser__sys_sigaltstack(NULL, &now);
    *ret = NULL;
    if (result < 0 || !(now.ss_flags & SS_DISABLE))
        return result;
    result = hawser__sys_mmap(own.ss_size, &own.ss_sp);
    if (result < 0)
        return result;
    result = hawser__sys_sigaltstack(&own, NULL);
    if (result == 0)
        *ret = own.ss_sp;
    else
        hawser__sys_munmap(own.ss_sp, own.ss_size);
    return result;
}

/* Somebody may have given the thread another one meanwhile. */
void hawser__overflow_thread_end(void *stack) {
    const stack_t none = {.ss_flags = SS_DISABLE};
    stack_t now;
    if (!stack)
        return;
    if (hawser__sys_sigaltstack(NULL, &now) == 0 && now.ss_sp == stack)
        (void)hawser__sys_sigaltstack(&none, NULL);
    hawser__sys_munmap(stack, stack_size());
}

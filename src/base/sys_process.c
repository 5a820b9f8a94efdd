/* SPDX-License-Identifier: MIT */
#include "base/sys_process.h"

#include "base/machine.h"
#include "base/sys_call.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t hawser__sys_fork(void) {
    if (hawser__machine_here)
        return -EOPNOTSUPP;
    RETURN_CALL("fork", fork());
}

pid_t hawser__sys_waitpid(pid_t pid, int *status) {
    RETURN_CALL("waitpid", waitpid(pid, status, WNOHANG));
}

int hawser__sys_kill(pid_t pid, int signo) {
    RETURN_CALL("kill", kill(pid, signo));
}

const char *hawser__sys_signal_name(int signo) {
    static const char *const names[] = {
        [SIGABRT] = "abort", [SIGALRM] = "alarm", [SIGBUS] = "bus error", [SIGFPE] = "arithmetic", [SIGHUP] = "hang-up",
        [SIGILL] = "illegal instruction", [SIGINT] = "interrupt", [SIGKILL] = "kill", [SIGPIPE] = "broken pipe",
        [SIGQUIT] = "quit", [SIGSEGV] = "segmentation fault", [SIGSYS] = "bad system call", [SIGTERM] = "termination",
        [SIGTRAP] = "trap"};
    bool known = signo > 0 && (size_t)signo < sizeof names / sizeof *names && names[signo];
    return known ? names[signo] : "unknown";
}

/* Another thread may wait for input with the lock of its stream, for ever. */
static void flush(FILE *file) {
    if (ftrylockfile(file) != 0)
        return;
    fflush(file);
    funlockfile(file);
}

_Noreturn void hawser__sys_end_failed(void) {
    flush(stdout);
    flush(stderr);
    _exit(1);
}

_Noreturn void hawser__sys_end_child(void) {
    _exit(HAWSER__CHILD_DONE);
}

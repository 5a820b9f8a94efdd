/* SPDX-License-Identifier: MIT */
/* Processes, in the manner of sys.h. */
#ifndef HAWSER__SYS_PROCESS_H
#define HAWSER__SYS_PROCESS_H

#include <sys/types.h>

pid_t hawser__sys_fork(void);
/* The status with which a child ends that has done what it was forked for; no other is likely to have it. */
#define HAWSER__CHILD_DONE 117

/* The end of a child that was forked by the library, without what the program has for its own end. */
_Noreturn void hawser__sys_end_child(void);
/* The end of a process that is in the middle of exit, with status 1, whatever it was to be. What has been gathered for stdout
 * and stderr goes out, unless another thread has locked them; what has been for other streams is lost. */
_Noreturn void hawser__sys_end_failed(void);
/* Whether the child PID has ended, which is then seen to: its pid and *STATUS, or 0. Does not wait. */
pid_t hawser__sys_waitpid(pid_t pid, int *status);
int hawser__sys_kill(pid_t pid, int signo);
/* "SEGV"; never NULL. Static text. */
const char *hawser__sys_signal_name(int signo);

#endif

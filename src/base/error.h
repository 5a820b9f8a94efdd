/* SPDX-License-Identifier: MIT */
/*
 * Failing: every exit that fails goes through one of these, once, at the point where the call and its argument are known.
 * Below the public calls, results are 0 or a count, or a negative code (-errno or -HAWSER_E*); errno is set only here.
 */
#ifndef HAWSER__ERROR_H
#define HAWSER__ERROR_H

#include "base/task.h"

#include <hawser/error.h>

/* On functions that only failures call: the calls to them are kept out of the way of what succeeds, which is then shorter. */
#define HAWSER__COLD __attribute__((cold))

/* What a failed call left behind, kept to be told to another task. */
struct hawser__failure {
    int code;                           /* positive; 0 = none is kept */
    uint64_t moved;
    char sentence[HAWSER__SENTENCE];
};

/* Keeps what TASK's last failure, with errno CODE, left behind. */
void hawser__failure_keep(struct hawser__failure *failure, const hawser__task *task, int code);
/* Makes it the failure of the calling task. Returns -1. */
int hawser__failure_tell(const struct hawser__failure *failure);
/* TASK has not failed yet. */
void hawser__failure_forget(hawser__task *task);

/* errno = CODE, the sentence "WHAT: reason of CODE", moved = 0. Returns -1. CODE may be given negative. */
HAWSER__COLD int hawser__fail(int code, const char *what, ...) HAWSER_FORMAT(2, 3);

/* The same with bytes moved before the failure. */
HAWSER__COLD int hawser__fail_moved(int code, uint64_t moved, const char *what, ...) HAWSER_FORMAT(3, 4);

/* errno = CODE and a whole sentence of the caller's, where the code's own text would say too little. Returns -1. */
HAWSER__COLD int hawser__fail_sentence(int code, const char *sentence, ...) HAWSER_FORMAT(2, 3);

/* The code (HAWSER_E* or errno, positive) for an EAI_* result; SYSTEM_ERRNO is used for EAI_SYSTEM. */
int hawser__code_from_eai(int eai, int system_errno);

/* The text of a system code; NULL when there is no such code. Static, the same in every locale and on every C library. */
const char *hawser__errno_text(int code);

#endif

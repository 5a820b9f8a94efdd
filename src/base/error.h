/* SPDX-License-Identifier: MIT */
/*
 * Failing: every exit that fails goes through one of these, once, at the point where the call and its argument are known.
 * Below the public calls, results are 0 or a count, or a negative code (-errno or -HAWSER_E*); errno is set only here.
 */
#ifndef HAWSER__ERROR_H
#define HAWSER__ERROR_H

#include <hawser/error.h>

/* errno = CODE, the sentence "WHAT: reason of CODE", moved = 0. Returns -1. CODE may be given negative. */
int hawser__fail(int code, const char *what, ...) HAWSER_FORMAT(2, 3);

/* The same with bytes moved before the failure. */
int hawser__fail_moved(int code, uint64_t moved, const char *what, ...) HAWSER_FORMAT(3, 4);

/* errno = CODE and a whole sentence of the caller's, where the code's own text would say too little. Returns -1. */
int hawser__fail_sentence(int code, const char *sentence, ...) HAWSER_FORMAT(2, 3);

/* The code (HAWSER_E* or errno, positive) for an EAI_* result; SYSTEM_ERRNO is used for EAI_SYSTEM. */
int hawser__code_from_eai(int eai, int system_errno);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What every C test includes: cmocka with the headers it needs, the helpers of this folder, and assertions that check a failure
 * as a whole: the result, errno and the sentence.
 *
 * cmocka's assertions leave the test by longjmp, so they belong to the test's own thread. Code that runs on another thread, or
 * again and again in a fault sweep, reports by its result (threads.h, faults.h).
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* needs those above */

#include <hawser.h>

#include "faults.h"
#include "fibers.h"
#include "leaks.h"
#include "libc.h"
#include "threads.h"
#include "wires.h"
#include "world.h"

/* The main of the test's file, under the name that the build gives it: see main.c. */
int test_main(void);
/* The arguments of the real main. */
extern char **test_arguments;

/* Clears errno, sentence and moved count of the calling task, so that what is found afterwards is of the call in between. */
void forget_errors(void);

/* Frees the buffer for lending reads that the calling task has, and those that its worker keeps. */
void drop_loan(void);

/* CALL gives -1 (or NULL), sets errno to CODE and leaves a sentence "...: reason of CODE". */
#define assert_fails(call, code)                                                                                               \
    do {                                                                                                                       \
        forget_errors();                                                                                                       \
        check_failure((int64_t)(call) == -1, (code), #call, __FILE__, __LINE__);                                               \
    } while (0)
#define assert_null_fails(call, code)                                                                                          \
    do {                                                                                                                       \
        forget_errors();                                                                                                       \
        check_failure((call) == NULL, (code), #call, __FILE__, __LINE__);                                                      \
    } while (0)

/* CALL succeeds (0 or more) and leaves errno, sentence and moved count as they were. Gives its result. */
#define assert_works(call) check_success((mark_errors(), (int64_t)(call)), #call, __FILE__, __LINE__)

/* CALL gives exactly RESULT; says what went wrong otherwise. */
#define assert_result(call, result) check_result((int64_t)(call), (result), #call, __FILE__, __LINE__)

/* Skips the test where programs run under qemu's emulation of a process (make check-aarch64), which cannot do what it needs. */
#define skip_where_emulated(why)                                                                                               \
    do {                                                                                                                       \
        if (TEST_EMULATED) {                                                                                                   \
            print_message("    under qemu %s\n", why);                                                                         \
            skip();                                                                                                            \
        }                                                                                                                      \
    } while (0)

/* The thread sanitizer does not follow a process with several threads, or fibers, over a fork. */
#ifdef __SANITIZE_THREAD__
#define skip_unless_forks_are_followed() skip()
#else
#define skip_unless_forks_are_followed() skip_where_emulated("a fork while other threads run is not survived")
#endif

/* The sentence of the last failure is, or holds, TEXT. */
#define assert_sentence(text) check_sentence((text), true, __FILE__, __LINE__)
#define assert_sentence_has(text) check_sentence((text), false, __FILE__, __LINE__)

void check_failure(bool failed, int code, const char *call, const char *file, int line);
void mark_errors(void);
int64_t check_success(int64_t result, const char *call, const char *file, int line);
void check_result(int64_t got, int64_t expected, const char *call, const char *file, int line);
void check_sentence(const char *text, bool whole, const char *file, int line);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The assertions of support.h. They print what the call left behind: a test that only says "assertion failed" costs an hour.
 */
#include "support.h"

#include "base/error.h"
#include "base/mem.h"
#include "sched/lend.h"

#include <errno.h>

#define MARK_CODE 4242
#define MARK_MOVED 424242
static const char mark_sentence[] = "a sentence from before";

void forget_errors(void) {
    hawser__task *task = hawser__task_current();
    hawser__failure_forget(task);
    errno = 0;
}

void drop_loan(void) {
    hawser__fiber *self = hawser__fiber_current();
    hawser__free(hawser__lend_keep());
    if (self)
        hawser__lend_done(self->worker);
}

static void complain(const char *call, const char *what, const char *file, int line) {
    int code = errno;
    print_error("%s: %s\n    errno %d (%s), sentence \"%s\", moved %llu\n", call, what, code, hawser_strerror(code),
                hawser_error(), (unsigned long long)hawser_moved());
    _fail(file, line);
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

void check_failure(bool failed, int code, const char *call, const char *file, int line) {
    int got = errno;
    if (!failed)
        complain(call, "should have failed", file, line);
    if (got != code) {
        print_error("expected errno %d (%s)\n", code, hawser_strerror(code));
        complain(call, "failed with another code", file, line);
    }
    if (hawser_error()[0] == '\0')
        complain(call, "failed without a sentence", file, line);
    if (!strstr(hawser_error(), ": ") || ends_with(hawser_error(), ": "))
        complain(call, "the sentence is not of the form \"verb object: reason\"", file, line);
}

void mark_errors(void) {
    hawser__task *task = hawser__task_current();
    strcpy(task->sentence, mark_sentence);
    task->told = true;
    task->moved = MARK_MOVED;
    errno = MARK_CODE;
}

int64_t check_success(int64_t result, const char *call, const char *file, int line) {
    if (result < 0)
        complain(call, "failed", file, line);
    if (errno != MARK_CODE || hawser_moved() != MARK_MOVED || strcmp(hawser_error(), mark_sentence) != 0)
        complain(call, "a success changed errno, sentence or moved count", file, line);
    return result;
}

void check_result(int64_t got, int64_t expected, const char *call, const char *file, int line) {
    if (got == expected)
        return;
    int code = errno;
    print_error("got %lld, expected %lld\n", (long long)got, (long long)expected);
    errno = code;
    complain(call, "another result", file, line);
}

void check_sentence(const char *text, bool whole, const char *file, int line) {
    const char *sentence = hawser_error();
    if (whole ? strcmp(sentence, text) == 0 : strstr(sentence, text) != NULL)
        return;
    print_error("the sentence is \"%s\"\n%s \"%s\"\n", sentence, whole ? "expected       " : "should have had", text);
    _fail(file, line);
}

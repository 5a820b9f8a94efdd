/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include "base/task.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[] = {
    [HAWSER_ENONAME - HAWSER_ENONAME] = "Name or service not known",
    [HAWSER_ENOADDRESS - HAWSER_ENONAME] = "The name has no address of this family",
    [HAWSER_ETRYAGAIN - HAWSER_ENONAME] = "The name server did not answer",
    [HAWSER_ENAMESERVER - HAWSER_ENONAME] = "The name server failed",
    [HAWSER_ENOSERVICE - HAWSER_ENONAME] = "No such service",
    [HAWSER_EFAMILY - HAWSER_ENONAME] = "Address family not supported by name look-up",
    [HAWSER_ESOCKTYPE - HAWSER_ENONAME] = "Socket type not supported by name look-up",
    [HAWSER_EFLAGS - HAWSER_ENONAME] = "Invalid flags for name look-up",
    [HAWSER_EOVERFLOW - HAWSER_ENONAME] = "The buffer is too small for the result",
    [HAWSER_EADDRESS - HAWSER_ENONAME] = "Not an address",
    [HAWSER_ETOOLONG - HAWSER_ENONAME] = "Longer than the limit",
    [HAWSER_EEOF - HAWSER_ENONAME] = "The stream ended too early",
    [HAWSER_ECHECK - HAWSER_ENONAME] = "A check of the scenario failed",
};

const char *hawser_strerror(int code) {
    static _Thread_local char unknown[48];
    if (code >= HAWSER_ENONAME && code - HAWSER_ENONAME < (int)(sizeof texts / sizeof *texts))
        return texts[code - HAWSER_ENONAME];
    if (code == ETIMEDOUT)   /* the system's "Connection timed out" blames the connection for what is mostly the caller's own limit */
        return "Timed out";
    const char *text = hawser__errno_text(code);
    if (text)
        return text;
    snprintf(unknown, sizeof unknown, "Unknown error %d", code);
    return unknown;
}

const char *hawser_error(void) {
    const hawser__task *task = hawser__task_current();
    return task->told ? task->sentence : "";
}

uint64_t hawser_moved(void) {
    return hawser__task_current()->moved;
}

/* The reason always fits: an object that is too long for both is cut. */
static void append_reason(char sentence[HAWSER__SENTENCE], const char *reason) {
    size_t length = strlen(sentence), room = HAWSER__SENTENCE - strlen(": ") - strlen(reason) - 1;
    if (length > room)
        length = room - strlen("...");
    snprintf(sentence + length, HAWSER__SENTENCE - length, "%s: %s", sentence[length] ? "..." : "", reason);
}

/* Arguments may point into the old sentence (an error wrapped in another), so the new one is made beside it. */
static int fail(int code, uint64_t moved, bool add_reason, const char *format, va_list args) {
    char sentence[HAWSER__SENTENCE];
    hawser__task *task = hawser__task_current();
    code = abs(code);
    vsnprintf(sentence, sizeof sentence, format, args);
    if (add_reason)
        append_reason(sentence, hawser_strerror(code));
    memcpy(task->sentence, sentence, sizeof sentence);
    task->told = true;
    task->moved = moved;
    errno = code;
    return -1;
}

int hawser__fail(int code, const char *what, ...) {
    va_list args;
    va_start(args, what);
    int result = fail(code, 0, true, what, args);
    va_end(args);
    return result;
}

int hawser__fail_moved(int code, uint64_t moved, const char *what, ...) {
    va_list args;
    va_start(args, what);
    int result = fail(code, moved, true, what, args);
    va_end(args);
    return result;
}

int hawser__fail_sentence(int code, const char *sentence, ...) {
    va_list args;
    va_start(args, sentence);
    int result = fail(code, 0, false, sentence, args);
    va_end(args);
    return result;
}

void hawser__failure_keep(struct hawser__failure *failure, const hawser__task *task, int code) {
    failure->code = code;
    failure->moved = task->moved;
    failure->sentence[0] = '\0';
    if (task->told)
        memcpy(failure->sentence, task->sentence, sizeof failure->sentence);
}

int hawser__failure_tell(const struct hawser__failure *failure) {
    hawser__task *task = hawser__task_current();
    if (!failure->sentence[0])
        hawser__fail(failure->code, "fiber failed");
    else
        memcpy(task->sentence, failure->sentence, sizeof failure->sentence);
    task->told = true;
    task->moved = failure->moved;
    errno = failure->code;
    return -1;
}

void hawser__failure_forget(hawser__task *task) {
    task->told = false;
    task->moved = 0;
}

/* SPDX-License-Identifier: MIT */
#include "cli/report.h"

#include "cli/escape.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/output.h"

#include <hawser.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct status_line report_statuses[] = {
    {STATUS_DONE, "done"},
    {STATUS_USAGE, "wrong usage; nothing was done"},
    {STATUS_NAME, "name not found, or the name server did not answer"},
    {STATUS_CONNECT, "cannot connect or listen"},
    {STATUS_TIMEOUT, "timeout"},
    {STATUS_INTEGRITY, "the connection was reset or broke while data was moving"},
    {STATUS_LOCAL, "local input or output failed: standard output is full or closed, memory or threads ran out"},
    {STATUS_BUG, "a fault in the command itself"},
    {0, NULL},
};

static bool as_json;

void report_as_json(void) {
    as_json = true;
}

/* One line, in one write. What cannot be written there cannot be reported anywhere. */
static void line(const char *before, const char *format, va_list args) {
    char text[2048], escaped[ESCAPE_ROOM(sizeof text)];
    int head = snprintf(text, sizeof text, "%s", before);
    int tail = vsnprintf(text + head, sizeof text - (size_t)head - 1, format, args);
    size_t size = tail < 0 ? (size_t)head : strlen(text);
    text[size++] = '\n';
    const char *out = text;
    if (isatty(STDERR_FILENO)) {
        struct escaper escaper = escape_for_locale();
        size = escape_bytes(&escaper, text, size, escaped);
        out = escaped;
    }
    (void)output_all(STDERR_FILENO, out, size);
}

static const char *kind_of(int status) {
    static const struct {
        int status;
        const char *kind;
    } kinds[] = {{STATUS_USAGE, "usage"},     {STATUS_NAME, "name"},           {STATUS_CONNECT, "connect"},
                 {STATUS_TIMEOUT, "timeout"}, {STATUS_INTEGRITY, "integrity"}, {STATUS_LOCAL, "local"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].status == status)
            return kinds[i].kind;
    }
    return "bug";
}

static void object(int status, const char *format, va_list args) {
    char message[1024];
    vsnprintf(message, sizeof message, format, args);
    struct json json = {.fd = STDOUT_FILENO};
    json_begin(&json, "error");
    json_text(&json, "what", kind_of(status));
    json_number(&json, "exit", status);
    json_text(&json, "message", message);
    json_end(&json);
    (void)json_flush(&json);   /* the status is an error already */
}

static void error(int status, const char *format, va_list args) {
    va_list copy;
    va_copy(copy, args);
    line("hawser: ", format, args);
    if (as_json)
        object(status, format, copy);
    va_end(copy);
}

int report_error(int status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    error(status, format, args);
    va_end(args);
    return status;
}

void report_hint(const char *format, ...) {
    va_list args;
    va_start(args, format);
    line("  ", format, args);
    va_end(args);
}

void report_note(const char *format, ...) {
    va_list args;
    va_start(args, format);
    line("", format, args);
    va_end(args);
}

int report_usage(const struct command *command, const char *format, ...) {
    va_list args;
    va_start(args, format);
    error(STATUS_USAGE, format, args);
    va_end(args);
    if (command)
        report_hint("usage: hawser %s %s [OPTION...]   (hawser %s -h)", command->name, command->operands, command->name);
    else
        report_hint("usage: hawser serve|connect|resolve|completion|help ...   (hawser -h)");
    return STATUS_USAGE;
}

struct reason {
    int code;
    const char *text, *brief;
};

static const struct reason reasons[] = {
    {ECONNREFUSED, "connection refused", "refused"},
    {ETIMEDOUT, "timed out", "timed out"},
    {EHOSTUNREACH, "no route to host", "no route"},
    {ENETUNREACH, "network is unreachable", "network unreachable"},
    {ECONNRESET, "connection reset by the peer", "reset"},
    {EPIPE, "connection closed by the peer", "closed by the peer"},
    {ECANCELED, "stopped", "stopped"},
    {EADDRINUSE, "address already in use", "in use"},
    {EADDRNOTAVAIL, "not an address of this machine", "not an address of this machine"},
    {EAFNOSUPPORT, "this machine does not have this kind of address", "no such kind of address here"},
    {EMFILE, "no descriptor is free in this process", "no descriptor free"},
    {ENFILE, "no descriptor is free on this machine", "no descriptor free"},
    {HAWSER_ENONAME, "name or service not known", "not known"},
};

static const struct reason *find_reason(int code) {
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].code == code)
            return &reasons[i];
    }
    return NULL;
}

/* The system's text starts with a capital; ours stands behind a colon. */
static const char *lower_case(const char *text) {
    static _Thread_local char copy[160];
    snprintf(copy, sizeof copy, "%s", text);
    if (!isupper((unsigned char)copy[1]))
        copy[0] = (char)tolower((unsigned char)copy[0]);
    return copy;
}

const char *report_reason(int code) {
    const struct reason *found = find_reason(code);
    return found ? found->text : lower_case(hawser_strerror(code));
}

const char *report_brief(int code) {
    const struct reason *found = find_reason(code);
    return found ? found->brief : lower_case(hawser_strerror(code));
}

int report_output_failed(int code) {
    return report_error(STATUS_LOCAL, "cannot write to standard output: %s", report_reason(code));
}

bool report_is_lookup(int code) {
    return code >= HAWSER_ENONAME && code <= HAWSER_EFLAGS;
}

int report_lookup_failed(int code, const char *host, double timeout) {
    char text[FORMAT_ROOM];
    if (code == ETIMEDOUT) {
        report_error(STATUS_NAME, "cannot look up \"%s\": the name server did not answer", host);
        report_hint("waited %s; --timeout gives it more time", format_seconds(text, timeout));
    } else if (code == HAWSER_ETRYAGAIN) {
        report_error(STATUS_NAME, "cannot look up \"%s\": the name server did not answer", host);
    } else if (code == HAWSER_ENONAME || code == HAWSER_ENOADDRESS) {
        report_error(STATUS_NAME, "cannot find host \"%s\": %s", host, report_reason(code));
    } else if (report_is_lookup(code)) {
        report_error(STATUS_NAME, "cannot look up \"%s\": %s", host, report_reason(code));
    } else {
        return report_error(STATUS_LOCAL, "cannot look up \"%s\": %s", host, report_reason(code));
    }
    return STATUS_NAME;
}

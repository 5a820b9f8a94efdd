/* SPDX-License-Identifier: MIT */
#include "cli/connect_report.h"

#include "cli/format.h"
#include "cli/report.h"

#include <stdio.h>
#include <string.h>

#define SHOWN 8   /* attempts that are listed; a name may have hundreds of addresses */

struct text {
    char bytes[1024];
    size_t used;
};

static void append(struct text *text, const char *word) {
    size_t length = strlen(word);
    if (text->used + length >= sizeof text->bytes)
        return;
    memcpy(text->bytes + text->used, word, length + 1);
    text->used += length;
}

static void append_attempt(struct text *text, hawser_attempt *attempt, const char *left, const char *right) {
    char host[HAWSER_ADDR_TEXT];
    if (text->used > 0)
        append(text, ", ");
    append(text, hawser_addr_host(&attempt->addr, host, sizeof host) < 0 ? hawser_addr_str(&attempt->addr) : host);
    append(text, left);
    append(text, report_brief(attempt->error));
    append(text, right);
}

static bool failed(const hawser_attempt *attempt) {
    return attempt->error != 0 && attempt->error != ECANCELED;
}

void connect_report_reached(const struct address *address, hawser_addr *peer) {
    hawser_attempt attempts[SHOWN];
    struct text others = {.used = 0};
    char host[HAWSER_ADDR_TEXT];
    size_t count = hawser_attempts(attempts, SHOWN);
    for (size_t i = 0; i < count && i < SHOWN; i++) {
        if (failed(&attempts[i]))
            append_attempt(&others, &attempts[i], " ", "");
    }
    if (address->is_unix || hawser_addr_host(peer, host, sizeof host) < 0)
        report_note("connected to %s", address->host);
    else if (strcmp(host, address->host) == 0)
        report_note("connected to %s", hawser_addr_str(peer));
    else
        report_note("connected to %s: %s%s%s%s", address->host, hawser_addr_str(peer), others.used > 0 ? " (" : "",
                    others.bytes, others.used > 0 ? ")" : "");
}

static void list_attempts(double seconds) {
    hawser_attempt attempts[SHOWN];
    struct text text = {.used = 0};
    char took[FORMAT_ROOM], more[32];
    size_t count = hawser_attempts(attempts, SHOWN);
    for (size_t i = 0; i < count && i < SHOWN; i++)
        append_attempt(&text, &attempts[i], " (", ")");
    if (count > SHOWN) {
        snprintf(more, sizeof more, " and %zu more", count - SHOWN);
        append(&text, more);
    }
    if (count > 0)
        report_hint("tried %s, %s", text.bytes, format_seconds(took, seconds));
}

/* Whether every attempt was on this machine and met nobody. */
static bool nobody_listens(int code) {
    hawser_attempt attempts[SHOWN];
    size_t count = hawser_attempts(attempts, SHOWN);
    if (code != ECONNREFUSED || count == 0 || count > SHOWN)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (attempts[i].error != ECONNREFUSED || !hawser_addr_is_loopback(&attempts[i].addr))
            return false;
    }
    return true;
}

static int unix_failed(const struct address *address, int code, double timeout) {
    char time[FORMAT_ROOM];
    if (code == ETIMEDOUT)
        return report_error(STATUS_TIMEOUT, "cannot connect to %s: no answer within %s", address->host,
                            format_seconds(time, timeout));
    report_error(STATUS_CONNECT, "cannot connect to %s: %s", address->host, report_reason(code));
    if (code == ECONNREFUSED || code == ENOENT)
        report_hint("nothing listens there; try: hawser serve echo %s", address->host);
    else if (code == ENAMETOOLONG)
        report_hint("a Unix path has at most 107 bytes");
    return STATUS_CONNECT;
}

int connect_report_failed(const struct address *address, int code, double seconds, double timeout) {
    if (address->is_unix)
        return unix_failed(address, code, timeout);
    hawser_attempt first;
    bool tried = hawser_attempts(&first, 1) > 0;
    if (report_is_lookup(code) || (code == ETIMEDOUT && !tried))
        return report_lookup_failed(code, address->host, timeout);
    char time[FORMAT_ROOM];
    int status = code == ETIMEDOUT ? STATUS_TIMEOUT : code == ENOMEM ? STATUS_LOCAL : STATUS_CONNECT;
    if (code == ETIMEDOUT && seconds + 0.05 >= timeout)   /* ours, not the kernel's */
        report_error(status, "cannot connect to %s port %d: no answer within %s", address->host, address->port,
                     format_seconds(time, timeout));
    else
        report_error(status, "cannot connect to %s port %d: %s", address->host, address->port, report_reason(code));
    list_attempts(seconds);
    if (nobody_listens(code))
        report_hint("nothing listens there; try: hawser serve echo %d", address->port);
    return status;
}

int connect_report_broken(const char *peer, int code, uint64_t in, uint64_t out) {
    char in_text[FORMAT_ROOM], out_text[FORMAT_ROOM];
    int status = code == ETIMEDOUT ? STATUS_TIMEOUT : STATUS_INTEGRITY;
    report_error(status, "cannot go on with %s: %s", peer, report_reason(code));
    report_hint("in %s, out %s; more may have been lost", format_bytes(in_text, in), format_bytes(out_text, out));
    return status;
}

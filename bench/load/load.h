/* SPDX-License-Identifier: MIT */
/*
 * The load generator: one program, one thread, many connections in a closed loop, each of which sends its next request when the
 * last one is answered. Every byte of every answer is compared with what it has to be.
 *
 * The window of measurement is inside: warm first, then read the clock and the server's own CPU clock, count, and read both
 * again. What is under way at the end is still waited for and compared, outside the window.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct settings {
    int port;
    pid_t server; /* whose CPU time is counted; 0 = nobody's */
    size_t connections;
    size_t size;      /* bytes of a request */
    size_t depth;     /* lines of a request; datagrams in flight */
    size_t segments;  /* datagrams that are sent as one message, for the kernel to cut */
    double seconds;   /* of the window */
    double warm;      /* before it */
    double patience;  /* seconds of silence after which the server counts as stuck */
    const char *file; /* download: what must arrive */
    char **program;   /* start: what to run, and how often */
    size_t times;
};

/* What a request is and what must come back, COUNT different ones. All of them lie one after the other. */
struct script {
    const char *requests, *replies;
    size_t request_size, reply_size;
    size_t count;
};

struct window {
    int64_t begin, end; /* ns */
    int64_t server_begin, server_end;
    int64_t own_begin, own_end;
    uint64_t requests;
};

/* script.c: random bytes to be echoed; lines of 32 bytes, DEPTH to a request, that come back with "OK..." before each. */
struct script script_echo(size_t size);
struct script script_lines(size_t depth);

/* window.c; requests are the caller's to count. */
void window_begin(struct window *window, pid_t server);
void window_end(struct window *window, pid_t server);
void window_print(const struct window *window);

/* opening.c: a connection number I to PORT, from a source address that has ports left. Blocking until it is there. */
int open_connection(const struct settings *settings, size_t i);
/* The same, begun and not awaited, for epoll to tell. */
int begin_connection(const struct settings *settings, size_t i);

/* The modes: each prints what it found and returns, or ends the program with a sentence. */
void load_echo(const struct settings *settings);
void load_lines(const struct settings *settings);
void load_churn(const struct settings *settings);
void load_hold(const struct settings *settings);
void load_census(const struct settings *settings);
void load_download(const struct settings *settings);
void load_datagrams(const struct settings *settings);
void load_start(const struct settings *settings);

/* closed.c, for echo, lines, hold and census. */
struct load;
struct load *closed_open(const struct settings *settings, const struct script *script);
void closed_each_once(struct load *load);
void closed_run(struct load *load);
const uint8_t *closed_first_bytes(struct load *load); /* of the last reply, a byte a connection */

#endif

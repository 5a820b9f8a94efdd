/* SPDX-License-Identifier: MIT */
/* See serve_log.h. Everything in the state is guarded by its lock; only the writing itself happens outside. */
#include "cli/serve_log.h"

#include "cli/format.h"
#include "cli/monotonic.h"
#include "cli/output.h"
#include "cli/serve_signals.h"

#include <hawser.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PER_SECOND 10
#define RING 32
#define LINE 640   /* an address of the longest form, and the rest of the line */

struct window {
    double start;
    unsigned kept;
    uint64_t dropped;
};

static struct {
    enum log_level level;
    pthread_t writer;
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    bool running, stopping;
    size_t first, count;
    char lines[RING][LINE];
    struct window windows[LOG_KINDS];
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .emptied = PTHREAD_COND_INITIALIZER};

static const char signs[LOG_KINDS] = {[LOG_OPENED] = '+', [LOG_CLOSED] = '-', [LOG_ANSWERED] = '=', [LOG_TROUBLE] = '!'};

static void append(const char *text) {
    snprintf(state.lines[(state.first + state.count) % RING], LINE, "%.*s\n", LINE - 2, text);
    state.count++;
    pthread_cond_signal(&state.filled);
}

static void wait_for_room(void) {
    while (state.count == RING)
        pthread_cond_wait(&state.emptied, &state.lock);
}

/* The time of day and the sign: 12 characters. */
static void begin_line(char *out, size_t size, enum log_kind kind) {
    time_t now = (time_t)hawser_time();
    struct tm tm = {.tm_hour = 0};
    localtime_r(&now, &tm);
    snprintf(out, size, "%02d:%02d:%02d  %c ", tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100, signs[kind]);
}

/* The window of KIND is over, or the log is: says how many lines were left out. Needs a free place in the ring. */
static void sum_up(enum log_kind kind) {
    struct window *window = &state.windows[kind];
    char text[LINE], count[FORMAT_ROOM];
    if (window->dropped > 0) {
        begin_line(text, sizeof text, kind);
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "and %s more", format_count(count, window->dropped));
        append(text);
    }
    *window = (struct window){.start = 0};
}

static bool is_over(const struct window *window, double now) {
    return now - window->start >= 1;
}

/* Whether one more line of KIND may be printed; counts it when not. */
static bool admit(enum log_kind kind) {
    struct window *window = &state.windows[kind];
    double now = hawser_now();
    if (state.level == LOG_VERBOSE) {
        wait_for_room();
        return true;
    }
    if (is_over(window, now) && state.count < RING) {
        sum_up(kind);
        window->start = now;
    }
    if (window->kept < PER_SECOND && state.count < RING) {
        window->kept++;
        return true;
    }
    window->dropped++;
    if (window->dropped == 1)
        pthread_cond_signal(&state.filled);   /* the writer now has a time to wait for */
    return false;
}

void serve_log_event(enum log_kind kind, const char *format, ...) {
    if (state.level == LOG_QUIET)
        return;
    char text[LINE];
    va_list args;
    begin_line(text, sizeof text, kind);
    size_t used = strlen(text);
    va_start(args, format);
    vsnprintf(text + used, sizeof text - used, format, args);
    va_end(args);
    pthread_mutex_lock(&state.lock);
    if (admit(kind))
        append(text);
    pthread_mutex_unlock(&state.lock);
}

void serve_log_note(const char *format, ...) {
    if (state.level == LOG_QUIET)
        return;
    char text[LINE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pthread_mutex_lock(&state.lock);
    wait_for_room();
    append(text);
    pthread_mutex_unlock(&state.lock);
}

/* When the next sum is due; below 0: none is. */
static double next_sum(void) {
    double due = -1;
    for (int kind = 0; kind < LOG_KINDS; kind++) {
        double end = state.windows[kind].start + 1;
        if (state.windows[kind].dropped > 0 && (due < 0 || end < due))
            due = end;
    }
    return due;
}

static void wait_until(double due) {
    struct timespec limit = monotonic_in(due - hawser_now());
    pthread_cond_timedwait(&state.filled, &state.lock, &limit);
}

static void sum_up_what_is_due(void) {
    double now = hawser_now();
    for (int kind = 0; kind < LOG_KINDS; kind++) {
        if (state.windows[kind].dropped > 0 && is_over(&state.windows[kind], now) && state.count < RING)
            sum_up((enum log_kind)kind);
    }
}

static void write_first(void) {
    char text[LINE];
    memcpy(text, state.lines[state.first], LINE);
    state.first = (state.first + 1) % RING;
    state.count--;
    pthread_cond_signal(&state.emptied);
    pthread_mutex_unlock(&state.lock);
    (void)output_all(STDERR_FILENO, text, strlen(text));   /* nobody can be told */
    pthread_mutex_lock(&state.lock);
}

static void *writer_main(void *argument) {
    (void)argument;
    serve_signals_leave_to_main();
    pthread_mutex_lock(&state.lock);
    for (;;) {
        sum_up_what_is_due();
        double due = next_sum();
        if (state.count > 0)
            write_first();
        else if (state.stopping)
            break;
        else if (due < 0)
            pthread_cond_wait(&state.filled, &state.lock);
        else
            wait_until(due);
    }
    pthread_mutex_unlock(&state.lock);
    return NULL;
}

int serve_log_start(enum log_level level) {
    monotonic_init(&state.filled);
    tzset();   /* localtime_r need not do it */
    state.level = level;
    if (level == LOG_QUIET)
        return 0;
    int code = pthread_create(&state.writer, NULL, writer_main, NULL);
    state.running = code == 0;
    return code;
}

void serve_log_stop(const char *format, ...) {
    char text[LINE];
    va_list args;
    if (!state.running)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pthread_mutex_lock(&state.lock);
    for (int kind = 0; kind < LOG_KINDS; kind++) {
        wait_for_room();
        sum_up((enum log_kind)kind);
    }
    wait_for_room();
    append(text);
    state.stopping = true;
    pthread_mutex_unlock(&state.lock);
    pthread_join(state.writer, NULL);
    state.running = false;
}

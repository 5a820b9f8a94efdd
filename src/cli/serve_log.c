/* SPDX-License-Identifier: MIT */
/*
 * See serve_log.h. An event is counted before anything else is done for it, so one that is not printed costs an addition. Each
 * kind has a window: it opens with the first line that the writer gets, and a second later the writer prints how many there
 * were beyond those it got, and starts the count anew.
 *
 * The writing itself is offloaded: what standard error is, nobody knows, and a terminal whose reader sleeps can hold a write up
 * though it said that there was room.
 */
#include "cli/serve_log.h"

#include "cli/format.h"
#include "cli/output.h"

#include <hawser.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PER_SECOND 10
#define ROOM 32
#define LINE 640   /* an address of the longest form, and the rest of the line */

struct line {
    int kind;              /* LOG_KINDS: none */
    char text[LINE];
};

struct window {
    _Atomic uint64_t seen;   /* events since it opened */
    _Atomic uint64_t lost;   /* of those that were to be printed, how many found no room */
    double end;              /* the writer's; 0 = it is not open */
};

static struct {
    enum log_level level;
    hawser_channel *lines;
    hawser_group *writer;
    bool direct;             /* there is no writer: everybody writes */
    struct window *windows;  /* LOG_KINDS of them, in memory that child processes share */
    struct line last;        /* what stands under all the rest */
} state = {.level = LOG_QUIET};

static const char signs[LOG_KINDS] = {[LOG_OPENED] = '+', [LOG_CLOSED] = '-', [LOG_ANSWERED] = '=', [LOG_TROUBLE] = '!'};

/* The time of day and the sign: 12 characters. */
static void begin_line(struct line *line, int kind) {
    time_t now = (time_t)hawser_time();
    struct tm tm = {.tm_hour = 0};
    localtime_r(&now, &tm);
    line->kind = kind;
    snprintf(line->text, LINE, "%02d:%02d:%02d  %c ", tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100, signs[kind]);
}

static void add_text(struct line *line, const char *format, va_list args) {
    size_t used = strlen(line->text);
    vsnprintf(line->text + used, LINE - 1 - used, format, args);   /* one is for the newline */
}

static int write_line(void *arg) {
    struct line *line = arg;
    return output_all(STDERR_FILENO, line->text, strlen(line->text));
}

/* Nobody can be told when that fails. Without a thread to be had it is written here, though that may hold others up. */
static void print(struct line *line) {
    size_t length = strlen(line->text);
    memcpy(line->text + length, "\n", sizeof "\n");   /* there is room for it: see struct line */
    if (state.direct || (hawser_offload(write_line, line) < 0 && errno == ENOMEM))
        (void)write_line(line);
}

static void print_kept(int kind, const char *format, va_list args) {
    struct window *window = &state.windows[kind];
    struct line line;
    begin_line(&line, kind);
    add_text(&line, format, args);
    if (state.direct) {
        print(&line);
    } else if (state.level == LOG_VERBOSE) {
        (void)hawser_channel_send(state.lines, &line);
    } else if (hawser_channel_trysend(state.lines, &line) < 0) {
        atomic_fetch_sub(&window->seen, 1);   /* only lines on their way to the writer may close a window to others */
        atomic_fetch_add(&window->lost, 1);
    }
}

void serve_log_event(enum log_kind kind, const char *format, ...) {
    va_list args;
    if (state.level == LOG_QUIET)
        return;
    if (state.level == LOG_NORMAL && atomic_fetch_add(&state.windows[kind].seen, 1) >= PER_SECOND)
        return;
    va_start(args, format);
    print_kept(kind, format, args);
    va_end(args);
}

static void note(const char *format, va_list args) {
    struct line line = {.kind = LOG_KINDS};
    add_text(&line, format, args);
    if (state.direct)
        print(&line);
    else
        (void)hawser_channel_send(state.lines, &line);
}

void serve_log_note(const char *format, ...) {
    va_list args;
    if (state.level == LOG_QUIET)
        return;
    va_start(args, format);
    note(format, args);
    va_end(args);
}

/* The window of KIND is over: says how many lines were left out. It stays open for another second if there were any. */
static void close_window(int kind, double now) {
    struct window *window = &state.windows[kind];
    uint64_t seen = atomic_exchange(&window->seen, 0), more = atomic_exchange(&window->lost, 0);
    more += seen > PER_SECOND ? seen - PER_SECOND : 0;
    window->end = more > 0 ? now + 1 : 0;
    if (more > 0) {
        char count[FORMAT_ROOM];
        struct line line;
        begin_line(&line, kind);
        snprintf(line.text + strlen(line.text), LINE / 2, "and %s more", format_count(count, more));
        print(&line);
    }
}

static bool opens(const struct window *window, int kind, const struct line *line) {
    return (line && line->kind == kind) || atomic_load(&window->lost) > 0 || (state.direct && atomic_load(&window->seen) > 0);
}

/* Opens the window of a line that has come, and closes those whose time is up; all of them at the end. */
static void mind_windows(const struct line *line, bool ended) {
    double now = hawser_now();
    for (int kind = 0; kind < LOG_KINDS && state.level == LOG_NORMAL; kind++) {
        struct window *window = &state.windows[kind];
        if (ended || (window->end != 0 && now >= window->end))
            close_window(kind, now);
        if (window->end == 0 && opens(window, kind, line))
            window->end = now + 1;
    }
}

/* How long the writer may sleep. */
static double until_next_end(void) {
    double left = HAWSER_NO_TIMEOUT, now = hawser_now();
    for (int kind = 0; kind < LOG_KINDS; kind++) {
        double end = state.windows[kind].end, wait = end > now ? end - now : 0;
        if (end != 0 && (left < 0 || wait < left))
            left = wait;
    }
    return left;
}

/* 1 and a line, 0 at the end, -1: a window's time is up. */
static int next_line(struct line *line) {
    int64_t outer = hawser_deadline_push(until_next_end());
    int result = hawser_channel_recv(state.lines, line);
    hawser_deadline_pop(outer);
    return result;
}

static int write_lines(void *arg) {
    struct line line;
    int result;
    (void)arg;
    hawser_fiber_setname("log");
    do {
        result = next_line(&line);
        mind_windows(result > 0 ? &line : NULL, result == 0);
        if (result > 0)
            print(&line);
    } while (result != 0);
    print(&state.last);
    return 0;
}

void serve_log_tick(void) {
    if (state.direct)
        mind_windows(NULL, false);
}

static void end(void) {
    hawser_group_close(state.writer);
    hawser_channel_free(state.lines);
    state.level = LOG_QUIET;
}

/* Zeroed. They stay until the process ends. */
static bool share_windows(void) {
    void *memory = mmap(NULL, LOG_KINDS * sizeof *state.windows, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    state.windows = memory == MAP_FAILED ? NULL : memory;
    return state.windows != NULL;
}

static bool start_writer(void) {
    state.lines = hawser_channel_new(sizeof(struct line), ROOM);
    state.writer = state.lines ? hawser_group_open(NULL) : NULL;
    return state.writer && hawser_group_go(state.writer, write_lines, NULL) == 0;
}

int serve_log_start(enum log_level level, bool direct) {
    if (level == LOG_QUIET)
        return 0;
    tzset();   /* localtime_r need not do it */
    state.level = level;
    state.direct = direct;
    if (share_windows() && (direct || start_writer()))
        return 0;
    end();
    return -1;
}

void serve_log_stop(const char *format, ...) {
    va_list args;
    if (state.level == LOG_QUIET)
        return;
    va_start(args, format);
    add_text(&state.last, format, args);
    va_end(args);
    if (state.direct) {
        mind_windows(NULL, true);
        print(&state.last);
    } else {
        hawser_channel_close(state.lines);
        (void)hawser_group_wait(state.writer);
    }
    end();
}

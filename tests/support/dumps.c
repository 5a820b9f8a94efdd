/* SPDX-License-Identifier: MIT */
#include "dumps.h"

#include <regex.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RUN, WORKER, HELD_UP, NO_ANSWER, FIBER, KINDS };
#define QUOTED "\"(([^\"\\]|\\\\x[0-9a-f]{2})*)\""
#define SECONDS "[0-9]+\\.[0-9]{3} s"

static const char *const texts[KINDS] = {
    [RUN] = "^run ([0-9]+): ([0-9]+) worker(s?), (epoll|uring|poll|sim)$",
    [WORKER] = "^worker ([0-9]+): ([0-9]+) fiber(s?)$",
    [HELD_UP] = "^worker ([0-9]+): held up by fiber ([0-9]+) " QUOTED " for more than " SECONDS "$",
    [NO_ANSWER] = "^worker ([0-9]+): no answer for " SECONDS "$",
    [FIBER] = "^fiber ([0-9]+) " QUOTED " (runs|is ready|waits( for [a-z ]+( on ([0-9]+|0x[0-9a-f]+))?)? since " SECONDS ")$",
};
static regex_t patterns[KINDS];

__attribute__((constructor)) static void compile_patterns(void) {
    for (int kind = 0; kind < KINDS; kind++)
        if (regcomp(&patterns[kind], texts[kind], REG_EXTENDED) != 0)
            abort();
}

static unsigned long number(const char *line, regmatch_t part) {
    return strtoul(line + part.rm_so, NULL, 10);
}

static void copy(char *to, size_t size, const char *line, regmatch_t part) {
    snprintf(to, size, "%.*s", (int)(part.rm_eo - part.rm_so), line + part.rm_so);
}

static bool plural_fits(unsigned long count, regmatch_t s) {
    return (s.rm_eo > s.rm_so) == (count != 1);
}

struct reader {
    struct report *report;
    int run;
    unsigned long workers, worker, fibers; /* of this run; the one read last; of that one's fibers those to come */
};

static bool read_run(struct reader *at, const char *line, const regmatch_t *parts) {
    bool complete = at->worker == at->workers && at->fibers == 0;
    at->run = (int)number(line, parts[1]);
    at->workers = number(line, parts[2]);
    at->worker = 0;
    at->report->runs++;
    return complete && plural_fits(at->workers, parts[3]);
}

static bool read_worker(struct reader *at, int kind, const char *line, const regmatch_t *parts) {
    bool complete = at->fibers == 0 && number(line, parts[1]) == at->worker + 1 && at->worker < at->workers;
    at->worker++;
    at->fibers = kind == WORKER ? number(line, parts[2]) : 0;
    at->report->workers++;
    at->report->silent += kind != WORKER;
    return complete && (kind != WORKER || plural_fits(at->fibers, parts[3]));
}

static bool read_fiber(struct reader *at, int kind, const char *line, const regmatch_t *parts) {
    struct line *fiber = &at->report->lines[at->report->fibers++];
    fiber->run = at->run;
    fiber->worker = (int)at->worker;
    fiber->number = number(line, parts[kind == FIBER ? 1 : 2]);
    copy(fiber->name, sizeof fiber->name, line, parts[kind == FIBER ? 2 : 3]);
    snprintf(fiber->state, sizeof fiber->state, "holds");
    if (kind == FIBER)
        copy(fiber->state, sizeof fiber->state, line, parts[4]);
    for (const struct line *other = at->report->lines; other < fiber; other++)
        if (other->run == fiber->run && other->number == fiber->number)
            return false;
    return kind != FIBER || at->fibers-- > 0;
}

static bool read_line(struct reader *at, const char *line) {
    regmatch_t parts[5];
    for (int kind = 0; kind < KINDS; kind++) {
        if (regexec(&patterns[kind], line, 5, parts, 0) != 0)
            continue;
        if (kind == RUN)
            return read_run(at, line, parts);
        if (kind == FIBER)
            return read_fiber(at, kind, line, parts);
        return read_worker(at, kind, line, parts) && (kind != HELD_UP || read_fiber(at, kind, line, parts));
    }
    return false;
}

void parse_report(char *text, struct report *ret) {
    struct reader at = {.report = ret};
    ret->runs = ret->workers = ret->silent = ret->fibers = 0;
    ret->wrong[0] = '\0';
    for (char *line = text, *end; *line && !ret->wrong[0]; line = end + 1) {
        end = strchrnul(line, '\n');
        bool whole = *end == '\n';
        *end = '\0';
        if (!whole || ret->fibers == MOST_FIBERS || !read_line(&at, line))
            snprintf(ret->wrong, sizeof ret->wrong, "unexpected: %.200s", line);
    }
    if (!ret->wrong[0] && (at.worker != at.workers || at.fibers > 0))
        snprintf(ret->wrong, sizeof ret->wrong, "something is missing at the end");
    free(text);
}

const struct line *find_fiber(const struct report *report, const char *name) {
    const struct line *found = NULL;
    for (size_t i = 0; i < report->fibers; i++) {
        if (strcmp(report->lines[i].name, name) != 0)
            continue;
        if (found)
            return NULL;
        found = &report->lines[i];
    }
    return found;
}

void assert_fiber(const struct report *report, const char *name, int worker, const char *state) {
    const struct line *line = find_fiber(report, name);
    if (!line)
        fail_msg("not there, or twice: %s", name);
    if (strncmp(line->state, state, strlen(state)) != 0)
        fail_msg("%s: %s", name, line->state);
    assert_int_equal(line->worker, worker);
}

void assert_whole(const struct report *report) {
    if (report->wrong[0])
        fail_msg("%s", report->wrong);
}

static char *content(int fd) {
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    if (!text || pread(fd, text, (size_t)size, 0) != size)
        abort();
    return text;
}

int take_report(struct report *ret) {
    int fd = memfd_create("dump", MFD_CLOEXEC), result = hawser_dump(fd), code = errno;
    parse_report(content(fd), ret);
    close(fd);
    errno = code;
    return result;
}

int go_named(hawser_group *group, const char *name, int worker, hawser_fn fn, void *arg) {
    const hawser_go_options options = {.name = name, .worker = worker, .group = group};
    return hawser_go_with(&options, fn, arg);
}

int sleep_until_set(void *flag) {
    atomic_bool *is_set = flag;
    for (double end = seconds_now() + WAIT_LIMIT; !atomic_load(is_set) && seconds_now() < end;)
        hawser_sleep(0.001);
    return atomic_load(is_set) ? 0 : 1;
}

census settled_census(void) {
    hawser_sleep(0.001);
    return take_census();
}

void assert_nothing_left(census before) {
    hawser_sleep(0.001);
    assert_null(compare_census(before));
}

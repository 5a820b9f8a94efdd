/* SPDX-License-Identifier: MIT */
/* hawser_dump: asks all workers, waits, and writes what they answered. */
#include "base/error.h"
#include "base/sys.h"
#include "sched/park.h"
#include "sched/pause.h"
#include "sched/question.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <hawser/run.h>

#define PATIENCE (1 * HAWSER__SECOND)
#define HEADING 512

struct dump {
    int fd;
    hawser__deadline limit;          /* the calling task's own */
    int64_t asked;                   /* when */
    hawser__question *questions;
    int result;
};

/* On the clock that the calling task's deadlines are on. */
static int64_t now_here(void) {
    hawser__worker *worker = hawser__worker_current();
    return worker ? worker->engine->ops->now(worker->engine) : hawser__clock_monotonic();
}

/* Writing. */

static int park_until_writable(int fd, hawser__deadline deadline) {
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    hawser__task *task = hawser__task_current();
    task->waits_for = "write";
    task->waits_on = fd;
    int result = hawser__park(&room, 1, deadline);
    task->waits_for = NULL;
    return result;
}

/* Readiness that has turned out to be none is not believed again without a pause. */
static int await_room(int fd, unsigned round, hawser__deadline deadline) {
    int64_t end = round > 0 ? hawser__pause_end(now_here(), round - 1, deadline) : HAWSER__NOW;
    if (end < 0)
        return (int)end;
    int result = round > 0 ? hawser__wait("write", fd, end) : 0;
    return result < 0 && result != -ETIMEDOUT ? result : park_until_writable(fd, deadline);
}

/* As many whole lines as a pipe that says "writable" takes without waiting, and in one piece. */
static size_t piece(const char *data, size_t size) {
    const char *end = size > PIPE_BUF ? memrchr(data, '\n', PIPE_BUF) : NULL;
    return end ? (size_t)(end + 1 - data) : size;
}

/* What was written of it, 0 if nothing, or a negative code. */
static ssize_t write_some(int fd, const char *data, size_t size, unsigned round, hawser__deadline deadline) {
    int ready = await_room(fd, round, deadline);
    if (ready <= 0 && ready != -EINVAL)   /* -EINVAL: RLIMIT_NOFILE forbids poll to look at any */
        return ready;
    ssize_t n = hawser__sys_write_nosigpipe(fd, data, piece(data, size));
    if (n == -EINTR || n == -EAGAIN || n == -EWOULDBLOCK)
        return 0;
    return n == 0 ? -EIO : n;
}

/* Whoever reads has a second for each piece. */
static int write_all(const struct dump *dump, const char *data, size_t size) {
    hawser__deadline deadline = 0;
    unsigned vain = 0;
    while (size > 0) {
        if (vain == 0)
            deadline = now_here() + PATIENCE;
        ssize_t n = write_some(dump->fd, data, size, vain, deadline < dump->limit ? deadline : dump->limit);
        if (n < 0)
            return (int)n;
        vain = n > 0 ? 0 : vain + 1;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

static HAWSER_FORMAT(2, 3) int write_line(const struct dump *dump, const char *format, ...) {
    char line[HEADING];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    return write_all(dump, line, (size_t)length);
}

static const char *plural(int64_t count) {
    return count == 1 ? "" : "s";
}

static int write_silence(const struct dump *dump, const hawser__question *question) {
    char name[HAWSER__QUOTED];
    int64_t ms = (now_here() - dump->asked) / (HAWSER__SECOND / 1000);
    if (question->holder.number == 0)
        return write_line(dump, "worker %d: no answer for %" PRId64 ".%03d s\n", question->number, ms / 1000, (int)(ms % 1000));
    hawser__quote(question->holder.name, name, sizeof name);
    return write_line(dump, "worker %d: held up by fiber %" PRIu64 " \"%s\" for more than %" PRId64 ".%03d s\n",
                      question->number, question->holder.number, name, ms / 1000, (int)(ms % 1000));
}

/* What has been written is freed at once: it can be much. */
static int write_worker(const struct dump *dump, hawser__question *question) {
    if (!hawser__question_answered(question))
        return write_silence(dump, question);
    int64_t count = question->count;
    int result = write_line(dump, "worker %d: %" PRId64 " fiber%s\n", question->number, count, plural(count));
    if (result == 0)
        result = write_all(dump, hawser__buffer_data(&question->text), hawser__buffer_used(&question->text));
    hawser__buffer_done(&question->text);
    return result;
}

static int write_run(const struct dump *dump, const hawser__question *question) {
    return write_line(dump, "run %" PRIu64 ": %d worker%s, %s\n", question->run, question->workers, plural(question->workers),
                      question->engine);
}

static int write_answers(const struct dump *dump) {
    uint64_t run = 0;
    int result = 0;
    for (hawser__question *question = dump->questions; question && result == 0; question = question->next) {
        if (question->run != run)
            result = write_run(dump, question);
        if (result == 0)
            result = write_worker(dump, question);
        run = question->run;
    }
    return result;
}

/* Asking. */

static void ask(hawser__run *run, void *arg) {
    struct dump *dump = arg;
    if (dump->result == 0)
        dump->result = hawser__question_ask(run, &dump->questions);
}

static int await_all(struct dump *dump) {
    int result = dump->result;
    for (hawser__question *question = dump->questions; question && result == 0; question = question->next)
        result = hawser__question_await(question, dump->asked + PATIENCE, dump->limit);
    return result;
}

/* A worker that has not answered, and on which the fiber runs that ran when it was asked, is held up by that. */
static void find_holders(hawser__run *run, void *arg) {
    struct dump *dump = arg;
    for (hawser__question *question = dump->questions; question; question = question->next)
        if (question->run == run->number && !hawser__question_answered(question))
            (void)hawser__sight_identify(question->worker, question->sight, &question->holder);
}

/* A fiber asks about its own run, a plain thread about all. */
static void for_runs(void (*visit)(hawser__run *run, void *arg), struct dump *dump) {
    hawser__worker *worker = hawser__worker_current();
    if (worker)
        visit(worker->run, dump);
    else
        hawser__runs_visit(visit, dump);
}

static int dump_runs(struct dump *dump) {
    for_runs(ask, dump);
    int result = await_all(dump);
    if (result < 0)
        return result;
    for_runs(find_holders, dump);
    return write_answers(dump);
}

int hawser_dump(int fd) {
    struct dump dump = {.fd = fd, .limit = hawser__task_deadline(HAWSER__NEVER), .asked = now_here()};
    int result = fd < 0 ? -EBADF : hawser__interrupt_check();
    if (result == 0)
        result = dump_runs(&dump);
    hawser__questions_free(dump.questions);
    return result < 0 ? hawser__fail(result, "dump fibers to descriptor %d", fd) : 0;
}

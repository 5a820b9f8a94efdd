/* SPDX-License-Identifier: MIT */
/*
 * sched/dump: who is asked, and writing it all. In a test that is a fiber, what plain threads dump has that fiber's run as
 * well, with a worker that the waiting test holds up.
 */
#include "dumps.h"
#include "fibers.h"

#include <fcntl.h>
#include <unistd.h>

static long take_on_thread(void *arg) {
    return take_report(arg);
}

struct run {
    hawser_fn fn;
    void *arg;
    int workers;
};

static long conduct(void *argument) {
    struct run *run = argument;
    return run_on_workers(run->workers, run->fn, run->arg);
}

static bool is_set(void *flag) {
    return atomic_load((atomic_bool *)flag);
}

/* A plain thread sees every run. */

struct room {
    atomic_bool filled, open;
    int guests;
};

static int be_guest(void *arg) {
    struct room *room = arg;
    return sleep_until_set(&room->open);
}

static int keep_room(void *arg) {
    struct room *room = arg;
    int result = 0;
    hawser_fiber_setname("keeper");
    for (int i = 0; i < room->guests && result == 0; i++)
        result = go_named(NULL, "guest", 1 + i % 2, be_guest, room);
    atomic_store(&room->filled, true);
    return result == 0 ? sleep_until_set(&room->open) : 1;
}

static size_t fibers_of_run(const struct report *report, int run) {
    size_t count = 0;
    for (size_t i = 0; i < report->fibers; i++)
        count += report->lines[i].run == run;
    return count;
}

static void a_plain_thread_sees_every_run(void **state) {
    (void)state;
    static struct report report;
    struct room rooms[] = {{.guests = 7}, {.guests = 8}};
    struct run runs[] = {{keep_room, &rooms[0], 2}, {keep_room, &rooms[1], 2}};
    runner threads[2], dumper;
    for (int i = 0; i < 2; i++)
        start_thread(&threads[i], conduct, &runs[i]);
    for (int i = 0; i < 2; i++)
        assert_true(wait_until(is_set, &rooms[i].filled));
    start_thread(&dumper, take_on_thread, &report);
    long result = finish(&dumper);
    for (int i = 0; i < 2; i++) {
        atomic_store(&rooms[i].open, true);
        assert_int_equal(finish(&threads[i]), 0);
    }
    assert_int_equal(result, 0);
    assert_whole(&report);
    size_t keepers = 0;
    for (size_t i = 0; i < report.fibers; i++) {
        const struct line *line = &report.lines[i];
        bool keeper = strcmp(line->name, "keeper") == 0;
        size_t fibers = keeper ? fibers_of_run(&report, line->run) : 0;
        assert_true(!keeper || fibers == 8 || fibers == 9);
        keepers += keeper ? fibers : 0;
    }
    assert_int_equal(keepers, 17);
}

/* The caller's own deadline, and its cancellation. */

struct jam {
    atomic_bool jammed, release;
    double seconds;
    int result, code;
    struct report report;
};

static int hold_worker(void *arg) {
    struct jam *jam = arg;
    double end = seconds_now() + WAIT_LIMIT;
    atomic_store(&jam->jammed, true);
    while (!atomic_load(&jam->release) && seconds_now() < end)
        ;
    return 0;
}

static int dump_in_time(void *arg) {
    struct jam *jam = arg;
    int failed = go_named(NULL, "hog", 2, hold_worker, jam) || sleep_until_set(&jam->jammed);
    double start = seconds_now();
    int64_t outer = hawser_deadline_push(0.05);
    jam->result = take_report(&jam->report);
    jam->code = errno;
    hawser_deadline_pop(outer);
    jam->seconds = seconds_now() - start;
    atomic_store(&jam->release, true);
    return failed;
}

static void a_deadline_of_the_caller_ends_the_wait(void **state) {
    (void)state;
    static struct jam jam;
    memset(&jam, 0, sizeof jam);
    assert_int_equal(run_on_workers(2, dump_in_time, &jam), 0);
    assert_int_equal(jam.result, -1);
    assert_int_equal(jam.code, ETIMEDOUT);
    assert_true(jam.seconds >= 0.05);
}

static int dump_cancelled(void *arg) {
    struct report *report = arg;
    hawser_run_cancel();
    errno = 0;
    if (take_report(report) != -1 || errno != ECANCELED || strcmp(hawser_error(), "") == 0)
        return 1;
    hawser_cancel_clear();
    return take_report(report) == 0 ? 0 : 2;
}

static void a_cancelled_fiber_gets_none(void **state) {
    (void)state;
    static struct report report;
    assert_int_equal(run_on_workers(1, dump_cancelled, &report), 0);
    assert_whole(&report);
    assert_int_equal(report.fibers, 1);
}

/* Where it is written to. */

struct sink {
    int fd, guests, result, code;
    double seconds;
    bool nonblocking;
    char sentence[128];
    atomic_bool open;
    atomic_int steps;
};

static int step_on(void *arg) {
    struct sink *sink = arg;
    while (!atomic_load(&sink->open)) {
        atomic_fetch_add(&sink->steps, 1);
        hawser_sleep(0.01);
    }
    return 0;
}

static int be_sink_guest(void *arg) {
    struct sink *sink = arg;
    return sleep_until_set(&sink->open);
}

static int dump_into(void *arg) {
    struct sink *sink = arg;
    int failed = go_named(NULL, "steps", 1, step_on, sink);
    for (int i = 0; i < sink->guests && failed == 0; i++)
        failed = go_named(NULL, "guest of the one who dumps", 1, be_sink_guest, sink);
    double start = seconds_now();
    sink->result = hawser_dump(sink->fd);
    sink->code = errno;
    sink->seconds = seconds_now() - start;
    snprintf(sink->sentence, sizeof sink->sentence, "%s", hawser_error());
    atomic_store(&sink->open, true);
    return failed;
}

static void open_pipe(int ends[2], bool nonblocking) {
    assert_int_equal(pipe2(ends, O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0)), 0);
}

static void fill(int fd) {
    static const char zeros[4096];
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while (write(fd, zeros, sizeof zeros) > 0)
        ;
    fcntl(fd, F_SETFL, flags);
}

/* GUESTS decide how much there is to write. The steps that another fiber took meanwhile. */
static int steps_while_nobody_reads(bool nonblocking, bool full, int guests) {
    int ends[2];
    char expected[64];
    struct sink sink = {.guests = guests};
    open_pipe(ends, nonblocking);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);   /* so that few guests are much */
    if (full)
        fill(ends[1]);
    sink.fd = ends[1];
    assert_int_equal(run_on_workers(1, dump_into, &sink), 0);
    assert_int_equal(sink.result, -1);
    assert_int_equal(sink.code, ETIMEDOUT);
    snprintf(expected, sizeof expected, "dump fibers to descriptor %d: Timed out", ends[1]);
    assert_string_equal(sink.sentence, expected);
    assert_true(sink.seconds >= 1);
    assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, nonblocking ? O_NONBLOCK : 0);
    close(ends[0]);
    close(ends[1]);
    return atomic_load(&sink.steps);
}

/* A step is 10 ms, and the dump waits for a second. */
static void nobody_reads_and_the_worker_goes_on(bool nonblocking, bool full, int guests) {
    int steps = 0;
    for (int tries = 0; steps <= 10 && tries < 3; tries++) /* a busy machine may stand still for all of the second */
        steps = steps_while_nobody_reads(nonblocking, full, guests);
    assert_true(steps > 10);
}

static void a_pipe_that_nobody_reads_is_given_a_second(void **state) {
    (void)state;
    nobody_reads_and_the_worker_goes_on(true, true, 3);
    nobody_reads_and_the_worker_goes_on(false, true, 3);
    nobody_reads_and_the_worker_goes_on(false, false, 200);
}

static char *read_to_end(int fd) {
    size_t size = 0, room = 1 << 20;
    char *text = calloc(1, room);
    if (!text)
        abort();
    for (ssize_t n; size < room - 1000 && (n = read(fd, text + size, 777)) > 0;)
        size += (size_t)n;
    return text;
}

static long dump_and_close(void *argument) {
    struct sink *sink = argument;
    long result = run_on_workers(1, dump_into, sink);
    close(sink->fd);
    return result;
}

/* More than a pipe holds: it is written as it is read. */
static void all_of_it_arrives(bool nonblocking) {
    static struct report report;
    int ends[2];
    runner thread;
    struct sink sink = {.guests = 2000};
    open_pipe(ends, false);
    fcntl(ends[1], F_SETFL, nonblocking ? O_NONBLOCK : 0);
    sink.fd = ends[1];
    start_thread(&thread, dump_and_close, &sink);
    parse_report(read_to_end(ends[0]), &report);
    assert_int_equal(finish(&thread), 0);
    close(ends[0]);
    assert_int_equal(sink.result, 0);
    assert_whole(&report);
    assert_int_equal(report.fibers, 2002);
}

static void what_is_more_than_a_pipe_holds_arrives_whole(void **state) {
    (void)state;
    skip_in_world("foreign descriptors are not waited for");
    all_of_it_arrives(true);
    all_of_it_arrives(false);
}

static void assert_dump_fails(int fd, int code) {
    struct sink sink = {.fd = fd};
    assert_int_equal(run_on_workers(1, dump_into, &sink), 0);
    assert_int_equal(sink.result, -1);
    assert_int_equal(sink.code, code);
}

static void a_pipe_that_nobody_can_read_any_more_is_EPIPE_and_no_signal(void **state) {
    (void)state;
    int ends[2];
    open_pipe(ends, false);
    close(ends[0]);
    assert_dump_fails(ends[1], EPIPE);
    close(ends[1]);
}

static void what_is_no_descriptor_is_EBADF(void **state) {
    (void)state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), high = fcntl(fd, F_DUPFD_CLOEXEC, 200);
    assert_dump_fails(-1, EBADF);
    assert_dump_fails(fd, EBADF); /* not for writing */
    close(fd);
    close(high); /* a number that the run does not come to have for itself */
    assert_dump_fails(high, EBADF);
}

static void success_leaves_the_last_error_alone(void **state) {
    (void)state;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(assert_works(hawser_dump(fd)), 0);
    close(fd);
}

/* Faults. */

static int dump_to_null(void *arg) {
    return hawser_dump(*(int *)arg);
}

static void a_descriptor_that_says_writable_and_is_not_is_not_asked_for_ever(void **state) {
    (void)state;
    if (in_fiber())
        skip(); /* the run has to be on the thread that the faults are meant for */
    struct sink sink = {.fd = open("/dev/null", O_WRONLY | O_CLOEXEC)};
    fault_syscall("write", 1, EAGAIN, 1000000);
    syscalls_made();
    long result = run_on_workers(1, dump_into, &sink);
    unsigned made = syscalls_made();
    assert_true(fault_none());
    assert_int_equal(result, 0);
    assert_int_equal(sink.result, -1);
    assert_int_equal(sink.code, ETIMEDOUT);
    assert_true(made < 2000);
    close(sink.fd);
}

static int run_scenario(void *argument) {
    const hawser_run_options options = {.workers = 1, .stack_size = TEST_STACK};
    TRY(hawser_run(dump_to_null, argument, &options));
    return 0;
out:
    return -1;
}

static void whatever_fails_is_told_and_nothing_is_left(void **state) {
    (void)state;
    if (in_fiber())
        skip(); /* the run has to be on the thread that the faults are meant for */
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(sweep_allocations(run_scenario, &fd) > 0);
    assert_true(sweep_syscalls(run_scenario, &fd, EIO, NULL) > 0);
    assert_true(sweep_interruptions(run_scenario, &fd, NULL) > 0);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_thread_sees_every_run),
        cmocka_unit_test(a_deadline_of_the_caller_ends_the_wait),
        cmocka_unit_test(a_cancelled_fiber_gets_none),
        cmocka_unit_test(a_pipe_that_nobody_reads_is_given_a_second),
        cmocka_unit_test(what_is_more_than_a_pipe_holds_arrives_whole),
        cmocka_unit_test(a_pipe_that_nobody_can_read_any_more_is_EPIPE_and_no_signal),
        cmocka_unit_test(what_is_no_descriptor_is_EBADF),
        cmocka_unit_test(success_leaves_the_last_error_alone),
        cmocka_unit_test(a_descriptor_that_says_writable_and_is_not_is_not_asked_for_ever),
        cmocka_unit_test(whatever_fails_is_told_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The world as engines give it: sleeping, foreign descriptors, files over a stream, names, clocks, chance, Unix socket files.
 */
#include "engine_suite.h"

#include "engine_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <hawser/world.h>

static void sleep_ends_at_its_deadline_and_not_before(void **state) {
    (void)state;
    double began = seconds_now();
    assert_int_equal(ops()->sleep(subject.engine, in_seconds(0.02)), 0);
    assert_true(seconds_now() - began >= 0.02);
    assert_int_equal(ops()->sleep(subject.engine, HAWSER__NOW), 0);
    assert_int_equal(ops()->sleep(subject.engine, PAST), 0);
}

static long sleep_briefly(void *argument) {
    (void)argument;
    return ops()->sleep(subject.engine, in_seconds(0.1));
}

static void signals_neither_end_nor_extend_sleep(void **state) {
    (void)state;
    int hits = 0;
    for (int tries = 0; hits == 0 && tries < 20; tries++) { /* on a busy machine it may end before the first hit */
        runner run;
        start(&run, sleep_briefly, NULL);
        hits = pester(&run, 1000000);
        assert_int_equal(finish(&run), 0);
        assert_true(run.seconds >= 0.1 && run.seconds < WAIT_LIMIT / 2);
    }
    assert_true(hits > 0);
}

static long sleep_interruptibly(void *argument) {
    (void)argument;
    if (hawser_interrupt_on_signal(SIGUSR2) < 0)
        return -1;
    long result = ops()->sleep(subject.engine, HAWSER__NEVER);
    hawser_interrupt_restore(SIGUSR2);
    return result;
}

static void an_interrupted_sleep_is_ECANCELED(void **state) {
    (void)state;
    runner run;
    start(&run, sleep_interruptibly, NULL);
    assert_true(blocked(&run));
    pthread_kill(run.thread, SIGUSR2);
    assert_int_equal(finish(&run), -ECANCELED);
}

struct foreign {
    int fd, events;
};

static long wait_for(void *argument) {
    const struct foreign *foreign = argument;
    return ops()->wait_fd(subject.engine, NULL, foreign->fd, foreign->events, in_seconds(WAIT_LIMIT));
}

static void a_foreign_descriptor_is_waited_for(void **state) {
    (void)state;
    if (!subject.foreign)
        return;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(ops()->wait_fd(subject.engine, NULL, fds[0], HAWSER_READABLE, HAWSER__NOW), -EAGAIN);
    assert_int_equal(ops()->wait_fd(subject.engine, NULL, fds[0], HAWSER_READABLE, in_seconds(0.01)), -ETIMEDOUT);
    assert_int_equal(ops()->wait_fd(subject.engine, NULL, fds[1], HAWSER_WRITABLE, HAWSER__NOW), HAWSER_WRITABLE);
    runner run;
    start(&run, wait_for, &(struct foreign){fds[0], HAWSER_READABLE});
    assert_int_equal(pester(&run, 3), 3);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(finish(&run), HAWSER_READABLE);
    close(fds[1]);
    close(fds[0]);
    assert_int_equal(ops()->wait_fd(subject.engine, NULL, fds[0], HAWSER_READABLE, HAWSER__NOW), -EBADF);
}

struct on_account {
    hawser__endpoint *account;
    int fd;
};

static long wait_on_account(void *argument) {
    const struct on_account *wait = argument;
    return ops()->wait_fd(subject.engine, wait->account, wait->fd, HAWSER_READABLE, HAWSER__NEVER);
}

static void a_wait_in_the_service_of_a_call_ends_with_its_endpoint(void **state) {
    (void)state;
    if (!subject.foreign)
        return;
    int fds[2];
    hawser__endpoint *pair[2];
    runner run;
    open_pair(SOCK_STREAM, pair);
    assert_int_equal(pipe(fds), 0);
    start(&run, wait_on_account, &(struct on_account){pair[0], fds[0]});
    assert_true(blocked(&run));
    ops()->evict(pair[0]);
    assert_int_equal(finish(&run), -EBADF);
    assert_int_equal(wait_on_account(&(struct on_account){pair[0], fds[0]}), -EBADF);
    close(fds[0]);
    close(fds[1]);
    close_endpoint(pair[0]);
    close_endpoint(pair[1]);
}

static void the_end_of_a_foreign_descriptor_counts_as_ready(void **state) {
    (void)state;
    if (!subject.foreign)
        return;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[1]);
    assert_int_equal(ops()->wait_fd(subject.engine, NULL, fds[0], HAWSER_READABLE, HAWSER__NOW), HAWSER_READABLE);
    close(fds[0]);
}

/* A file over a stream: only what the other end takes, and from where the offset says. */
static void a_file_is_sent_from_its_offset(void **state) {
    (void)state;
    if (!subject.descriptors)
        return;
    hawser__endpoint *pair[2];
    int64_t offset = 2;
    int fd = open(own_path("file"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    open_pair(SOCK_STREAM, pair);
    assert_int_equal(ops()->sendfile(pair[0], fd, &offset, 3, HAWSER__NOW), 3);
    assert_int_equal(offset, 5);
    assert_receives(pair[1], "234");
    assert_int_equal(ops()->sendfile(pair[0], fd, &offset, 100, HAWSER__NOW), 5);
    assert_receives(pair[1], "56789");
    assert_int_equal(ops()->sendfile(pair[0], fd, &offset, 100, HAWSER__NOW), 0);
    fill(pair[0]);
    offset = 0;
    assert_int_equal(ops()->sendfile(pair[0], fd, &offset, 100, in_seconds(0.01)), -ETIMEDOUT);
    assert_int_equal(offset, 0);
    close_endpoint(pair[1]);
    assert_int_equal(ops()->sendfile(pair[0], fd, &offset, 100, HAWSER__NOW), -EPIPE);
    close_endpoint(pair[0]);
    close(fd);
}

/* Numbers need no network, so both engines know them. */
static void a_number_is_resolved(void **state) {
    (void)state;
    hawser__lookup *lookup = hawser__lookup_new(HAWSER__LOOKUP_ADDRINFO, "127.0.0.1", "80");
    lookup->hints = (struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    assert_int_equal(ops()->resolve(subject.engine, lookup, in_seconds(WAIT_LIMIT)), 0);
    assert_int_equal(lookup->error, 0);
    hawser_addr addr;
    assert_int_equal(hawser_addr_from_sockaddr(&addr, lookup->list->ai_addr, lookup->list->ai_addrlen), 0);
    assert_string_equal(hawser_addr_str(&addr), "127.0.0.1:80");
    assert_null(lookup->list->ai_next);
    hawser__lookup_unref(lookup);
}

static void what_is_no_number_is_not_found_as_one(void **state) {
    (void)state;
    hawser__lookup *lookup = hawser__lookup_new(HAWSER__LOOKUP_ADDRINFO, "no.such.test", "80");
    lookup->hints = (struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    assert_int_equal(ops()->resolve(subject.engine, lookup, in_seconds(WAIT_LIMIT)), 0);
    assert_int_equal(lookup->error, HAWSER_ENONAME);
    assert_null(lookup->list);
    hawser__lookup_unref(lookup);
}

static void a_look_up_that_never_ends_is_abandoned_at_the_deadline(void **state) {
    (void)state;
    skip_in_world("every question is answered in its time");
    if (subject.descriptors)
        return; /* no name server of ours never answers; tests of names have one */
    hawser__lookup *lookup = hawser__lookup_new(HAWSER__LOOKUP_ADDRINFO, "slow.test", NULL);
    assert_int_equal(ops()->resolve(subject.engine, lookup, in_seconds(0.02)), -ETIMEDOUT);
    hawser__lookup_unref(lookup);
}

static void the_clock_never_goes_back(void **state) {
    (void)state;
    int64_t before = ops()->now(subject.engine);
    for (int i = 0; i < 1000; i++) {
        int64_t now = ops()->now(subject.engine);
        assert_true(now >= before);
        before = now;
    }
    assert_true(hawser__clock_monotonic() - before < HAWSER__SECOND * 30);
}

static void the_time_of_day_is_the_engines(void **state) {
    (void)state;
    int64_t expected = subject.descriptors ? hawser__clock_wall() : 86400 * HAWSER__SECOND;
    memory_engine_set_time(86400 * HAWSER__SECOND);
    int64_t told = ops()->time(subject.engine);
    assert_true(told >= expected && told - expected < 30 * HAWSER__SECOND);
}

static void random_bytes_differ_and_fill_the_whole_buffer(void **state) {
    (void)state;
    unsigned char a[600] = {0}, b[600] = {0};
    memory_engine_seed(7);
    assert_int_equal(ops()->random(subject.engine, a, sizeof a), 0);
    assert_int_equal(ops()->random(subject.engine, b, sizeof b), 0);
    assert_memory_not_equal(a, b, sizeof a);
    for (size_t i = 0; i < sizeof a; i += 50) /* 50 bytes that are all 0: once in 2^400 */
        assert_memory_not_equal(a + i, (unsigned char[50]){0}, 50);
    memory_engine_seed(7);
    assert_int_equal(ops()->random(subject.engine, b, sizeof b), 0);
    assert_int_equal(memcmp(a, b, sizeof a) == 0, !subject.descriptors);
}

/* Unix socket files, trap 20. */

static bool file_exists(const char *path) {
    return subject.descriptors ? access(path, F_OK) == 0 : memory_engine_has_file(path);
}

static void make_plain_file(const char *path) {
    if (subject.descriptors)
        close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    else
        memory_engine_make_file(path);
}

static struct hawser__unix_file file_at(const char *path) {
    struct hawser__unix_file file = {.lock = -1};
    snprintf(file.path, sizeof file.path, "%s", path);
    return file;
}

static hawser__endpoint *serve(struct hawser__unix_file *file, int *ret) {
    hawser_addr addr;
    *ret = ops()->unix_claim(subject.engine, file, in_seconds(WAIT_LIMIT));
    if (*ret < 0)
        return NULL;
    hawser__endpoint *listener = open_endpoint(AF_UNIX, SOCK_STREAM);
    assert_int_equal(hawser_addr_unix(&addr, file->path, strlen(file->path)), 0);
    assert_int_equal(ops()->bind(listener, (struct sockaddr *)&addr.ss, addr.len), 0);
    assert_int_equal(ops()->listen(listener, 1), 0);
    ops()->unix_settle(subject.engine, file, true);
    assert_true(file->owner != 0);
    return listener;
}

static void a_live_socket_file_is_not_taken(void **state) {
    (void)state;
    int result;
    struct hawser__unix_file first = file_at(own_path("live")), second = file_at(own_path("live"));
    hawser__endpoint *listener = serve(&first, &result);
    assert_int_equal(result, 0);
    assert_null(serve(&second, &result));
    assert_int_equal(result, -EADDRINUSE);
    assert_true(file_exists(first.path));
    ops()->unix_remove(subject.engine, &first);
    assert_false(file_exists(first.path));
    close_endpoint(listener);
}

static void a_stale_socket_file_is_replaced(void **state) {
    (void)state;
    int result;
    struct hawser__unix_file first = file_at(own_path("stale")), second = file_at(own_path("stale"));
    close_endpoint(serve(&first, &result)); /* ends without removing its file */
    assert_true(file_exists(first.path));
    hawser__endpoint *listener = serve(&second, &result);
    assert_int_equal(result, 0);
    ops()->unix_remove(subject.engine, &second);
    assert_false(file_exists(first.path));
    close_endpoint(listener);
}

static void a_successors_socket_file_is_not_removed(void **state) {
    (void)state;
    int result;
    struct hawser__unix_file first = file_at(own_path("passed-on")), second = file_at(own_path("passed-on"));
    hawser__endpoint *before = serve(&first, &result);
    memory_engine_remove_file(first.path); /* somebody tidies up, and another server starts */
    unlink(first.path);
    hawser__endpoint *after = serve(&second, &result);
    assert_int_equal(result, 0);
    ops()->unix_remove(subject.engine, &first);
    assert_true(file_exists(first.path));
    ops()->unix_remove(subject.engine, &second);
    assert_false(file_exists(first.path));
    close_endpoint(before);
    close_endpoint(after);
}

static void a_file_that_is_no_socket_is_left_alone(void **state) {
    (void)state;
    skip_in_world("its hosts have no other files");
    int result;
    struct hawser__unix_file file = file_at(own_path("plain"));
    make_plain_file(file.path);
    assert_null(serve(&file, &result));
    assert_int_equal(result, -ENOTSOCK);
    assert_true(file_exists(file.path));
    memory_engine_remove_file(file.path);
    unlink(file.path);
}

static void a_claim_given_up_leaves_nothing(void **state) {
    (void)state;
    struct hawser__unix_file file = file_at(own_path("given-up"));
    assert_int_equal(ops()->unix_claim(subject.engine, &file, in_seconds(WAIT_LIMIT)), 0);
    ops()->unix_settle(subject.engine, &file, false);
    assert_int_equal(file.owner, 0);
    assert_int_equal(file.lock, -1);
    assert_false(file_exists(file.path));
    assert_false(file_exists(own_path("given-up.lock")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        engine_test(sleep_ends_at_its_deadline_and_not_before),
        engine_test(signals_neither_end_nor_extend_sleep),
        engine_test(an_interrupted_sleep_is_ECANCELED),
        engine_test(a_foreign_descriptor_is_waited_for),
        engine_test(a_wait_in_the_service_of_a_call_ends_with_its_endpoint),
        engine_test(the_end_of_a_foreign_descriptor_counts_as_ready),
        engine_test(a_file_is_sent_from_its_offset),
        engine_test(a_number_is_resolved),
        engine_test(what_is_no_number_is_not_found_as_one),
        engine_test(a_look_up_that_never_ends_is_abandoned_at_the_deadline),
        engine_test(the_clock_never_goes_back),
        engine_test(the_time_of_day_is_the_engines),
        engine_test(random_bytes_differ_and_fill_the_whole_buffer),
        engine_test(a_live_socket_file_is_not_taken),
        engine_test(a_stale_socket_file_is_replaced),
        engine_test(a_successors_socket_file_is_not_removed),
        engine_test(a_file_that_is_no_socket_is_left_alone),
        engine_test(a_claim_given_up_leaves_nothing),
    };
    return run_for_each_engine(tests, sizeof tests / sizeof *tests);
}

/* SPDX-License-Identifier: MIT */
/* What a handler has written goes out before it waits, whatever for; a failure of that is told once. */
#include "serving.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

/* What handlers wait for, and the test brings about when it has read what was written before. */
static struct {
    hawser_mutex *mutex;
    hawser_semaphore *semaphore;
    hawser_channel *channel;
    hawser_cond *cond;
    hawser_waitgroup *waitgroup;
    int pipe[2];
    atomic_bool released;
} world;

static void open_world(void) {
    world.mutex = hawser_mutex_new();
    world.semaphore = hawser_semaphore_new(0);
    world.channel = hawser_channel_new(sizeof(int), 0);
    world.cond = hawser_cond_new();
    world.waitgroup = hawser_waitgroup_new();
    assert_true(world.mutex && world.semaphore && world.channel && world.cond && world.waitgroup);
    assert_int_equal(pipe(world.pipe), 0);
    assert_works(hawser_waitgroup_add(world.waitgroup, 1));
    atomic_store(&world.released, false);
}

static void close_world(void) {
    hawser_mutex_free(world.mutex);
    hawser_semaphore_free(world.semaphore);
    hawser_channel_free(world.channel);
    hawser_cond_free(world.cond);
    hawser_waitgroup_free(world.waitgroup);
    close(world.pipe[0]);
    close(world.pipe[1]);
}

/* The waits. */

static void wait_in_sleep(void) {
    while (!atomic_load(&world.released))
        hawser_sleep(0.002);
}

static void wait_for_mutex(void) {
    hawser_mutex_lock(world.mutex);
    hawser_mutex_unlock(world.mutex);
}

static void wait_for_semaphore(void) {
    hawser_semaphore_acquire(world.semaphore);
}

static void wait_for_channel(void) {
    int item;
    hawser_channel_recv(world.channel, &item);
}

static void wait_for_cond(void) {
    hawser_mutex_lock(world.mutex);
    while (!atomic_load(&world.released))
        hawser_cond_wait(world.cond, world.mutex);
    hawser_mutex_unlock(world.mutex);
}

static void wait_for_waitgroup(void) {
    hawser_waitgroup_wait(world.waitgroup);
}

static void wait_for_pipe(void) {
    hawser_wait_fd(world.pipe[0], HAWSER_READABLE, HAWSER_NO_TIMEOUT);
}

static int read_pipe(void *arg) {
    char byte;
    (void)arg;
    return read(world.pipe[0], &byte, 1) == 1 ? 0 : -1;
}

static void wait_for_offloaded(void) {
    hawser_offload(read_pipe, NULL);
}

static void (*const waits[])(void) = {wait_in_sleep, wait_for_mutex,     wait_for_semaphore, wait_for_channel,
                                      wait_for_cond, wait_for_waitgroup, wait_for_pipe,      wait_for_offloaded};
/* In a simulated world foreign descriptors, the last two, are not waited for. */
#define WAITS (sizeof waits / sizeof *waits - (in_world() ? 2 : 0))
static size_t chosen;

/* All of it, whoever waits for what. */
static void release(void) {
    int item = 1;
    atomic_store(&world.released, true);
    assert_works(hawser_mutex_unlock(world.mutex));
    hawser_semaphore_release(world.semaphore);
    if (waits[chosen] == wait_for_channel)
        assert_works(hawser_channel_send(world.channel, &item));
    hawser_cond_notify_all(world.cond);
    hawser_waitgroup_done(world.waitgroup);
    assert_int_equal(write(world.pipe[1], "x", 1), 1);
}

static void write_and_wait(hawser_request *r) {
    hawser_puts(r->wfile, "before ");
    waits[chosen]();
    hawser_puts(r->wfile, "after");
}

/* The client has the first word while the handler waits for what only the client's reading brings about. */
static void before_every_wait_it_goes_out(void **state) {
    const hawser_concurrency modes[] = {HAWSER_FIBERS, HAWSER_THREADS, HAWSER_SEQUENTIAL};
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        for (chosen = 0; chosen < WAITS; chosen++) {
            serving s;
            hawser_server_options options = {.concurrency = modes[i]};
            open_world();
            if (waits[chosen] != wait_for_cond) /* whose own mutex has to be free */
                assert_works(hawser_mutex_lock(world.mutex));
            serve(&s, TCP, write_and_wait, &options);
            int fd = open_client(&s);
            assert_true(ask(fd, TCP, "", "before "));
            if (waits[chosen] == wait_for_cond)
                assert_works(hawser_mutex_lock(world.mutex));
            release();
            assert_true(ask(fd, TCP, "", "after"));
            assert_true(ends(fd));
            end_client(fd);
            stop_serving(&s);
            close_world();
        }
}

static void send_by_all_ways(hawser_request *r) {
    char four[] = "4";
    struct iovec piece = {.iov_base = four, .iov_len = 1};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    hawser_puts(r->wfile, "1");
    hawser_sendall(r->sock, "2", 1);
    hawser_puts(r->wfile, "3");
    hawser_sendmsg(r->sock, &message, 0);
    hawser_puts(r->wfile, "5");
    hawser_send(r->sock, "6", 1);
    hawser_printf(r->wfile, "%d", 7);
    hawser_shutdown(r->sock, SHUT_WR);
}

static void before_every_direct_send_it_goes_out(void **state) {
    serving s;
    (void)state;
    serve(&s, TCP, send_by_all_ways, NULL);
    int fd = open_client(&s);
    assert_true(ask(fd, TCP, "", "1234567"));
    assert_true(ends(fd));
    end_client(fd);
    stop_serving(&s);
}

/* The peer is gone; the wait itself is not disturbed, the next call tells, and the one after that goes on as ever. */
static void lose_a_reply(hawser_request *r) {
    board *on = board_of(r->server);
    char line[8];
    ssize_t n = hawser_readline(r->rfile, line, sizeof line);
    note(on, "%s", n > 0 ? "read" : "not-read");
    atomic_store(&on->counts[1], 1);
    wait_in_sleep();
    hawser_puts(r->wfile, "lost reply");
    note(on, "%s", hawser_sleep(0.001) == 0 ? "slept" : hawser_error());
    n = hawser_puts(r->wfile, "told here");
    note(on, "%s", n < 0 && strstr(hawser_error(), "bytes were not sent") ? "told" : "not-told");
    n = hawser_puts(r->wfile, "held back");
    note(on, "%s", n == 9 ? "goes-on" : "refused");
    atomic_store(&on->counts[0], 1);
}

static void a_failure_is_told_once(void **state) {
    serving s;
    struct linger at_once = {.l_onoff = 1};
    (void)state;
    open_world();
    serve(&s, TCP, lose_a_reply, NULL);
    int fd = open_client(&s);
    assert_true(ask(fd, TCP, "go\n", ""));
    assert_true(wait_for_count(&s.board->counts[1], 1));
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
    atomic_store(&world.released, true);
    assert_true(wait_for_count(&s.board->counts[0], 1));
    stop_serving(&s);
    assert_string_equal(s.board->text, "read slept told goes-on ");
    assert_int_equal(s.counters.broken, 1);
    close_world();
}

/* Another task's writes go out before its call returns. */
static void write_for(hawser_file *file) {
    hawser_puts(file, "from elsewhere ");
    atomic_store(&world.released, true);
}

static int write_elsewhere(void *arg) {
    write_for(arg);
    return 0;
}

static void let_another_write(hawser_request *r) {
    assert_works(hawser_go(write_elsewhere, r->wfile));
    wait_in_sleep();
    hawser_puts(r->wfile, "from here");
}

static void what_others_write_goes_out_at_once(void **state) {
    serving s;
    (void)state;
    open_world();
    serve(&s, TCP, let_another_write, NULL);
    int fd = open_client(&s);
    assert_true(ask(fd, TCP, "", "from elsewhere from here"));
    end_client(fd);
    stop_serving(&s);
    close_world();
}

/* As a handler has to: what it has written goes out before another may write. A yield is no wait. */
static void flush_and_let_another_write(hawser_request *r) {
    board *on = board_of(r->server);
    hawser_puts(r->wfile, "mine ");
    hawser_flush(r->wfile);
    assert_works(hawser_go(write_elsewhere, r->wfile));
    for (double end = seconds_now() + WAIT_LIMIT / 2; !atomic_load(&on->counts[0]) && seconds_now() < end;)
        hawser_yield();
}

static void after_a_flush_what_others_write_goes_out_at_once(void **state) {
    serving s;
    (void)state;
    open_world();
    serve(&s, TCP, flush_and_let_another_write, NULL);
    double begun = seconds_now();
    int fd = open_client(&s);
    assert_true(ask(fd, TCP, "", "mine from elsewhere "));
    assert_true(seconds_now() - begun < WAIT_LIMIT / 2);
    atomic_store(&s.board->counts[0], 1);
    end_client(fd);
    stop_serving(&s);
    close_world();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_every_wait_it_goes_out),
        cmocka_unit_test(before_every_direct_send_it_goes_out),
        cmocka_unit_test(a_failure_is_told_once),
        cmocka_unit_test(what_others_write_goes_out_at_once),
        cmocka_unit_test(after_a_flush_what_others_write_goes_out_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Connections that are kept between two calls of their handler, and those that somebody else closes.
 *
 * No server is on the stack: that of a test that failed may still serve.
 */
#include "serving.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static const hawser_concurrency modes[MODES] = {HAWSER_FIBERS, HAWSER_THREADS, HAWSER_FORKS, HAWSER_SEQUENTIAL};

static hawser_concurrency mode_of(void **state) {
    return *(const hawser_concurrency *)*state;
}

static atomic_int *count_of(const hawser_request *r, int number) {
    return &board_of(r->server)->counts[number];
}

/* What kept connections are handled with: `user` points behind as many letters as there were calls. */

static const char letters[] = "abcdefgh";

static int note_setup(hawser_request *r) {
    note(board_of(r->server), "setup");
    r->user = (void *)(uintptr_t)letters;
    return 0;
}

static void note_finish(hawser_request *r) {
    note(board_of(r->server), "finish(%s)", (const char *)r->user);
    atomic_fetch_add(count_of(r, 0), 1);
}

/* The call comes with input, or with the end of it. */
static void answer_and_keep(hawser_request *r) {
    const char *user = r->user;
    char line[64];
    note(board_of(r->server), "handle");
    atomic_fetch_add(count_of(r, 1), 1);
    if (hawser_readline(r->rfile, line, sizeof line) <= 0)
        return;
    hawser_printf(r->wfile, "%c %d %s", *user, (int)hawser_addr_port(&r->peer), line);
    r->user = (void *)(uintptr_t)(user + 1);
    hawser_keep(r);
}

static hawser_server_options keeping(hawser_concurrency mode) {
    return (hawser_server_options){.concurrency = mode, .setup = note_setup, .finish = note_finish};
}

/* ROUND is the letter of the call. */
static bool ask_and_get(int fd, char round, const char *line) {
    char answer[96];
    snprintf(answer, sizeof answer, "%c %d %s", round, raw_port(fd), line);
    return ask(fd, TCP, line, answer);
}

static bool one_is_kept(void *argument) {
    serving *s = argument;
    hawser_server_counters counters;
    hawser_server_get_counters(s->server, &counters);
    return counters.kept == 1;
}

static bool is_kept(serving *s) {
    return wait_until(one_is_kept, s);
}

static void stop_with_nothing_lost(serving *s, int calls) {
    stop_serving(s);
    assert_int_equal(s->counters.calls, calls);
    assert_int_equal(s->counters.finished, s->counters.accepted);
    assert_int_equal(s->counters.active + s->counters.kept + s->counters.cut + s->counters.failed, 0);
    assert_string_equal(s->board->trouble, "");
}

/* Kept connections. */

static void user_and_peer_survive_and_setup_and_finish_run_once(void **state) {
    if (mode_is_refused(mode_of(state), TCP))
        return;
    hawser_server_options options = keeping(mode_of(state));
    static serving s;
    serve(&s, TCP, answer_and_keep, &options);
    int fd = open_client(&s);
    for (int i = 0; i < 3; i++) {
        assert_true(ask_and_get(fd, letters[i], "x\n"));
        assert_true(is_kept(&s));
    }
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_true(ends(fd));
    close(fd);
    stop_with_nothing_lost(&s, 3);
    assert_string_equal(s.board->text, "setup handle handle handle finish(defgh) ");
}

/* With a reset, which comes although a child has the descriptor as well. */
static void reset(int fd) {
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    assert_int_equal(connect(fd, &none, sizeof none), 0);
    close(fd);
}

/* By whichever end: the handler is not called again, finish is, before the server stops. */
static void check_end_while_kept(hawser_concurrency mode, void (*end)(int fd)) {
    hawser_server_options options = keeping(mode);
    static serving s;
    serve(&s, TCP, answer_and_keep, &options);
    int fd = open_client(&s);
    assert_true(ask_and_get(fd, 'a', "x\n"));
    assert_true(is_kept(&s));
    end(fd);
    assert_true(wait_for_count(&s.board->counts[0], 1));
    stop_with_nothing_lost(&s, 1);
    assert_string_equal(s.board->text, "setup handle finish(bcdefgh) ");
}

static void at_the_peers_end_only_finish_runs(void **state) {
    if (mode_is_refused(mode_of(state), TCP))
        return;
    check_end_while_kept(mode_of(state), end_client);
    check_end_while_kept(mode_of(state), reset);
}

static void a_stop_finishes_what_is_kept_and_cuts_nothing(void **state) {
    if (mode_is_refused(mode_of(state), TCP))
        return;
    hawser_server_options options = keeping(mode_of(state));
    static serving s;
    serve(&s, TCP, answer_and_keep, &options);
    int fd = open_client(&s);
    assert_true(ask_and_get(fd, 'a', "x\n"));
    assert_true(is_kept(&s));
    hawser_server_stop(s.server, WAIT_LIMIT);
    assert_true(ends(fd));
    end_client(fd);
    stop_with_nothing_lost(&s, 1);
    assert_string_equal(s.board->text, "setup handle finish(bcdefgh) ");
}

/* Three lines come together: nothing else does, and each has its call. Of a fourth one only half is there. */
static void for_what_is_left_in_rfile_the_call_comes_at_once(void **state) {
    char answers[128];
    if (mode_is_refused(mode_of(state), TCP))
        return;
    hawser_server_options options = keeping(mode_of(state));
    static serving s;
    serve(&s, TCP, answer_and_keep, &options);
    int fd = open_client(&s), port = raw_port(fd);
    snprintf(answers, sizeof answers, "a %d 1\nb %d 2\nc %d 3\n", port, port, port);
    assert_true(ask(fd, TCP, "1\n2\n3\nha", answers));
    assert_true(wait_for_count(&s.board->counts[1], 4));
    assert_false(one_is_kept(&s));
    assert_true(ask(fd, TCP, "lf\n", "d "));
    snprintf(answers, sizeof answers, "%d half\n", port);
    assert_true(ask(fd, TCP, "", answers));
    assert_true(is_kept(&s));
    end_client(fd);
    assert_true(wait_for_count(&s.board->counts[0], 1));
    stop_with_nothing_lost(&s, 4);
    assert_string_equal(s.board->text, "setup handle handle handle handle finish(efgh) ");
}

/* A client that says nothing is sent away without a call. */
static bool silence_ends(serving *s) {
    int calls = atomic_load(&s->board->counts[1]), fd = open_client(s);
    bool ended = ends(fd);
    end_client(fd);
    return ended && atomic_load(&s->board->counts[1]) == calls;
}

/* The limit is for the first byte: a kept connection outlasts the silence of another. A sequential server has no other. */
static void with_a_first_byte_timeout_every_call_has_input(void **state) {
    hawser_concurrency mode = mode_of(state);
    int silent = mode == HAWSER_SEQUENTIAL ? 1 : 2;
    if (mode_is_refused(mode, TCP))
        return;
    hawser_server_options options = {.concurrency = mode, .first_byte_timeout = 0.03};
    options.setup = note_setup;
    static serving s;
    serve(&s, TCP, answer_and_keep, &options);
    assert_true(silence_ends(&s));
    int fd = open_client(&s);
    assert_true(ask_and_get(fd, 'a', "x\n"));
    assert_true(is_kept(&s));
    if (silent == 2)
        assert_true(silence_ends(&s));
    assert_int_equal(atomic_load(&s.board->counts[1]), 1);
    assert_true(ask_and_get(fd, 'b', "y\n"));
    assert_true(is_kept(&s));
    end_client(fd);
    stop_with_nothing_lost(&s, 2);
    assert_int_equal(s.counters.timed_out_first_byte, silent);
}

/* A timeout of the handler's own is none of the connection's. */
static void try_for_more_and_keep(hawser_request *r) {
    char line[64];
    if (hawser_readline(r->rfile, line, sizeof line) <= 0)
        return;
    hawser_printf(r->wfile, "OK %s", line);
    int64_t outer = hawser_deadline_push(0.02);
    ssize_t n = hawser_readline(r->rfile, line, sizeof line);
    hawser_deadline_pop(outer);
    note(board_of(r->server), n < 0 ? "late" : "more");
    hawser_keep(r);
    atomic_fetch_add(count_of(r, 0), 1);
}

static void a_connection_is_kept_after_a_timeout_of_the_handlers_own(void **state) {
    if (mode_is_refused(mode_of(state), TCP))
        return;
    hawser_server_options options = {.concurrency = mode_of(state)};
    static serving s;
    serve(&s, TCP, try_for_more_and_keep, &options);
    int fd = open_client(&s);
    for (int i = 0; i < 2; i++) {
        assert_true(ask(fd, TCP, "a\n", "OK a\n"));
        assert_true(wait_for_count(&s.board->counts[0], i + 1));
    }
    end_client(fd);
    stop_with_nothing_lost(&s, 2);
    assert_string_equal(s.board->text, "late late ");
    assert_int_equal(s.counters.broken + s.counters.timed_out_idle, 0);
}

/* Closing from elsewhere. */

static int close_and_process(hawser_request *r) {
    hawser_server_close_request(r);
    return hawser_server_process_request(r);
}

static void answer(hawser_request *r) {
    char line[64];
    if (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_puts(r->wfile, line);
}

/* The client sees an end, or a reset for what it said in vain. */
static void a_connection_that_process_request_closed_is_over_and_the_server_goes_on(void **state) {
    if (mode_is_refused(mode_of(state), TCP))
        return;
    hawser_server_options options = {.concurrency = mode_of(state), .process_request = close_and_process, .linger = 0.2};
    static serving s;
    serve(&s, TCP, answer, &options);
    for (int i = 0; i < 3; i++) {
        int fd = open_client(&s);
        assert_true(raw_drain(fd) <= 0);
        close(fd);
    }
    stop_serving(&s);
    assert_int_equal(s.counters.accepted, 3);
    assert_int_equal(s.counters.finished, 3);
    assert_int_equal(s.counters.active, 0);
}

static hawser_sock *_Atomic ours;

static void say_bye(hawser_request *r) {
    hawser_puts(r->wfile, "bye\n");
    atomic_store(&ours, hawser_ref(r->sock));
}

/* The client has seen the end and does not answer it: the server waits for that. */
static void a_task_of_the_program_may_close_what_the_server_waits_to_end(void **state) {
    hawser_server_options options = {.concurrency = mode_of(state)};
    static serving s;
    serve(&s, TCP, say_bye, &options);
    for (int i = 0; i < 10; i++) {
        int fd = open_client(&s);
        assert_true(ask(fd, TCP, "", "bye\n"));
        assert_true(ends(fd));
        hawser_close(atomic_exchange(&ours, NULL));
        close(fd);
    }
    stop_serving(&s);
    assert_int_equal(s.counters.finished, 10);
    assert_int_equal(s.counters.active, 0);
}

/* Datagrams that the kernel joins. */

#define SEGMENT 1000
#define SEGMENTS 10

static void check_segment(hawser_request *r) {
    atomic_fetch_add(count_of(r, r->size == SEGMENT && !r->truncated ? 0 : 1), 1);
    atomic_fetch_add(count_of(r, 2), 1);
    hawser_puts(r->wfile, "k");
}

static void joined_datagrams_may_be_longer_than_the_longest_one(void **state) {
    static const char joined[SEGMENT * SEGMENTS];
    int segment = SEGMENT;
    (void)state;
    hawser_server_options options = {.workers = 1, .segmentation = true, .max_packet_size = 1500};
    static serving s;
    serve(&s, UDP, check_segment, &options);
    int fd = open_client(&s);
    bool joins = setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) == 0;
    for (int i = 0; joins && i < 10; i++) {
        assert_true(raw_write(fd, joined, sizeof joined));
        assert_true(wait_for_count(&s.board->counts[2], SEGMENTS * (i + 1)));
    }
    close(fd);
    stop_serving(&s);
    if (!joins) {
        print_message("    this kernel does not split datagrams\n");
        skip();
    }
    assert_int_equal(atomic_load(&s.board->counts[0]), 10 * SEGMENTS);
    assert_int_equal(atomic_load(&s.board->counts[1]), 0);
    assert_int_equal(s.counters.datagrams_truncated, 0);
}

static const struct {
    CMUnitTestFunction function;
    const char *name;
} for_all[] = {
#define NAMED(test) {test, #test}
    NAMED(user_and_peer_survive_and_setup_and_finish_run_once),
    NAMED(at_the_peers_end_only_finish_runs),
    NAMED(a_stop_finishes_what_is_kept_and_cuts_nothing),
    NAMED(for_what_is_left_in_rfile_the_call_comes_at_once),
    NAMED(with_a_first_byte_timeout_every_call_has_input),
    NAMED(a_connection_is_kept_after_a_timeout_of_the_handlers_own),
    NAMED(a_connection_that_process_request_closed_is_over_and_the_server_goes_on),
};
#define FOR_ALL (sizeof for_all / sizeof *for_all)

int main(void) {
    static struct CMUnitTest tests[FOR_ALL * MODES + MODES];
    size_t n = 0;
    for (size_t k = 0; k < FOR_ALL; k++)
        for (int i = 0; i < MODES; i++)
            tests[n++] = named_test(for_all[k].function, &modes[i], "%s: %s", for_all[k].name, mode_names[modes[i]]);
    for (int i = 0; i < MODES; i++)
        if (modes[i] != HAWSER_FORKS) /* a process has a socket of its own */
            tests[n++] = named_test(a_task_of_the_program_may_close_what_the_server_waits_to_end, &modes[i], "%s: %s",
                                    "a_task_of_the_program_may_close_what_the_server_waits_to_end", mode_names[modes[i]]);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(joined_datagrams_may_be_longer_than_the_longest_one);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Connections that are kept between two calls of their handler, and those that somebody else closes.
 *
 * No server is on the stack: that of a test that failed may still serve.
 */
#include "serving.h"

#include <unistd.h>

/* What kept connections are handled with: `user` points behind as many letters as there were calls. */

static const char letters[] = "abcdefgh";

static int begin_letters(hawser_request *r) {
    note(board_of(r->server), "setup");
    r->user = (void *)(uintptr_t)letters;
    return 0;
}

static void tell_letters(hawser_request *r) {
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
    return (hawser_server_options){.concurrency = mode, .setup = begin_letters, .finish = tell_letters};
}

/* ROUND is the letter of the call. */
static bool is_answered(int fd, char round, const char *line) {
    char answer[96];
    snprintf(answer, sizeof answer, "%c %d %s", round, raw_port(fd), line);
    return ask(fd, TCP, "", answer);
}

static bool ask_and_get(int fd, char round, const char *line) {
    return raw_write(fd, line, strlen(line)) && is_answered(fd, round, line);
}

static bool is_kept(serving *s) {
    return wait_until(one_is_kept, s);
}

static void stop_with_nothing_cut(serving *s) {
    stop_serving(s);
    assert_int_equal(s->counters.finished, s->counters.accepted);
    assert_int_equal(s->counters.active + s->counters.kept + s->counters.cut + s->counters.failed, 0);
    assert_string_equal(s->board->trouble, "");
}

static void stop_with_nothing_lost(serving *s, int calls) {
    stop_with_nothing_cut(s);
    assert_int_equal(s->counters.calls, calls);
}

/* The same when the peer has ended a connection that was kept: there may have been one call more, which read the end, where the
 * kernel told of input an instant before it told of that. LETTERS is what is left of them after CALLS. */
static void stop_after_an_end(serving *s, int calls, const char *left) {
    char text[2][128] = {"setup ", "setup "};
    stop_with_nothing_cut(s);
    for (int i = 0; i < calls + 1; i++) {
        if (i < calls)
            strcat(text[0], "handle ");
        strcat(text[1], "handle ");
    }
    int more = s->counters.calls > (uint64_t)calls;
    assert_int_equal(s->counters.calls, calls + more);
    for (int i = 0; i < 2; i++) {
        strcat(text[i], "finish(");
        strcat(strcat(text[i], left), ") ");
    }
    assert_string_equal(s->board->text, text[more]);
}

/* Kept connections. */

static void user_and_peer_survive_and_setup_and_finish_run_once(const setting *in) {
    hawser_server_options options = keeping(in->mode);
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
    stop_after_an_end(&s, 3, "defgh");
}

/* With a reset, which comes although a child has the descriptor as well. */
static void reset(int fd) {
    const struct sockaddr none = {.sa_family = AF_UNSPEC};
    assert_int_equal(connect(fd, &none, sizeof none), 0);
    close(fd);
}

/* By whichever end: finish is called before the server stops. */
static void check_end_while_kept(hawser_concurrency mode, void (*end)(int fd)) {
    hawser_server_options options = keeping(mode);
    static serving s;
    serve(&s, TCP, answer_and_keep, &options);
    int fd = open_client(&s);
    assert_true(ask_and_get(fd, 'a', "x\n"));
    assert_true(is_kept(&s));
    end(fd);
    assert_true(wait_for_count(&s.board->counts[0], 1));
    stop_after_an_end(&s, 1, "bcdefgh");
}

static void at_the_peers_end_only_finish_runs(const setting *in) {
    check_end_while_kept(in->mode, end_client);
    check_end_while_kept(in->mode, reset);
}

static void a_stop_finishes_what_is_kept_and_cuts_nothing(const setting *in) {
    hawser_server_options options = keeping(in->mode);
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
static void for_what_is_left_in_rfile_the_call_comes_at_once(const setting *in) {
    char answers[128];
    hawser_server_options options = keeping(in->mode);
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

/* The limit is for the first byte: a kept connection outlasts the silence of another. A sequential server has no other. The
 * byte is there before the server is: between connecting and writing a machine may take longer than the limit. */
static void with_a_first_byte_timeout_every_call_has_input(const setting *in) {
    int silent = in->mode == HAWSER_SEQUENTIAL ? 1 : 2;
    hawser_server_options options = {.concurrency = in->mode, .first_byte_timeout = 0.03};
    options.setup = begin_letters;
    static serving s;
    make_server(&s, TCP, answer_and_keep, &options);
    int mute = open_client(&s), fd = open_client(&s);
    assert_true(raw_write(fd, "x\n", 2));
    begin_serving(&s);
    assert_true(ends(mute));
    end_client(mute);
    assert_true(is_answered(fd, 'a', "x\n"));
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

static void a_connection_is_kept_after_a_timeout_of_the_handlers_own(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode};
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
static void a_connection_that_process_request_closed_is_over_and_the_server_goes_on(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode, .process_request = close_and_process, .linger = 0.2};
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
static void a_task_of_the_program_may_close_what_the_server_waits_to_end(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode};
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

static const serving_case cases[] = {
    CASE(user_and_peer_survive_and_setup_and_finish_run_once, ALL_MODES, 0),
    CASE(at_the_peers_end_only_finish_runs, ALL_MODES, 0),
    CASE(a_stop_finishes_what_is_kept_and_cuts_nothing, ALL_MODES, 0),
    CASE(for_what_is_left_in_rfile_the_call_comes_at_once, ALL_MODES, 0),
    CASE(with_a_first_byte_timeout_every_call_has_input, ALL_MODES, 0),
    CASE(a_connection_is_kept_after_a_timeout_of_the_handlers_own, ALL_MODES, 0),
    CASE(a_connection_that_process_request_closed_is_over_and_the_server_goes_on, ALL_MODES, 0),
    /* a process has a socket of its own */
    CASE(a_task_of_the_program_may_close_what_the_server_waits_to_end, ALL_MODES & ~BIT(HAWSER_FORKS), 0),
};

int main(void) {
    return run_cases(cases);
}

/* SPDX-License-Identifier: MIT */
/*
 * Every step of a request is a hook: that each is called, when, and that the defaults can be called from one. The loop's hooks
 * are in test_server_loop.c, those of binding and closing in test_server_birth.c.
 */
#include "serving.h"

#include <errno.h>
#include <unistd.h>

/* Order. */

static void the_hooks_come_in_pythons_order(const setting *in) {
    hawser_server_options options = noting(in->mode);
    serving s;
    serve(&s, in->transport, note_and_answer, &options);
    assert_true(ask_once(&s, "hello\n", "hello\n"));
    stop_serving(&s);
    assert_string_equal(s.board->text, "get verify process finish_request setup handle finish shutdown close ");
    assert_int_equal(s.counters.failed, 0);
}

static void a_failure_is_told_between_finish_and_shutdown(const setting *in) {
    hawser_server_options options = noting(in->mode);
    serving s;
    serve(&s, in->transport, note_and_answer, &options);
    assert_true(ask_once(&s, "fail\n", "fail\n"));
    stop_serving(&s);
    assert_string_equal(s.board->text, "get verify process finish_request setup handle finish error(asked to) shutdown close ");
    assert_int_equal(s.counters.failed, 1);
    assert_non_null(strstr(s.board->trouble, " failed: asked to")); /* the default logs it */
}

/* One request after the other is complete before the next begins to be handled: only sequential promises that. */
static void sequential_requests_do_not_overlap(const setting *in) {
    (void)in;
    hawser_server_options options = noting(HAWSER_SEQUENTIAL);
    options.shutdown_request = NULL;
    options.close_request = NULL;
    serving s;
    serve(&s, TCP, note_and_answer, &options);
    int first = open_client(&s), second = open_client(&s);
    assert_true(raw_write(second, "b\n", 2)); /* is ready sooner, but came later */
    assert_true(ask(first, TCP, "a\n", "a\n"));
    assert_true(ask(second, TCP, "", "b\n"));
    end_client(first);
    end_client(second);
    stop_serving(&s);
    assert_string_equal(s.board->text, "get verify process finish_request setup handle finish "
                                       "get verify process finish_request setup handle finish ");
}

/* Refusing and failing. */

static void what_verify_refuses_is_only_shut_down(const setting *in) {
    hawser_server_options options = noting(in->mode);
    options.verify_request = note_and_refuse;
    serving s;
    serve(&s, in->transport, note_and_answer, &options);
    assert_true(call_in_vain(&s, &s.board->counts[0]));
    stop_serving(&s);
    assert_string_equal(s.board->text, "get verify shutdown close ");
    assert_int_equal(s.counters.refused_verify, 1);
    assert_int_equal(s.counters.finished, 0);
    assert_int_equal(s.counters.failed, 0);
}

/* Says no to every other one. */
static int process_not_always(hawser_request *r) {
    board *on = board_of(r->server);
    note(on, "process");
    if (atomic_fetch_add(&on->counts[1], 1) % 2 == 0) {
        errno = EACCES;
        return -1;
    }
    return hawser_server_process_request(r);
}

static void a_process_request_that_fails_is_an_error_and_a_shutdown(const setting *in) {
    hawser_server_options options = noting(in->mode);
    options.process_request = process_not_always;
    serving s;
    serve(&s, in->transport, note_and_answer, &options);
    assert_true(call_in_vain(&s, &s.board->counts[0]));
    assert_true(ask_once(&s, "hello\n", "hello\n")); /* the server goes on */
    stop_serving(&s);
    assert_string_equal(s.board->text, "get verify process error(Permission denied) shutdown close "
                                       "get verify process finish_request setup handle finish shutdown close ");
    assert_int_equal(s.counters.failed, 1);
    assert_int_equal(s.counters.finished, 2);
    assert_int_equal(s.counters.active, 0);
}

/* Serving in the hook itself, as a mix-in of one's own would. */

static int process_here(hawser_request *r) {
    note(board_of(r->server), "process");
    hawser_server_finish_request(r);
    hawser_server_shutdown_request(r);
    note(board_of(r->server), "processed");
    return 0;
}

static void process_request_may_serve_the_request_itself(const setting *in) {
    hawser_server_options options = noting(in->mode);
    options.process_request = process_here;
    options.shutdown_request = NULL;
    options.close_request = NULL;
    census before = census_before_serving();
    serving s;
    serve(&s, in->transport, note_and_answer, &options);
    for (int i = 0; i < 3; i++)
        assert_true(ask_once(&s, "hello\n", "hello\n"));
    stop_serving(&s);
    const char *once = "get verify process setup handle finish processed ";
    assert_int_equal(strlen(s.board->text), 3 * strlen(once));
    assert_memory_equal(s.board->text, once, strlen(once));
    assert_int_equal(s.counters.finished, 3);
    assert_int_equal(s.counters.active, 0);
    assert_null(compare_census(before));
}

static void a_request_that_fails_in_process_request_is_reported(const setting *in) {
    hawser_server_options options = noting(in->mode);
    options.process_request = process_here;
    serving s;
    serve(&s, in->transport, note_and_answer, &options);
    assert_true(ask_once(&s, "fail\n", "fail\n"));
    stop_serving(&s);
    assert_non_null(strstr(s.board->text, "error(asked to) "));
    assert_int_equal(s.counters.failed, 1);
    assert_int_equal(s.counters.finished, 1);
}

/* A hook that leaves the request where it is, without serving it: the server still closes what it accepted. */
static int process_nothing(hawser_request *r) {
    note(board_of(r->server), "process");
    atomic_fetch_add(&board_of(r->server)->counts[0], 1);
    return 0;
}

static void what_process_request_does_not_serve_is_closed(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode, .process_request = process_nothing};
    census before = census_before_serving();
    serving s;
    serve(&s, in->transport, note_and_answer, &options);
    int fd = open_client(&s);
    if (is_stream(in->transport))
        assert_true(ends(fd));
    else
        assert_true(raw_write(fd, "x", 1));
    assert_true(wait_for_count(&s.board->counts[0], 1));
    close(fd);
    stop_serving(&s);
    assert_string_equal(s.board->text, "process ");
    assert_int_equal(s.counters.active, 0);
    assert_null(compare_census(before));
}

/* shutdown_request and close_request that do something else. */

static void shut_down_by_hand(hawser_request *r) {
    note(board_of(r->server), "shutdown");
    hawser_server_close_request(r);
}

static void a_shutdown_request_of_ones_own_may_only_close(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode, .shutdown_request = shut_down_by_hand};
    serving s;
    serve(&s, in->transport, note_and_answer, &options);
    assert_true(ask_once(&s, "hello\n", "hello\n"));
    stop_serving(&s);
    assert_string_equal(s.board->text, "handle shutdown ");
    assert_int_equal(s.counters.finished, 1);
}

static void do_nothing(hawser_request *r) {
    (void)r;
}

static void a_connection_ends_whatever_its_hooks_leave_undone(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode, .shutdown_request = do_nothing, .close_request = do_nothing};
    census before = census_before_serving();
    serving s;
    serve(&s, in->transport, note_and_answer, &options);
    assert_true(ask_once(&s, "hello\n", "hello\n"));
    stop_serving(&s);
    assert_int_equal(s.counters.active, 0);
    assert_null(compare_census(before));
}

/* Without a finish_request that calls the default nothing of the handler's is called. */
static void note_without_default(hawser_request *r) {
    note(board_of(r->server), "instead");
}

static void finish_request_decides_whether_the_handler_is_called(const setting *in) {
    hawser_server_options options = noting(in->mode);
    options.finish_request = note_without_default;
    serving s;
    serve(&s, in->transport, note_and_answer, &options);
    assert_true(call_in_vain(&s, &s.board->counts[0]));
    stop_serving(&s);
    assert_string_equal(s.board->text, "get verify process instead shutdown close ");
    assert_int_equal(s.counters.calls, 0);
}

static void leave_a_deadline_behind(hawser_request *r) {
    char line[16];
    hawser_readline(r->rfile, line, sizeof line);
    hawser_puts(r->wfile, hawser_deadline_left() == HAWSER_NO_TIMEOUT ? "none\n" : "late\n");
    (void)hawser_deadline_push(WAIT_LIMIT);
}

static void a_deadline_that_a_handler_leaves_behind_ends_with_its_call(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode, .workers = 1};
    serving s;
    serve(&s, in->transport, leave_a_deadline_behind, &options);
    for (int i = 0; i < 3; i++)
        assert_true(ask_once(&s, "x\n", "none\n"));
    stop_serving(&s);
    assert_int_equal(s.counters.failed, 0);
}

static const serving_case cases[] = {
    EVERYWHERE(the_hooks_come_in_pythons_order),
    EVERYWHERE(a_failure_is_told_between_finish_and_shutdown),
    EVERYWHERE(what_verify_refuses_is_only_shut_down),
    EVERYWHERE(a_process_request_that_fails_is_an_error_and_a_shutdown),
    EVERYWHERE(process_request_may_serve_the_request_itself),
    EVERYWHERE(a_request_that_fails_in_process_request_is_reported),
    EVERYWHERE(what_process_request_does_not_serve_is_closed),
    EVERYWHERE(a_shutdown_request_of_ones_own_may_only_close),
    EVERYWHERE(a_connection_ends_whatever_its_hooks_leave_undone),
    EVERYWHERE(finish_request_decides_whether_the_handler_is_called),
    EVERYWHERE(a_deadline_that_a_handler_leaves_behind_ends_with_its_call),
    CASE(sequential_requests_do_not_overlap, 0, 0),
};

int main(void) {
    return run_cases(cases);
}

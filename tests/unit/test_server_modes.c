/* SPDX-License-Identifier: MIT */
/* What holds for every mode of concurrency, and for every transport: the handlers here are written once. What only forks have
 * is at the end. */
#include "serving.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define CLIENTS 8
#define MESSAGES 12

static hawser_server_options in_mode(hawser_concurrency mode) {
    return (hawser_server_options){.concurrency = mode};
}

/* Talking. */

static void talk(hawser_request *r) {
    char line[128];
    while (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_printf(r->wfile, "OK %s", line);
}

static long ask_often(void *argument) {
    client *self = argument;
    int fd = open_client(self->to);
    bool good = true;
    for (int i = 0; good && i < MESSAGES; i++) {
        char text[64], answer[72];
        snprintf(text, sizeof text, "client %d says %d\n", self->number, i);
        snprintf(answer, sizeof answer, "OK %s", text);
        good = ask(fd, self->to->transport, text, answer);
    }
    end_client(fd);
    return good ? 0 : -1;
}

/* The bytes of all that is asked. */
static uint64_t bytes_asked(void) {
    uint64_t bytes = 0;
    for (int k = 0; k < CLIENTS; k++)
        for (int i = 0; i < MESSAGES; i++)
            bytes += (uint64_t)snprintf(NULL, 0, "client %d says %d\n", k, i);
    return bytes;
}

static void check_counters(const serving *s) {
    const hawser_server_counters *c = &s->counters;
    uint64_t messages = CLIENTS * MESSAGES, requests = is_stream(s->transport) ? CLIENTS : messages;
    assert_int_equal(c->accepted, is_stream(s->transport) ? CLIENTS : 0);
    assert_int_equal(c->datagrams, is_stream(s->transport) ? 0 : messages);
    assert_int_equal(c->finished, requests);
    assert_int_equal(c->calls, requests);
    assert_int_equal(c->bytes_in, bytes_asked());
    assert_int_equal(c->bytes_out, bytes_asked() + 3 * messages);
    assert_int_equal(c->active + c->kept + c->failed + c->cut + c->broken, 0);
    assert_int_equal(c->refused_network + c->refused_peer + c->refused_proxy + c->refused_verify, 0);
    assert_int_equal(c->datagrams_unanswered + c->datagrams_truncated + c->lines_too_long + c->shortages, 0);
    uint64_t timed = 0;
    for (int i = 0; i < HAWSER_TIME_BUCKETS; i++)
        timed += c->call_times[i];
    assert_int_equal(timed, c->calls);
}

static void every_client_gets_exactly_its_answers(const setting *in) {
    hawser_server_options options = in_mode(in->mode);
    census before = census_before_serving();
    serving s;
    serve(&s, in->transport, talk, &options);
    assert_int_equal(run_clients(&s, CLIENTS, in->mode != HAWSER_SEQUENTIAL, ask_often), CLIENTS);
    stop_serving(&s);
    assert_string_equal(s.board->trouble, "");
    check_counters(&s);
    assert_null(compare_census(before));
}

/* A server can be started again, and its counters go on. */
static void it_serves_again_after_a_stop(const setting *in) {
    hawser_server_options options = in_mode(in->mode);
    serving s;
    make_server(&s, in->transport, talk, &options);
    for (int turn = 0; turn < 3; turn++) {
        begin_serving(&s);
        assert_int_equal(run_clients(&s, 2, in->mode != HAWSER_SEQUENTIAL, ask_often), 2);
        assert_result(hawser_server_shutdown(s.server, WAIT_LIMIT, NULL), 0);
        assert_int_equal(finish(&s.run), 0);
    }
    close_server(&s);
    assert_int_equal(s.counters.finished, is_stream(in->transport) ? 6 : 6 * MESSAGES);
}

/* Steps of a request, as the handler's functions see them. */

static hawser_server_options noting_steps(hawser_concurrency mode) {
    hawser_server_options options = in_mode(mode);
    options.setup = note_setup;
    options.finish = note_finish;
    options.handle_error = note_error;
    return options;
}

static void note_deferred(void *on) {
    note(on, "deferred");
}

static void note_deferred_first(void *on) {
    note(on, "deferred-last");
}

static void defer_two(hawser_request *r) {
    board *on = board_of(r->server);
    char line[64];
    hawser_readline(r->rfile, line, sizeof line);
    if (hawser_defer(note_deferred, on) < 0 || hawser_defer(note_deferred_first, on) < 0)
        note(on, "%s", hawser_error());
    hawser_puts(r->wfile, line);
    note(on, "handled");
}

static void what_the_handler_defers_runs_at_its_end_the_last_first(const setting *in) {
    hawser_server_options options = noting_steps(in->mode);
    serving s;
    serve(&s, in->transport, defer_two, &options);
    assert_true(ask_once(&s, "x\n", "x\n"));
    stop_serving(&s);
    assert_string_equal(s.board->text, "setup handled deferred-last deferred finish ");
}

/* The line decides. A failure is the first one that was told. */
static void fail_if_asked(hawser_request *r) {
    char line[64];
    hawser_readline(r->rfile, line, sizeof line);
    note(board_of(r->server), "handle");
    if (strcmp(line, "fail\n") == 0) {
        hawser_request_fail(r, "no %s today", "tea");
        hawser_request_fail(r, "nor coffee");
        note(board_of(r->server), "(%s)", hawser_request_error(r));
    }
    hawser_printf(r->wfile, "%s.\n", hawser_request_error(r) ? "failed" : "well");
}

static void a_request_that_failed_is_finished_and_reported_and_the_server_goes_on(const setting *in) {
    hawser_server_options options = noting_steps(in->mode);
    serving s;
    serve(&s, in->transport, fail_if_asked, &options);
    assert_true(ask_once(&s, "fail\n", "failed.\n"));
    assert_true(ask_once(&s, "go on\n", "well.\n"));
    stop_serving(&s);
    const char *second = strstr(s.board->text, "error(no tea today) ");
    assert_non_null(second);
    assert_memory_equal(s.board->text, "setup handle (no tea today) finish ", 35);
    assert_null(strstr(second + 1, "error"));
    assert_int_equal(s.counters.failed, 1);
    assert_int_equal(s.counters.finished, 2);
}

static int refuse_setup(hawser_request *r) {
    note(board_of(r->server), "setup");
    atomic_fetch_add(&board_of(r->server)->counts[0], 1);
    errno = EACCES;
    return -1;
}

static void note_handle(hawser_request *r) {
    note(board_of(r->server), "handle");
}

static void count_error(hawser_request *r, const char *sentence) {
    note_error(r, sentence);
    atomic_fetch_add(&board_of(r->server)->counts[1], 1);
}

static void after_a_setup_that_failed_nothing_else_is_called(const setting *in) {
    hawser_server_options options = noting_steps(in->mode);
    options.setup = refuse_setup;
    options.handle_error = count_error;
    serving s;
    serve(&s, in->transport, note_handle, &options);
    assert_true(call_in_vain(&s, &s.board->counts[1]));
    stop_serving(&s);
    assert_string_equal(s.board->text, "setup error(Permission denied) ");
    assert_int_equal(s.counters.failed, 1);
    assert_int_equal(s.counters.finished, 1);
    assert_int_equal(s.counters.calls, 0);
}

/* Pointers. */

static int new_user(hawser_request *r) {
    r->user = malloc(32);
    strcpy(r->user, "mine");
    return 0;
}

static void tell_user(hawser_request *r) {
    char line[64];
    hawser_readline(r->rfile, line, sizeof line);
    hawser_printf(r->wfile, "%s\n", (char *)r->user);
    strcpy(r->user, "changed");
}

static void free_user(hawser_request *r) {
    note(hawser_server_user(r->server), "%s", (char *)r->user);
    free(r->user);
}

static void the_users_pointer_goes_from_setup_to_handle_to_finish(const setting *in) {
    hawser_server_options options = in_mode(in->mode);
    options.setup = new_user;
    options.finish = free_user;
    serving s;
    serve(&s, in->transport, tell_user, &options);
    assert_ptr_equal(hawser_server_user(s.server), s.board);
    assert_true(ask_once(&s, "x\n", "mine\n"));
    assert_true(ask_once(&s, "x\n", "mine\n"));
    stop_serving(&s);
    assert_string_equal(s.board->text, "changed changed ");
}

/* What the record says. */
static void describe(hawser_request *r) {
    board *on = board_of(r->server);
    hawser_addr own;
    char line[64];
    hawser_readline(r->rfile, line, sizeof line);
    bool same = hawser_server_socket(r->server) == NULL || r->listener == hawser_server_socket(r->server);
    note(on, "%s", same ? "listener" : "another");
    note(on, "%s", (r->data != NULL) == (hawser_type(r->sock) == SOCK_DGRAM) ? "data" : "odd-data");
    note(on, "%zu%s", r->size, r->truncated ? "-truncated" : "");
    note(on, "%s", hawser_getsockname(r->sock, &own) == 0 && r->user == NULL ? "sock" : "odd-sock");
    hawser_printf(r->wfile, "%s\n", hawser_addr_str(&r->peer));
}

static void the_record_says_who_asked_and_where(const setting *in) {
    char own[128] = "";
    hawser_server_options options = in_mode(in->mode);
    serving s;
    serve(&s, in->transport, describe, &options);
    int fd = open_client(&s);
    hawser_addr addr = {.len = sizeof addr.ss};
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr.ss, &addr.len), 0);
    snprintf(own, sizeof own, "%s\n", hawser_addr_str(&addr));
    assert_true(ask(fd, in->transport, "hello\n", own));
    end_client(fd);
    stop_serving(&s);
    assert_string_equal(s.board->text, is_stream(in->transport) ? "listener data 0 sock " : "listener data 6 sock ");
}

/* Forks. */

static void die_if_asked(hawser_request *r) {
    char line[64];
    hawser_readline(r->rfile, line, sizeof line);
    if (strcmp(line, "die\n") == 0)
        raise(SIGKILL);
    hawser_puts(r->wfile, line);
}

static void note_who_is_told(hawser_request *r, const char *sentence) {
    board *on = board_of(r->server);
    note(on, "%s", getpid() == atomic_load(&on->counts[0]) ? "parent" : "child");
    note(on, "%s", strstr(sentence, "signal 9") ? "killed" : sentence);
    atomic_fetch_add(&on->counts[1], 1);
}

static void a_process_that_was_killed_is_a_failed_request_and_told_to_the_parent(const setting *in) {
    if (mode_is_refused(HAWSER_FORKS, in->transport))
        return;
    hawser_server_options options = in_mode(HAWSER_FORKS);
    options.handle_error = note_who_is_told;
    census before = census_before_serving();
    serving s;
    serve(&s, in->transport, die_if_asked, &options);
    atomic_store(&s.board->counts[0], getpid());
    int fd = open_client(&s);
    assert_true(raw_write(fd, "die\n", 4));
    assert_true(wait_for_count(&s.board->counts[1], 1));
    close(fd);
    assert_true(ask_once(&s, "alive\n", "alive\n"));
    stop_serving(&s);
    assert_string_equal(s.board->text, "parent killed ");
    assert_int_equal(s.counters.failed, 1);
    assert_int_equal(s.counters.finished, 2);
    assert_int_equal(s.counters.active, 0);
    assert_null(compare_census(before));
}

static void tell_process(hawser_request *r) {
    char line[64];
    hawser_readline(r->rfile, line, sizeof line);
    atomic_store(&board_of(r->server)->counts[0], getpid());
    hawser_puts(r->wfile, line);
}

static void with_forks_the_handler_runs_in_a_process_of_its_own(const setting *in) {
    if (mode_is_refused(HAWSER_FORKS, in->transport))
        return;
    hawser_server_options options = in_mode(HAWSER_FORKS);
    serving s;
    serve(&s, in->transport, tell_process, &options);
    assert_true(ask_once(&s, "x\n", "x\n"));
    int first = atomic_load(&s.board->counts[0]);
    assert_true(ask_once(&s, "x\n", "x\n"));
    stop_serving(&s);
    assert_int_not_equal(first, getpid());
    assert_int_not_equal(first, atomic_load(&s.board->counts[0]));
}

static long hold_stdout_often(void *over) {
    while (!atomic_load((atomic_int *)over)) {
        flockfile(stdout);
        sched_yield();
        funlockfile(stdout);
        sched_yield();
    }
    return 0;
}

static void echo_line(hawser_request *r) {
    char line[64];
    hawser_readline(r->rfile, line, sizeof line);
    hawser_puts(r->wfile, line);
}

/* Not every C library gives the locks of stdio back to the process that is forked. */
static void a_process_ends_although_another_thread_was_writing_to_stdout(const setting *in) {
    if (mode_is_refused(HAWSER_FORKS, in->transport))
        return;
    hawser_server_options options = in_mode(HAWSER_FORKS);
    serving s;
    runner writer;
    atomic_int over = 0;
    serve(&s, in->transport, echo_line, &options);
    start_thread(&writer, hold_stdout_often, &over);
    int good = 0;
    for (int i = 0; i < 30; i++)
        good += ask_once(&s, "x\n", "x\n");
    atomic_store(&over, 1);
    finish(&writer);
    stop_serving(&s);
    assert_int_equal(good, 30);
    assert_int_equal(s.counters.finished, 30);
    assert_int_equal(s.counters.cut, 0);
}

static const serving_case cases[] = {
    EVERYWHERE(every_client_gets_exactly_its_answers),
    EVERYWHERE(it_serves_again_after_a_stop),
    EVERYWHERE(what_the_handler_defers_runs_at_its_end_the_last_first),
    EVERYWHERE(a_request_that_failed_is_finished_and_reported_and_the_server_goes_on),
    EVERYWHERE(after_a_setup_that_failed_nothing_else_is_called),
    EVERYWHERE(the_users_pointer_goes_from_setup_to_handle_to_finish),
    EVERYWHERE(the_record_says_who_asked_and_where),
    CASE(a_process_that_was_killed_is_a_failed_request_and_told_to_the_parent, 0, ALL_TRANSPORTS),
    CASE(with_forks_the_handler_runs_in_a_process_of_its_own, 0, ALL_TRANSPORTS),
    CASE(a_process_ends_although_another_thread_was_writing_to_stdout, 0, ALL_TRANSPORTS),
};

int main(void) {
    return run_cases(cases);
}

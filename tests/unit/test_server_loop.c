/* SPDX-License-Identifier: MIT */
/* The loop: what it calls besides handlers, a single turn of it (hawser_handle_request), and a stop that a handler asks for. */
#include "serving.h"

#include <errno.h>
#include <pthread.h>

/* service_actions. */

static void count_action(hawser_server *server) {
    atomic_fetch_add(&board_of(server)->counts[2], 1);
}

static void service_actions_come_at_least_every_poll_interval(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode, .service_actions = count_action, .poll_interval = 0.01};
    serving s;
    serve(&s, TCP, note_and_answer, &options);
    assert_true(wait_for_count(&s.board->counts[2], 5));
    stop_serving(&s);
}

/* The interval is longer than the test may take. */
static void service_actions_come_after_requests(const setting *in) {
    hawser_server_options options = {
        .concurrency = in->mode, .service_actions = count_action, .poll_interval = 10 * WAIT_LIMIT};
    serving s;
    serve(&s, in->transport, note_and_answer, &options);
    for (int i = 0; i < 3; i++) {
        int before = atomic_load(&s.board->counts[2]);
        assert_true(ask_once(&s, "hello\n", "hello\n"));
        assert_true(wait_for_count(&s.board->counts[2], before + 1));
    }
    stop_serving(&s);
}

/* hawser_handle_request. */

static void note_timeout(hawser_server *server) {
    note(board_of(server), "timeout");
}

static long ask_hello(void *argument) {
    client *self = argument;
    return ask_once(self->to, "hello\n", "hello\n") ? 0 : -1;
}

static void handle_request_serves_one_and_tells_when_none_came(const setting *in) {
    hawser_server_options options = noting(in->mode);
    options.timeout = 0.02;
    options.handle_timeout = note_timeout;
    options.shutdown_request = NULL;
    options.close_request = NULL;
    serving s;
    make_server(&s, in->transport, note_and_answer, &options);
    double began = seconds_now();
    start(&s.run, handle_one, s.server);
    assert_int_equal(finish(&s.run), 0);
    assert_true(seconds_now() - began >= 0.02);
    assert_string_equal(s.board->text, "timeout ");
    client asks = {.to = &s};
    runner other;
    start_thread(&other, ask_hello, &asks);
    long taken = 0;
    for (int i = 0; i < 10000 && taken == 0; i++) {
        start(&s.run, handle_one, s.server);
        taken = finish(&s.run);
    }
    assert_int_equal(taken, 1);
    close_server(&s); /* waits for what runs beside */
    assert_int_equal(finish(&other), 0);
    assert_non_null(strstr(s.board->text, "get verify process finish_request setup handle finish "));
    assert_int_equal(s.counters.calls > 1, 0);
}

static void handle_request_gives_0_for_what_was_refused(const setting *in) {
    hawser_server_options options = noting(in->mode);
    options.verify_request = note_and_refuse;
    options.handle_timeout = note_timeout;
    serving s;
    make_server(&s, in->transport, note_and_answer, &options);
    int fd = open_client(&s);
    assert_true(raw_write(fd, "x\n", 2));
    start(&s.run, handle_one, s.server);
    assert_int_equal(finish(&s.run), 0);
    end_client(fd);
    close_server(&s);
    assert_string_equal(s.board->text, "get verify shutdown close ");
    assert_int_equal(s.counters.refused_verify, 1);
}

/* A listener's own timeout counts, too, if it is the smaller one. */
static void handle_request_waits_no_longer_than_the_listener(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode, .timeout = 100 * WAIT_LIMIT, .handle_timeout = note_timeout};
    serving s;
    make_server(&s, TCP, note_and_answer, &options);
    assert_int_equal(hawser_settimeout(hawser_server_socket(s.server), 0.02), 0);
    start(&s.run, handle_one, s.server);
    assert_int_equal(finish(&s.run), 0);
    close_server(&s);
    assert_string_equal(s.board->text, "timeout ");
}

/* What one request leaves behind (its polite end is still awaited) does not hinder serving for ever afterwards. */
static void serving_goes_on_after_handle_request(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode};
    serving s;
    make_server(&s, in->transport, note_and_answer, &options);
    int fd = open_client(&s);
    assert_true(raw_write(fd, "x\n", 2));
    start(&s.run, handle_one, s.server);
    assert_int_equal(finish(&s.run), 1);
    assert_true(ask(fd, in->transport, "", "x\n"));
    begin_serving(&s);
    for (int i = 0; i < 3; i++)
        assert_true(ask_once(&s, "hello\n", "hello\n"));
    end_client(fd);
    stop_serving(&s);
    assert_int_equal(s.counters.finished, 4);
    assert_int_equal(s.counters.active, 0);
}

/* In a hook nobody can wait for the server's end; asking is possible. */

static void stop_from_inside(hawser_request *r) {
    board *on = board_of(r->server);
    char line[64];
    hawser_readline(r->rfile, line, sizeof line);
    errno = 0;
    int result = hawser_server_shutdown(r->server, WAIT_LIMIT, NULL);
    note(on, "%d-%s", result, errno == EDEADLK ? "EDEADLK" : "other");
    hawser_puts(r->wfile, line);
}

static void a_handler_may_ask_for_the_stop_but_not_wait_for_it(const setting *in) {
    if (in->mode == HAWSER_FORKS)
        return; /* a child is another process */
    hawser_server_options options = {.concurrency = in->mode};
    serving s;
    serve(&s, in->transport, stop_from_inside, &options);
    assert_true(ask_once(&s, "hello\n", "hello\n"));
    assert_int_equal(finish(&s.run), 0);
    close_server(&s);
    assert_string_equal(s.board->text, "-1-EDEADLK ");
}

static bool stop_from_verify(hawser_request *r) {
    board *on = board_of(r->server);
    errno = 0;
    int result = hawser_server_shutdown(r->server, WAIT_LIMIT, NULL);
    note(on, "%d-%s", result, errno == EDEADLK ? "EDEADLK" : "other");
    return true;
}

static void a_hook_may_ask_for_the_stop_but_not_wait_for_it(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode, .verify_request = stop_from_verify};
    serving s;
    serve(&s, in->transport, note_and_answer, &options);
    assert_true(ask_once(&s, "hello\n", "hello\n"));
    assert_int_equal(finish(&s.run), 0);
    close_server(&s);
    assert_non_null(strstr(s.board->text, "-1-EDEADLK "));
}

/* The thread that a process_request of one's own brings a datagram to knows whom it serves. */
static void *process(void *r) {
    (void)hawser_server_process_request(r);
    return NULL;
}

static int process_on_a_thread(hawser_request *r) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, process, r), 0);
    return pthread_join(thread, NULL);
}

static void on_a_thread_of_ones_own_it_is_the_same(const setting *in) {
    (void)in;
    hawser_server_options options = {.workers = 1, .process_request = process_on_a_thread};
    serving s;
    serve(&s, UDP, stop_from_inside, &options);
    assert_true(ask_once(&s, "hello\n", "hello\n"));
    assert_int_equal(finish(&s.run), 0);
    close_server(&s);
    assert_string_equal(s.board->text, "-1-EDEADLK ");
}

static const serving_case cases[] = {
    EVERYWHERE(service_actions_come_after_requests),
    EVERYWHERE(handle_request_serves_one_and_tells_when_none_came),
    EVERYWHERE(handle_request_gives_0_for_what_was_refused),
    EVERYWHERE(serving_goes_on_after_handle_request),
    EVERYWHERE(a_handler_may_ask_for_the_stop_but_not_wait_for_it),
    EVERYWHERE(a_hook_may_ask_for_the_stop_but_not_wait_for_it),
    CASE(on_a_thread_of_ones_own_it_is_the_same, 0, 0),
    CASE(service_actions_come_at_least_every_poll_interval, ALL_MODES, 0),
    CASE(handle_request_waits_no_longer_than_the_listener, ALL_MODES, 0),
};

int main(void) {
    return run_cases(cases);
}

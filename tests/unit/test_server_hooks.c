/* SPDX-License-Identifier: MIT */
/* Every step of a request is a hook: that each is called, when, and that the defaults can be called from one. */
#include "serving.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Hooks that note that they were called, and do what the default does. */

static int note_get(hawser_server *server, hawser_request *r) {
    int result = hawser_server_get_request(server, r);
    int code = errno;
    if (result == 0)
        note(board_of(server), "get");
    errno = code;
    return result;
}

static bool note_verify(hawser_request *r) {
    note(board_of(r->server), "verify");
    return true;
}

static int note_process(hawser_request *r) {
    note(board_of(r->server), "process");
    return hawser_server_process_request(r);
}

static void note_finish_request(hawser_request *r) {
    note(board_of(r->server), "finish_request");
    hawser_server_finish_request(r);
}

static int note_setup(hawser_request *r) {
    note(board_of(r->server), "setup");
    return 0;
}

static void note_finish(hawser_request *r) {
    note(board_of(r->server), "finish");
}

static void note_error(hawser_request *r, const char *sentence) {
    note(board_of(r->server), "error(%s)", sentence);
    hawser_server_handle_error(r, sentence);
}

static void note_shutdown(hawser_request *r) {
    note(board_of(r->server), "shutdown");
    hawser_server_shutdown_request(r);
}

static void note_close(hawser_request *r) {
    note(board_of(r->server), "close");
    hawser_server_close_request(r);
    atomic_fetch_add(&board_of(r->server)->counts[0], 1);
}

static hawser_server_options noting(hawser_concurrency mode) {
    return (hawser_server_options){
        .concurrency = mode,
        .setup = note_setup,
        .finish = note_finish,
        .get_request = note_get,
        .verify_request = note_verify,
        .process_request = note_process,
        .finish_request = note_finish_request,
        .handle_error = note_error,
        .shutdown_request = note_shutdown,
        .close_request = note_close,
    };
}

static void handle(hawser_request *r) {
    char line[64] = "";
    hawser_readline(r->rfile, line, sizeof line);
    note(board_of(r->server), "handle");
    if (strcmp(line, "fail\n") == 0)
        hawser_request_fail(r, "asked to");
    hawser_puts(r->wfile, line);
}

struct combination {
    hawser_concurrency mode;
    enum transport transport;
};

/* One message, all of it read: the server has nothing more to do for it but its end. */
static bool ask_once(const serving *s, const char *text, const char *answer) {
    int fd = open_client(s);
    bool good = ask(fd, s->transport, text, answer);
    good = good && (!is_stream(s->transport) || (shutdown(fd, SHUT_WR) == 0 && ends(fd)));
    close(fd);
    return good;
}

/* Order. */

static void the_hooks_come_in_pythons_order(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = noting(how->mode);
    serving s;
    serve(&s, how->transport, handle, &options);
    assert_true(ask_once(&s, "hello\n", "hello\n"));
    stop_serving(&s);
    assert_string_equal(s.board->text, "get verify process finish_request setup handle finish shutdown close ");
    assert_int_equal(s.counters.failed, 0);
}

static void a_failure_is_told_between_finish_and_shutdown(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = noting(how->mode);
    serving s;
    serve(&s, how->transport, handle, &options);
    assert_true(ask_once(&s, "fail\n", "fail\n"));
    stop_serving(&s);
    assert_string_equal(s.board->text, "get verify process finish_request setup handle finish error(asked to) shutdown close ");
    assert_int_equal(s.counters.failed, 1);
    assert_non_null(strstr(s.board->trouble, " failed: asked to")); /* the default logs it */
}

/* One request after the other is complete before the next begins to be handled: only sequential promises that. */
static void sequential_requests_do_not_overlap(void **state) {
    (void)state;
    hawser_server_options options = noting(HAWSER_SEQUENTIAL);
    options.shutdown_request = NULL;
    options.close_request = NULL;
    serving s;
    serve(&s, TCP, handle, &options);
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

static bool refuse(hawser_request *r) {
    note(board_of(r->server), "verify");
    return false;
}

static void what_verify_refuses_is_only_shut_down(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = noting(how->mode);
    options.verify_request = refuse;
    serving s;
    serve(&s, how->transport, handle, &options);
    int fd = open_client(&s);
    if (is_stream(how->transport))
        assert_true(shutdown(fd, SHUT_WR) == 0 && ends(fd));
    else
        assert_true(raw_write(fd, "x", 1));
    assert_true(wait_for_count(&s.board->counts[0], 1));
    close(fd);
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

static void a_process_request_that_fails_is_an_error_and_a_shutdown(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = noting(how->mode);
    options.process_request = process_not_always;
    serving s;
    serve(&s, how->transport, handle, &options);
    int fd = open_client(&s);
    if (is_stream(how->transport))
        assert_true(shutdown(fd, SHUT_WR) == 0 && ends(fd));
    else
        assert_true(raw_write(fd, "x", 1));
    assert_true(wait_for_count(&s.board->counts[0], 1));
    close(fd);
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

static void process_request_may_serve_the_request_itself(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = noting(how->mode);
    options.process_request = process_here;
    options.shutdown_request = NULL;
    options.close_request = NULL;
    assert_works(hawser_sleep(0.001));
    census before = take_census();
    serving s;
    serve(&s, how->transport, handle, &options);
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

static void a_request_that_fails_in_process_request_is_reported(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = noting(how->mode);
    options.process_request = process_here;
    serving s;
    serve(&s, how->transport, handle, &options);
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

static void what_process_request_does_not_serve_is_closed(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = {.concurrency = how->mode, .process_request = process_nothing};
    assert_works(hawser_sleep(0.001));
    census before = take_census();
    serving s;
    serve(&s, how->transport, handle, &options);
    int fd = open_client(&s);
    if (is_stream(how->transport))
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

static void a_shutdown_request_of_ones_own_may_only_close(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = {.concurrency = how->mode, .shutdown_request = shut_down_by_hand};
    serving s;
    serve(&s, how->transport, handle, &options);
    assert_true(ask_once(&s, "hello\n", "hello\n"));
    stop_serving(&s);
    assert_string_equal(s.board->text, "handle shutdown ");
    assert_int_equal(s.counters.finished, 1);
}

static void do_nothing(hawser_request *r) {
    (void)r;
}

static void a_connection_ends_whatever_its_hooks_leave_undone(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = {.concurrency = how->mode, .shutdown_request = do_nothing, .close_request = do_nothing};
    assert_works(hawser_sleep(0.001));
    census before = take_census();
    serving s;
    serve(&s, how->transport, handle, &options);
    assert_true(ask_once(&s, "hello\n", "hello\n"));
    stop_serving(&s);
    assert_int_equal(s.counters.active, 0);
    assert_null(compare_census(before));
}

/* Without a finish_request that calls the default nothing of the handler's is called. */
static void note_without_default(hawser_request *r) {
    note(board_of(r->server), "instead");
}

static void finish_request_decides_whether_the_handler_is_called(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = noting(how->mode);
    options.finish_request = note_without_default;
    serving s;
    serve(&s, how->transport, handle, &options);
    int fd = open_client(&s);
    if (is_stream(how->transport))
        assert_true(shutdown(fd, SHUT_WR) == 0 && ends(fd));
    else
        assert_true(raw_write(fd, "x", 1));
    assert_true(wait_for_count(&s.board->counts[0], 1));
    close(fd);
    stop_serving(&s);
    assert_string_equal(s.board->text, "get verify process instead shutdown close ");
    assert_int_equal(s.counters.calls, 0);
}

/* The loop. */

static void count_action(hawser_server *server) {
    atomic_fetch_add(&board_of(server)->counts[2], 1);
}

static void service_actions_come_at_least_every_poll_interval(void **state) {
    hawser_concurrency mode = *(const hawser_concurrency *)*state;
    if (mode_is_refused(mode, TCP))
        return;
    hawser_server_options options = {.concurrency = mode, .service_actions = count_action, .poll_interval = 0.01};
    serving s;
    serve(&s, TCP, handle, &options);
    assert_true(wait_for_count(&s.board->counts[2], 5));
    stop_serving(&s);
}

/* The interval is longer than the test may take. */
static void service_actions_come_after_requests(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = {
        .concurrency = how->mode, .service_actions = count_action, .poll_interval = 10 * WAIT_LIMIT};
    serving s;
    serve(&s, how->transport, handle, &options);
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

static long handle_one(void *server) {
    return hawser_handle_request(server);
}

static long ask_hello(void *argument) {
    client *self = argument;
    return ask_once(self->to, "hello\n", "hello\n") ? 0 : -1;
}

static void handle_request_serves_one_and_tells_when_none_came(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = noting(how->mode);
    options.timeout = 0.02;
    options.handle_timeout = note_timeout;
    options.shutdown_request = NULL;
    options.close_request = NULL;
    serving s;
    make_server(&s, how->transport, handle, &options);
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

static void handle_request_gives_0_for_what_was_refused(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = noting(how->mode);
    options.verify_request = refuse;
    options.handle_timeout = note_timeout;
    serving s;
    make_server(&s, how->transport, handle, &options);
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
static void handle_request_waits_no_longer_than_the_listener(void **state) {
    hawser_concurrency mode = *(const hawser_concurrency *)*state;
    if (mode_is_refused(mode, TCP))
        return;
    hawser_server_options options = {.concurrency = mode, .timeout = 100 * WAIT_LIMIT, .handle_timeout = note_timeout};
    serving s;
    make_server(&s, TCP, handle, &options);
    assert_int_equal(hawser_settimeout(hawser_server_socket(s.server), 0.02), 0);
    start(&s.run, handle_one, s.server);
    assert_int_equal(finish(&s.run), 0);
    close_server(&s);
    assert_string_equal(s.board->text, "timeout ");
}

/* What one request leaves behind (its polite end is still awaited) does not hinder serving for ever afterwards. */
static void serving_goes_on_after_handle_request(void **state) {
    const struct combination *how = *state;
    if (mode_is_refused(how->mode, how->transport))
        return;
    hawser_server_options options = {.concurrency = how->mode};
    serving s;
    make_server(&s, how->transport, handle, &options);
    int fd = open_client(&s);
    assert_true(raw_write(fd, "x\n", 2));
    start(&s.run, handle_one, s.server);
    assert_int_equal(finish(&s.run), 1);
    assert_true(ask(fd, how->transport, "", "x\n"));
    begin_serving(&s);
    for (int i = 0; i < 3; i++)
        assert_true(ask_once(&s, "hello\n", "hello\n"));
    end_client(fd);
    stop_serving(&s);
    assert_int_equal(s.counters.finished, 4);
    assert_int_equal(s.counters.active, 0);
}

/* Birth and end. */

static board *birth_board;

static int note_bind(hawser_server *server) {
    note(birth_board, "bind");
    return hawser_server_bind(server);
}

static int note_activate(hawser_server *server) {
    note(birth_board, "activate%s", hawser_server_fileno(server) >= 0 ? "" : "-unbound");
    return hawser_server_activate(server);
}

static void note_server_close(hawser_server *server) {
    note(birth_board, "server_close%s", hawser_server_fileno(server) >= 0 ? "" : "-unbound");
}

static int refuse_to_bind(hawser_server *server) {
    (void)server;
    note(birth_board, "bind");
    errno = EPERM;
    return -1;
}

static void a_constructor_binds_and_activates_by_the_hooks(void **state) {
    const enum transport *transport = *state;
    hawser_server_options options = {
        .server_bind = note_bind, .server_activate = note_activate, .server_close = note_server_close};
    serving s;
    birth_board = new_board();
    make_server(&s, *transport, handle, &options);
    assert_string_equal(birth_board->text, "bind activate ");
    begin_serving(&s);
    assert_true(ask_once(&s, "hello\n", "hello\n"));
    stop_serving(&s);
    assert_string_equal(birth_board->text, "bind activate server_close ");
}

static void a_server_bind_that_fails_makes_no_server(void **state) {
    (void)state;
    hawser_server_options options = {.server_bind = refuse_to_bind, .server_activate = note_activate};
    assert_works(hawser_sleep(0.001));
    census before = take_census();
    birth_board = new_board();
    errno = 0;
    assert_null(hawser_tcp_server("127.0.0.1", 0, handle, &options));
    assert_int_equal(errno, EPERM);
    assert_string_equal(birth_board->text, "bind ");
    options.server_bind = note_bind;
    options.server_activate = refuse_to_bind;
    assert_null(hawser_tcp_server("127.0.0.1", 0, handle, &options));
    assert_int_equal(errno, EPERM);
    assert_string_equal(birth_board->text, "bind bind bind ");
    assert_null(compare_census(before));
}

static void binding_and_activating_may_come_later(void **state) {
    const enum transport *transport = *state;
    hawser_server_options options = {.no_bind_and_activate = true};
    hawser_addr addr;
    serving s;
    make_server(&s, *transport, handle, &options);
    assert_null(hawser_server_socket(s.server));
    assert_int_equal(hawser_server_fileno(s.server), -1);
    assert_int_equal(hawser_server_addresses(s.server, &addr, 1), 0);
    assert_fails(hawser_serve_forever(s.server), EINVAL);
    assert_fails(hawser_handle_request(s.server), EINVAL);
    assert_fails(hawser_server_activate(s.server), EINVAL);
    assert_int_equal(hawser_server_bind(s.server), 0);
    assert_int_equal(hawser_server_activate(s.server), 0);
    assert_non_null(hawser_server_socket(s.server));
    assert_int_equal(hawser_server_addresses(s.server, &addr, 1), 1);
    memcpy(&s.address, &addr.ss, addr.len);
    s.address_len = addr.len;
    begin_serving(&s);
    assert_true(ask_once(&s, "hello\n", "hello\n"));
    stop_serving(&s);
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

static void a_handler_may_ask_for_the_stop_but_not_wait_for_it(void **state) {
    const struct combination *how = *state;
    if (how->mode == HAWSER_FORKS || mode_is_refused(how->mode, how->transport))
        return; /* a child is another process */
    hawser_server_options options = {.concurrency = how->mode};
    serving s;
    serve(&s, how->transport, stop_from_inside, &options);
    assert_true(ask_once(&s, "hello\n", "hello\n"));
    assert_int_equal(finish(&s.run), 0);
    close_server(&s);
    assert_string_equal(s.board->text, "-1-EDEADLK ");
}

static const hawser_concurrency modes[MODES] = {HAWSER_FIBERS, HAWSER_THREADS, HAWSER_FORKS, HAWSER_SEQUENTIAL};
static const enum transport transports[TRANSPORTS] = {TCP, UDP, UNIX_STREAM, UNIX_DATAGRAM};
static struct combination combinations[MODES * TRANSPORTS];

struct entry {
    CMUnitTestFunction function;
    const char *name;
};
#define NAMED(test) {test, #test}
static const struct entry for_combinations[] = {
    NAMED(the_hooks_come_in_pythons_order),
    NAMED(a_failure_is_told_between_finish_and_shutdown),
    NAMED(what_verify_refuses_is_only_shut_down),
    NAMED(a_process_request_that_fails_is_an_error_and_a_shutdown),
    NAMED(process_request_may_serve_the_request_itself),
    NAMED(a_request_that_fails_in_process_request_is_reported),
    NAMED(what_process_request_does_not_serve_is_closed),
    NAMED(a_shutdown_request_of_ones_own_may_only_close),
    NAMED(a_connection_ends_whatever_its_hooks_leave_undone),
    NAMED(finish_request_decides_whether_the_handler_is_called),
    NAMED(service_actions_come_after_requests),
    NAMED(handle_request_serves_one_and_tells_when_none_came),
    NAMED(handle_request_gives_0_for_what_was_refused),
    NAMED(serving_goes_on_after_handle_request),
    NAMED(a_handler_may_ask_for_the_stop_but_not_wait_for_it),
}, for_modes[] = {
    NAMED(service_actions_come_at_least_every_poll_interval),
    NAMED(handle_request_waits_no_longer_than_the_listener),
}, for_transports[] = {
    NAMED(a_constructor_binds_and_activates_by_the_hooks),
    NAMED(binding_and_activating_may_come_later),
};
#define COUNT(entries) (sizeof(entries) / sizeof *(entries))

int main(void) {
    static struct CMUnitTest
        tests[COUNT(for_combinations) * MODES * TRANSPORTS + COUNT(for_modes) * MODES + COUNT(for_transports) * TRANSPORTS + 2];
    size_t n = 0;
    for (int i = 0; i < MODES * TRANSPORTS; i++)
        combinations[i] = (struct combination){(hawser_concurrency)(i / TRANSPORTS), (enum transport)(i % TRANSPORTS)};
    for (size_t i = 0; i < COUNT(for_combinations); i++)
        for (int k = 0; k < MODES * TRANSPORTS; k++)
            tests[n++] = named_test(for_combinations[i].function, &combinations[k], "%s: %s, %s", for_combinations[i].name,
                                    mode_names[combinations[k].mode], transport_names[combinations[k].transport]);
    for (size_t i = 0; i < COUNT(for_modes); i++)
        for (int k = 0; k < MODES; k++)
            tests[n++] = named_test(for_modes[i].function, &modes[k], "%s: %s", for_modes[i].name, mode_names[k]);
    for (size_t i = 0; i < COUNT(for_transports); i++)
        for (int k = 0; k < TRANSPORTS; k++)
            tests[n++] = named_test(for_transports[i].function, &transports[k], "%s: %s", for_transports[i].name,
                                    transport_names[k]);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(sequential_requests_do_not_overlap);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_server_bind_that_fails_makes_no_server);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* How a server comes into being and goes: the hooks of binding, activating and closing, at once or later. */
#include "serving.h"

#include <errno.h>

static board *birth_board;

static void echo_a_line(hawser_request *r) {
    char line[64];
    if (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_puts(r->wfile, line);
}

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

static void a_constructor_binds_and_activates_by_the_hooks(const setting *in) {
    hawser_server_options options = {
        .server_bind = note_bind, .server_activate = note_activate, .server_close = note_server_close};
    serving s;
    birth_board = new_board();
    make_server(&s, in->transport, note_and_answer, &options);
    assert_string_equal(birth_board->text, "bind activate ");
    begin_serving(&s);
    assert_true(ask_once(&s, "hello\n", "hello\n"));
    stop_serving(&s);
    assert_string_equal(birth_board->text, "bind activate server_close ");
}

static void a_server_bind_that_fails_makes_no_server(const setting *in) {
    (void)in;
    hawser_server_options options = {.server_bind = refuse_to_bind, .server_activate = note_activate};
    census before = census_before_serving();
    birth_board = new_board();
    errno = 0;
    assert_null(hawser_tcp_server("127.0.0.1", 0, note_and_answer, &options));
    assert_int_equal(errno, EPERM);
    assert_string_equal(birth_board->text, "bind ");
    options.server_bind = note_bind;
    options.server_activate = refuse_to_bind;
    assert_null(hawser_tcp_server("127.0.0.1", 0, note_and_answer, &options));
    assert_int_equal(errno, EPERM);
    assert_string_equal(birth_board->text, "bind bind bind ");
    assert_null(compare_census(before));
}

static void binding_and_activating_may_come_later(const setting *in) {
    hawser_server_options options = {.no_bind_and_activate = true};
    hawser_addr addr;
    serving s;
    make_server(&s, in->transport, note_and_answer, &options);
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

/* In a fiber: cancelled while it serves. */

struct cancelled {
    hawser_server *server;
    int result;
    bool still;
};

static int serve_until_cancelled(void *argument) {
    struct cancelled *self = argument;
    self->result = hawser_serve_forever(self->server);
    self->still = hawser_cancelled();
    return 0;
}

static bool takes_calls(hawser_server *server) {
    hawser_addr addr;
    hawser_sock *sock = NULL;
    if (hawser_getsockname(hawser_server_socket(server), &addr) == 0 && (sock = hawser_socket(AF_INET, SOCK_STREAM, 0)))
        hawser_connect_addr(sock, &addr);
    char byte;
    bool served = sock && hawser_sendall(sock, "hello\n", 6) == 0 && hawser_recv(sock, &byte, 1) == 1;
    hawser_close(sock);
    return served;
}

static int cancel_a_server(void *argument) {
    struct cancelled *self = argument;
    hawser_group *group = hawser_group_open(NULL);
    EXPECT(group && hawser_group_go(group, serve_until_cancelled, self) == 0);
    EXPECT(takes_calls(self->server));
    EXPECT(!hawser_cancelled());
    hawser_group_cancel(group);
    EXPECT(hawser_group_wait(group) == 0);
    hawser_group_close(group);
    return 0;
}

static void a_fiber_that_is_cancelled_stops_serving_and_is_cancelled_still(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode};
    struct cancelled self = {.result = -1};
    self.server = hawser_tcp_server("127.0.0.1", 0, echo_a_line, &options);
    assert_non_null(self.server);
    assert_runs(2, cancel_a_server, &self);
    assert_int_equal(self.result, 0);
    assert_true(self.still);
    hawser_server_close(self.server);
}

static const serving_case cases[] = {
    CASE(a_constructor_binds_and_activates_by_the_hooks, 0, ALL_TRANSPORTS),
    CASE(binding_and_activating_may_come_later, 0, ALL_TRANSPORTS),
    CASE(a_server_bind_that_fails_makes_no_server, 0, 0),
    CASE(a_fiber_that_is_cancelled_stops_serving_and_is_cancelled_still, BIT(HAWSER_FIBERS) | BIT(HAWSER_THREADS), 0),
};

int main(void) {
    return run_cases(cases);
}

/* SPDX-License-Identifier: MIT */
/*
 * The 27 cases of CPython's test_socketserver.py, under their names, and what they promise here. Where C has no such thing (an
 * exception that ends the interpreter), the case is what comes nearest. docs/python-map.md has the table.
 */
#include "serving.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#define TEST_STR "hello world\n"

/* Whether forks can be had; where they cannot, that they are refused has been asserted. */
static bool can_have(hawser_concurrency mode) {
    return !mode_is_refused(mode, TCP);
}

/* SocketServerTest */

static void copy_line(hawser_request *r) {
    char line[128];
    ssize_t n = hawser_readline(r->rfile, line, sizeof line);
    if (n > 0)
        hawser_write(r->wfile, line, (size_t)n);
}

static bool examine(const serving *s) {
    int fd = open_client(s);
    bool good = ask(fd, s->transport, TEST_STR, TEST_STR);
    end_client(fd);
    return good;
}

/* run_server: three clients, one after the other. */
static void run_server(void **state) {
    const setting *in = *state;
    hawser_server_options options = {.concurrency = in->mode, .poll_interval = 0.01};
    hawser_addr own, listed;
    serving s;
    if (!can_have(in->mode))
        return;
    make_server(&s, in->transport, copy_line, &options);
    assert_int_equal(hawser_getsockname(hawser_server_socket(s.server), &own), 0);
    assert_int_equal(hawser_server_addresses(s.server, &listed, 1), 1);
    assert_true(hawser_addr_equal(&own, &listed));
    begin_serving(&s);
    for (int i = 0; i < 3; i++)
        assert_true(examine(&s));
    stop_serving(&s);
    assert_string_equal(s.board->trouble, "");
    assert_int_equal(s.counters.finished, 3);
}

/* The limit is ten times what a shutdown may take, for machines that have other things to do. */
#define SHUTDOWN_LIMIT 0.2
#define SERVERS 20

static long shut_down(void *argument) {
    return hawser_server_shutdown(argument, WAIT_LIMIT, NULL);
}

static void test_shutdown(void **state) {
    (void)state;
    static serving servers[SERVERS];
    static runner runs[SERVERS];
    for (int i = 0; i < SERVERS; i++)
        serve(&servers[i], TCP, copy_line, NULL);
    for (int i = 0; i < SERVERS; i++)
        assert_true(examine(&servers[i]));
    for (int i = 0; i < SERVERS; i++)
        start(&runs[i], shut_down, servers[i].server);
    double slowest = 0;
    for (int i = 0; i < SERVERS; i++) {
        assert_int_equal(finish(&runs[i]), 0);
        slowest = runs[i].seconds > slowest ? runs[i].seconds : slowest;
        assert_int_equal(finish(&servers[i].run), 0);
        close_server(&servers[i]);
    }
    if (slowest > SHUTDOWN_LIMIT)
        fail_msg("a shutdown took %g s", slowest);
}

/* Python's race as well: shutdown right after the serving thread was started, whether it serves yet or not. */
static void test_shutdown_at_once(void **state) {
    (void)state;
    for (int i = 0; i < SERVERS; i++) {
        serving s;
        make_server(&s, TCP, copy_line, NULL);
        runner run;
        start(&run, serve_forever, s.server);
        assert_int_equal(hawser_server_shutdown(s.server, WAIT_LIMIT, NULL), 0);
        assert_int_equal(finish(&run), 0);
        close_server(&s);
    }
}

static void test_close_immediately(void **state) {
    (void)state;
    census before = census_before_serving();
    for (int i = 0; i < TRANSPORTS; i++) {
        serving s;
        make_server(&s, (enum transport)i, copy_line, NULL);
        close_server(&s);
    }
    hawser_server_close(NULL);
    assert_null(compare_census(before));
}

static void test_tcpserver_bind_leak(void **state) {
    (void)state;
    int port, listener = raw_listener(AF_INET, 5, &port);
    census before = census_before_serving();
    for (int i = 0; i < 1024; i++)
        assert_null(hawser_tcp_server("127.0.0.1", -1, copy_line, NULL));
    assert_int_equal(errno, ERANGE);
    for (int i = 0; i < 1024; i++)
        assert_null(hawser_tcp_server("127.0.0.1", port, copy_line, NULL));
    assert_int_equal(errno, EADDRINUSE);
    assert_null(compare_census(before));
    close(listener);
}

/* There is no `with`: the end of the block is a call. */
static void test_context_manager(void **state) {
    (void)state;
    hawser_server *server = hawser_tcp_server("127.0.0.1", 0, copy_line, NULL);
    assert_non_null(server);
    int fd = hawser_server_fileno(server), port = raw_port(fd);
    hawser_server_close(server);
    errno = 0;
    assert_int_equal(dup(fd), -1);
    assert_int_equal(errno, EBADF);
    server = hawser_tcp_server("127.0.0.1", port, copy_line, NULL); /* its port is free */
    assert_non_null(server);
    hawser_server_close(server);
}

/* ErrorHandlerTest */

static void fail_always(hawser_request *r) {
    note(board_of(r->server), "called");
    hawser_request_fail(r, "Test error");
}

/* C has no exceptions: a call that failed is no failure of the request unless the handler says so. */
static void meet_an_error(hawser_request *r) {
    note(board_of(r->server), "called");
    if (hawser_settimeout(r->sock, -5) == 0)
        note(board_of(r->server), "no error");
}

/* As SystemExit in a child of ForkingMixIn's. */
static void exit_from_child(hawser_request *r) {
    note(board_of(r->server), "called");
    _exit(7);
}

static void write_error(hawser_request *r, const char *sentence) {
    note(board_of(r->server), "%s", strcmp(sentence, "Test error") == 0 ? "handled" : sentence);
}

struct error {
    hawser_concurrency mode;
    hawser_handler handle;
    const char *expected;
};

static void handle_error(void **state) {
    const struct error *error = *state;
    hawser_server_options options = {.concurrency = error->mode, .handle_error = write_error};
    serving s;
    if (!can_have(error->mode))
        return;
    make_server(&s, TCP, error->handle, &options);
    end_client(open_client(&s));
    start(&s.run, handle_one, s.server);
    assert_int_equal(finish(&s.run), 1);
    close_server(&s); /* waits for threads and children */
    assert_string_equal(s.board->text, error->expected);
    assert_string_equal(s.board->trouble, "");
}

/* SocketWriterTest */

/* wfile is a file for writing and rfile one for reading, both on the request's connection. */
static void use_files(hawser_request *r) {
    board *on = board_of(r->server);
    char byte;
    errno = 0;
    note(on, "%s", hawser_read(r->wfile, &byte, 1) == -1 && errno ? "unreadable" : "readable");
    errno = 0;
    note(on, "%s", hawser_write(r->rfile, "x", 1) == -1 && errno ? "unwritable" : "writable");
    note(on, "%s", hawser_fileno(r->sock) >= 0 && r->sock != r->listener ? "open" : "closed");
    note(on, "%zd", hawser_write(r->wfile, "direct\n", 7));
}

static void test_basics(void **state) {
    (void)state;
    serving s;
    hawser_server_options options = {.concurrency = HAWSER_SEQUENTIAL};
    serve(&s, TCP, use_files, &options);
    int fd = open_client(&s);
    assert_true(ask(fd, TCP, "", "direct\n"));
    end_client(fd);
    stop_serving(&s);
    assert_string_equal(s.board->text, "unreadable unwritable open 7 ");
}

#define CHUNK (4 * 1024 * 1024 + 1)
#define READ_FIRST 100

static void write_much(hawser_request *r) {
    static char big[CHUNK];
    board *on = board_of(r->server);
    char line[64];
    note(on, "%zd", hawser_write(r->wfile, "write data\n", 11));
    hawser_readline(r->rfile, line, sizeof line);
    note(on, "%s", strcmp(line, "client response\n") == 0 ? "received" : line);
    memset(big, 0xA5, sizeof big);
    hawser_set_sndbuf(r->sock, 65536); /* the kernel is not to take all of it */
    ssize_t n = hawser_write(r->wfile, big, sizeof big);
    note(on, "%d", n == CHUNK && hawser_flush(r->wfile) == 0);
}

/* Reads what is left; false when it is not the byte that was sent, all the way. */
static bool drain_chunk(int fd, size_t size) {
    static unsigned char got[65536];
    while (size > 0) {
        size_t part = size < sizeof got ? size : sizeof got;
        if (!raw_read(fd, got, part))
            return false;
        for (size_t i = 0; i < part; i++)
            if (got[i] != 0xA5)
                return false;
        size -= part;
    }
    return ends(fd);
}

/* The serving task stands in the middle of the large write, and signals come at it. */
static void test_write(void **state) {
    const setting *in = *state;
    hawser_server_options options = {.concurrency = in->mode};
    char first[READ_FIRST];
    serving s;
    count_signals();
    make_server(&s, TCP, write_much, &options);
    int fd = open_client(&s);
    start(&s.run, handle_one, s.server);
    assert_true(ask(fd, TCP, "client response\n", "write data\n"));
    assert_true(raw_read(fd, first, sizeof first));
    if (in->mode == HAWSER_SEQUENTIAL && !in_fiber())
        assert_int_equal(pester(&s.run, 20), 20);
    else
        for (int i = 0; i < 20; i++) {
            kill(getpid(), SIGUSR1); /* whichever task takes it */
            rest_a_moment();
        }
    assert_true(drain_chunk(fd, CHUNK - READ_FIRST));
    end_client(fd);
    assert_int_equal(finish(&s.run), 1);
    close_server(&s);
    assert_string_equal(s.board->text, "11 received 1 ");
    assert_string_equal(s.board->trouble, "");
}

/* MiscTestCase */

/* Everything that socketserver exports, as far as it is a thing that can be called, has its function. */
static void test_all(void **state) {
    (void)state;
    void (*const functions[])(void) = {
        (void (*)(void))hawser_tcp_server,
        (void (*)(void))hawser_udp_server,
        (void (*)(void))hawser_unix_stream_server,
        (void (*)(void))hawser_unix_datagram_server,
        (void (*)(void))hawser_serve_forever,
        (void (*)(void))hawser_handle_request,
        (void (*)(void))hawser_server_shutdown,
        (void (*)(void))hawser_server_close,
        (void (*)(void))hawser_server_fileno,
        (void (*)(void))hawser_server_socket,
        (void (*)(void))hawser_server_addresses,
        (void (*)(void))hawser_server_bind,
        (void (*)(void))hawser_server_activate,
        (void (*)(void))hawser_server_get_request,
        (void (*)(void))hawser_server_process_request,
        (void (*)(void))hawser_server_finish_request,
        (void (*)(void))hawser_server_shutdown_request,
        (void (*)(void))hawser_server_close_request,
        (void (*)(void))hawser_server_handle_error,
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        assert_non_null(functions[i]);
}

static void count_shutdown(hawser_request *r) {
    atomic_fetch_add(&board_of(r->server)->counts[0], 1);
    hawser_server_shutdown_request(r);
}

static void test_shutdown_request_called_if_verify_request_false(void **state) {
    (void)state;
    hawser_server_options options = {
        .concurrency = HAWSER_SEQUENTIAL, .verify_request = note_and_refuse, .shutdown_request = count_shutdown};
    serving s;
    make_server(&s, TCP, copy_line, &options);
    int fd = open_client(&s);
    start(&s.run, handle_one, s.server);
    assert_int_equal(finish(&s.run), 0);
    end_client(fd);
    close_server(&s);
    assert_int_equal(atomic_load(&s.board->counts[0]), 1);
    assert_int_equal(s.counters.calls, 0);
}

static bool nobody_is_served(void *server) {
    hawser_server_counters counters;
    hawser_server_get_counters(server, &counters);
    return counters.active == 0;
}

/* Each client has gone before the next one comes, so a thread or two do for all. */
static void test_threads_reaped(void **state) {
    (void)state;
    hawser_server_options options = {.concurrency = HAWSER_THREADS};
    census before = census_before_serving();
    serving s;
    make_server(&s, TCP, copy_line, &options);
    for (int i = 0; i < 10; i++) {
        int fd = open_client(&s);
        start(&s.run, handle_one, s.server);
        assert_int_equal(finish(&s.run), 1);
        assert_true(ask(fd, TCP, TEST_STR, TEST_STR));
        shutdown(fd, SHUT_WR);
        assert_true(ends(fd));
        close(fd);
        assert_true(wait_until(nobody_is_served, s.server));
    }
    assert_in_range(take_census().threads, before.threads, before.threads + 9);
    close_server(&s);
    assert_null(compare_census(before));
}

#define IN(transport, mode) .initial_state = &(setting){mode, transport}
#define SERVER(name, transport, mode) {name, run_server, IN(transport, mode)}
#define ERROR(name, mode, handler, expected) {name, handle_error, .initial_state = &(struct error){mode, handler, expected}}

static const struct CMUnitTest tests[] = {
    SERVER("test_TCPServer", TCP, HAWSER_SEQUENTIAL),
    SERVER("test_ThreadingTCPServer", TCP, HAWSER_THREADS),
    SERVER("test_ForkingTCPServer", TCP, HAWSER_FORKS),
    SERVER("test_UnixStreamServer", UNIX_STREAM, HAWSER_SEQUENTIAL),
    SERVER("test_ThreadingUnixStreamServer", UNIX_STREAM, HAWSER_THREADS),
    SERVER("test_ForkingUnixStreamServer", UNIX_STREAM, HAWSER_FORKS),
    SERVER("test_UDPServer", UDP, HAWSER_SEQUENTIAL),
    SERVER("test_ThreadingUDPServer", UDP, HAWSER_THREADS),
    SERVER("test_ForkingUDPServer", UDP, HAWSER_FORKS),
    SERVER("test_UnixDatagramServer", UNIX_DATAGRAM, HAWSER_SEQUENTIAL),
    SERVER("test_ThreadingUnixDatagramServer", UNIX_DATAGRAM, HAWSER_THREADS),
    SERVER("test_ForkingUnixDatagramServer", UNIX_DATAGRAM, HAWSER_FORKS),
    SERVER("fibers: TCP", TCP, HAWSER_FIBERS), /* which Python does not have */
    SERVER("fibers: UnixStream", UNIX_STREAM, HAWSER_FIBERS),
    SERVER("fibers: UDP", UDP, HAWSER_FIBERS),
    SERVER("fibers: UnixDatagram", UNIX_DATAGRAM, HAWSER_FIBERS),
    cmocka_unit_test(test_shutdown),
    cmocka_unit_test(test_shutdown_at_once),
    cmocka_unit_test(test_close_immediately),
    cmocka_unit_test(test_tcpserver_bind_leak),
    cmocka_unit_test(test_context_manager),
    ERROR("test_sync_handled", HAWSER_SEQUENTIAL, fail_always, "called handled "),
    ERROR("test_sync_not_handled", HAWSER_SEQUENTIAL, meet_an_error, "called "),
    ERROR("test_threading_handled", HAWSER_THREADS, fail_always, "called handled "),
    ERROR("test_threading_not_handled", HAWSER_THREADS, meet_an_error, "called "),
    ERROR("test_forking_handled", HAWSER_FORKS, fail_always, "called handled "),
    ERROR("test_forking_not_handled", HAWSER_FORKS, exit_from_child, "called "),
    ERROR("test_fibers_handled", HAWSER_FIBERS, fail_always, "called handled "),
    cmocka_unit_test(test_basics),
    {"test_write", test_write, IN(TCP, HAWSER_SEQUENTIAL)},
    {"test_write_in_threads", test_write, IN(TCP, HAWSER_THREADS)},
    cmocka_unit_test(test_all),
    cmocka_unit_test(test_shutdown_request_called_if_verify_request_false),
    cmocka_unit_test(test_threads_reaped),
};

int main(void) {
    take_census(); /* the first one, which no test's threads are in */
    return cmocka_run_group_tests(tests, NULL, NULL);
}

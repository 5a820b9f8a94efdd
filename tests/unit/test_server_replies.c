/* SPDX-License-Identifier: MIT */
/* The reply on a connection arrives whole, whatever the handler does with the socket and leaves unread. */
#include "serving.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

static void say_goodbye_and_close(hawser_request *r) {
    char line[64];
    hawser_readline(r->rfile, line, sizeof line);
    hawser_puts(r->wfile, "bye\n");
    hawser_close(r->sock);
}

static void a_handler_that_closes_the_socket_itself_is_heard_all_the_same(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode};
    census before = census_before_serving();
    serving s;
    serve(&s, TCP, say_goodbye_and_close, &options);
    for (int i = 0; i < 5; i++)
        assert_true(ask_once(&s, "x\n", "bye\n"));
    stop_serving(&s);
    assert_int_equal(s.counters.finished, 5);
    assert_int_equal(s.counters.failed, 0);
    assert_null(compare_census(before));
}

#define REPLY 200000
#define REQUEST 100000

static void reply_without_reading(hawser_request *r) {
    static const char page[REPLY] = {[0] = 'p', [REPLY - 1] = 'q'};
    hawser_write(r->wfile, page, sizeof page);
}

/* Sends and receives at the same time, so that neither side waits for the other. The bytes received; -1: a reset, or late. */
static long exchange(int fd) {
    static const char request[REQUEST];
    static _Thread_local char got[REPLY + 1];
    size_t sent = 0, received = 0;
    for (;;) {
        struct pollfd watched = {.fd = fd, .events = (short)(POLLIN | (sent < REQUEST ? POLLOUT : 0))};
        if (poll(&watched, 1, (int)(WAIT_LIMIT * 1000)) <= 0)
            return -1;
        if (sent < REQUEST && watched.revents & POLLOUT) {
            ssize_t n = send(fd, request + sent, REQUEST - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n < 0 && errno != EAGAIN)
                return -1;
            sent += n > 0 ? (size_t)n : 0;
        }
        if (watched.revents & (POLLIN | POLLHUP | POLLERR)) {
            ssize_t n = recv(fd, got + received, sizeof got - received, MSG_DONTWAIT);
            if (n == 0 && sent == REQUEST)
                return received == REPLY && got[0] == 'p' && got[REPLY - 1] == 'q' ? REPLY : -1;
            if (n < 0 && errno != EAGAIN)
                return -1;
            received += n > 0 ? (size_t)n : 0;
        }
    }
}

static long get_whole_reply(void *argument) {
    client *self = argument;
    int fd = open_client(self->to);
    long received = exchange(fd);
    end_client(fd);
    return received == REPLY ? 0 : -1;
}

/* Measured with Python's: 50 of 50 clients lost part of the reply. */
static void the_reply_arrives_whole_although_the_request_lies_unread(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode};
    serving s;
    serve(&s, TCP, reply_without_reading, &options);
    assert_int_equal(run_clients(&s, 20, true, get_whole_reply), 20);
    stop_serving(&s);
    assert_int_equal(s.counters.finished, 20);
    assert_int_equal(s.counters.bytes_out, 20 * REPLY);
    assert_int_equal(s.counters.broken, 0);
}

static const serving_case cases[] = {
    CASE(a_handler_that_closes_the_socket_itself_is_heard_all_the_same, ALL_MODES, 0),
    CASE(the_reply_arrives_whole_although_the_request_lies_unread, ALL_MODES, 0),
};

int main(void) {
    return run_cases(cases);
}

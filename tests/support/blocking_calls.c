/* SPDX-License-Identifier: MIT */
#include "blocking_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define LARGE (8 << 20)
static char large[LARGE];

/* Receiving. */

static void empty_tcp(situation *s) {
    wire w = tcp_wire(false);
    s->sock = w.sock;
    s->far = w.far;
}

static void send_line(situation *s) {
    assert_true(raw_write(s->far, "line\n", 5));
}

static int64_t call_recv(situation *s) {
    char buf[16];
    return hawser_recv(s->sock, buf, sizeof buf);
}

static int64_t call_recv_peek(situation *s) {
    char buf[16];
    return hawser_recv_flags(s->sock, buf, sizeof buf, MSG_PEEK);
}

static int64_t call_recv_waitall(situation *s) {
    char buf[5];
    return hawser_recv_flags(s->sock, buf, sizeof buf, MSG_WAITALL);
}

static int64_t call_recvfrom(situation *s) {
    char buf[16];
    hawser_addr peer;
    return hawser_recvfrom(s->sock, buf, sizeof buf, &peer);
}

static int64_t call_recv_exactly(situation *s) {
    char buf[5];
    return hawser_recv_exactly(s->sock, buf, sizeof buf);
}

static int64_t call_recvmsg(situation *s) {
    char buf[16];
    struct iovec part = {buf, sizeof buf};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    return hawser_recvmsg(s->sock, &msg, 0);
}

static void empty_unix(situation *s) {
    wire w = unix_wire(SOCK_STREAM);
    s->sock = w.sock;
    s->far = w.far;
}

static void empty_udp(situation *s) {
    int port;
    s->sock = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    assert_non_null(s->sock);
    assert_int_equal(hawser_bind(s->sock, "127.0.0.1", 0), 0);
    s->far = raw_datagrams(&port);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)raw_port(hawser_fileno(s->sock))),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(s->far, (struct sockaddr *)&to, sizeof to), 0);
}

static int64_t call_recv_fds(situation *s) {
    char buf[16];
    int fds[2];
    size_t count = 2;
    return hawser_recv_fds(s->sock, buf, sizeof buf, fds, &count, 0, NULL);
}

/* Sending. */

static void full_tcp(situation *s) {
    wire w = tcp_wire(true);
    s->sock = w.sock;
    s->far = w.far;
    while (stuff(s->sock) > 0)
        ;
}

/* A pair that the library made. Other than with TCP, full is full: no timer and no late acknowledgement makes room again. */
static void full_pair(situation *s) {
    hawser_sock *pair[2];
    assert_int_equal(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    s->sock = pair[0];
    s->far = hawser_detach(pair[1]);
    stuff(s->sock);
}

static void full_unix(situation *s) {
    empty_unix(s);
    stuff(s->sock);
}

static void full_datagrams(situation *s) {
    wire w = unix_wire(SOCK_DGRAM);
    s->sock = w.sock;
    s->far = w.far;
    stuff(s->sock);
}

/* Takes what comes until the sender is done. */
static bool taken(void *argument) {
    situation *s = argument;
    const struct timeval moment = {0, 10000};
    setsockopt(s->far, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment);
    raw_drain(s->far);
    return atomic_load(&s->run->done);
}

static void take_all(situation *s) {
    assert_true(wait_until(taken, s));
}

static int64_t call_send(situation *s) {
    return hawser_send(s->sock, "line\n", 5);
}

static int64_t call_sendall(situation *s) {
    return hawser_sendall(s->sock, large, 100000);
}

static int64_t call_sendmsg(situation *s) {
    struct iovec parts[] = {{(char[]){'l', 'i', 'n'}, 3}, {(char[]){'e', '\n'}, 2}};
    const struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};
    return hawser_sendmsg(s->sock, &msg, 0);
}

static int64_t call_send_fds(situation *s) {
    return hawser_send_fds(s->sock, "line\n", 5, (int[]){0, 1}, 2, 0);
}

/* A Unix datagram socket that waits for room at a receiver which does not read. */
static void full_receiver(situation *s) {
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", own_path("receiver"));
    unlink(sa.sun_path);
    s->far = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->far, (struct sockaddr *)&sa, sizeof sa), 0);
    s->sock = hawser_socket(AF_UNIX, SOCK_DGRAM, 0);
    hawser_settimeout(s->sock, 0);
    while (hawser_sendto(s->sock, large, 4096, sa.sun_path, 0) > 0)
        ;
    assert_int_equal(errno, EAGAIN);
}

static int64_t call_sendto(situation *s) {
    return hawser_sendto(s->sock, "line\n", 5, own_path("receiver"), 0);
}

/* Files. */

static void file_for_full_tcp(situation *s) {
    full_tcp(s);
    s->fds[0] = open(own_path("file"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(s->fds[0], large, 100000), 100000);
}

static int64_t call_sendfile(situation *s) {
    return hawser_sendfile(s->sock, s->fds[0], 0, 100000);
}

static void empty_pipe(situation *s) {
    empty_tcp(s);
    assert_int_equal(pipe(s->fds), 0);
}

static void write_to_pipe(situation *s) {
    assert_int_equal(write(s->fds[1], "line\n", 5), 5);
    close(s->fds[1]);
    s->fds[1] = -1;
}

static int64_t call_sendfile_from_pipe(situation *s) {
    return hawser_sendfile(s->sock, s->fds[0], -1, 0);
}

static void reading_file(situation *s) {
    empty_tcp(s);
    s->file = hawser_makefile(s->sock, "r");
    assert_non_null(s->file);
}

static int64_t call_readline(situation *s) {
    char line[16];
    return hawser_readline(s->file, line, sizeof line);
}

static int64_t call_read(situation *s) {
    char buf[5];
    return hawser_read(s->file, buf, sizeof buf);
}

static int64_t call_read_exactly(situation *s) {
    char buf[5];
    return hawser_read_exactly(s->file, buf, sizeof buf);
}

static void writing_file(situation *s) {
    full_pair(s);
    s->file = hawser_makefile(s->sock, "w");
    assert_non_null(s->file);
}

static int64_t call_flush(situation *s) {
    hawser_write(s->file, "line\n", 5);
    return hawser_flush(s->file);
}

static void pipe_file(situation *s) {
    assert_int_equal(pipe(s->fds), 0);
    s->file = hawser_file_from_fd(s->fds[0], "r");
    assert_non_null(s->file);
}

/* Connections. */

static void server(situation *s, const char *host) {
    s->sock = hawser_create_server(host, 0, NULL);
    assert_non_null(s->sock);
    s->port = raw_port(hawser_fileno(s->sock));
}

static void listening(situation *s) {
    server(s, "127.0.0.1");
}

static void listening_twice(situation *s) {
    server(s, "localhost");
}

static void connect_to_it(situation *s) {
    s->far = raw_connect(AF_INET, s->port);
}

static int64_t call_accept(situation *s) {
    s->made = hawser_accept(s->sock, NULL);
    return s->made ? 0 : -1;
}

static void nobody_answers(situation *s) {
    s->hole = dig_black_hole("127.0.0.1", 0);
    s->sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_non_null(s->sock);
}

static void only_the_hole(situation *s) {
    s->hole = dig_black_hole("127.0.0.1", 0);
}

static void make_room(situation *s) {
    close(raw_accept(s->hole.listener));
}

static int64_t call_connect(situation *s) {
    return hawser_connect(s->sock, "127.0.0.1", s->hole.port);
}

static int64_t call_create_connection(situation *s) {
    const hawser_connect_options options = {.timeout = s->timeout};
    s->made = hawser_create_connection("127.0.0.1", s->hole.port, &options);
    return s->made ? 0 : -1;
}

/* A Unix listener whose queue is full: trap 4. */
static void full_unix_listener(situation *s) {
    const char *path = own_path("full");
    unlink(path);
    s->fds[0] = raw_unix_listener(path, 0);
    s->fds[1] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    assert_int_equal(connect(s->fds[1], (struct sockaddr *)&sa, sizeof sa), 0);
    s->sock = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
}

static void accept_at_full(situation *s) {
    close(raw_accept(s->fds[0]));
}

static int64_t call_connect_unix(situation *s) {
    return hawser_connect(s->sock, own_path("full"), 0);
}

/* Nothing but time, and foreign descriptors. */

static void nothing(situation *s) {
    (void)s;
}

static int64_t call_sleep(situation *s) {
    return hawser_sleep(s->timeout > 0 ? s->timeout : 1e9);
}

static void just_a_pipe(situation *s) {
    assert_int_equal(pipe(s->fds), 0);
}

static int64_t call_wait_fd(situation *s) {
    return hawser_wait_fd(s->fds[0], HAWSER_READABLE, s->timeout);
}

const blocking_call blocking_calls[] = {
    {"recv", empty_tcp, call_recv, send_line, 5, EAGAIN, true},
    {"recv with MSG_PEEK", empty_tcp, call_recv_peek, send_line, 5, EAGAIN, true},
    {"recv with MSG_WAITALL", empty_tcp, call_recv_waitall, send_line, 5, EAGAIN, true},
    {"recv on an adopted socket", empty_unix, call_recv, send_line, 5, EAGAIN, true},
    {"recvfrom", empty_tcp, call_recvfrom, send_line, 5, EAGAIN, true},
    {"recvfrom of a datagram", empty_udp, call_recvfrom, send_line, 5, EAGAIN, true},
    {"recv_exactly", empty_tcp, call_recv_exactly, send_line, 5, EAGAIN, true},
    {"recvmsg", empty_tcp, call_recvmsg, send_line, 5, EAGAIN, true},
    {"recvmsg of a datagram", empty_udp, call_recvmsg, send_line, 5, EAGAIN, true},
    {"recv_fds", empty_unix, call_recv_fds, send_line, 5, EAGAIN, true},
    {"send", full_pair, call_send, take_all, 5, EAGAIN, true},
    {"send on an adopted socket", full_unix, call_send, take_all, 5, EAGAIN, true},
    {"sendall", full_tcp, call_sendall, take_all, 0, EAGAIN, true},
    {"sendmsg", full_pair, call_sendmsg, take_all, 5, EAGAIN, true},
    {"send of a datagram", full_datagrams, call_send, take_all, 5, EAGAIN, true},
    {"sendto", full_receiver, call_sendto, take_all, 5, EAGAIN, true},
    {"send_fds", full_unix, call_send_fds, take_all, 5, EAGAIN, true},
    {"sendfile", file_for_full_tcp, call_sendfile, take_all, 100000, EAGAIN, true},
    {"sendfile from a pipe", empty_pipe, call_sendfile_from_pipe, write_to_pipe, 5, EAGAIN, true},
    {"readline", reading_file, call_readline, send_line, 5, EAGAIN, false},
    {"read", reading_file, call_read, send_line, 5, EAGAIN, false},
    {"read_exactly", reading_file, call_read_exactly, send_line, 5, EAGAIN, false},
    {"flush", writing_file, call_flush, take_all, 0, EAGAIN, false},
    {"readline from a pipe", pipe_file, call_readline, write_to_pipe, 5, EAGAIN, false},
    {"accept", listening, call_accept, connect_to_it, 0, EAGAIN, true},
    {"accept on two addresses", listening_twice, call_accept, connect_to_it, 0, EAGAIN, true},
    {"connect", nobody_answers, call_connect, make_room, 0, EINPROGRESS, true},
    {"connect to a full Unix listener", full_unix_listener, call_connect_unix, accept_at_full, 0, EAGAIN, true},
    {"create_connection", only_the_hole, call_create_connection, make_room, 0, 0, false},
    {"sleep", nothing, call_sleep, NULL, 0, 0, false},
    {"wait_fd", just_a_pipe, call_wait_fd, write_to_pipe, HAWSER_READABLE, EAGAIN, false},
};
const size_t blocking_call_count = sizeof blocking_calls / sizeof *blocking_calls;

bool needs_descriptors(const blocking_call *blocking) {
    return blocking->call == call_send_fds || blocking->prepare == empty_pipe || blocking->prepare == pipe_file ||
           blocking->prepare == just_a_pipe;
}

situation situation_for(const blocking_call *blocking, double timeout) {
    situation s = {.blocking = blocking, .far = -1, .fds = {-1, -1}, .hole = {-1, -1, 0}, .timeout = timeout};
    blocking->prepare(&s);
    if (s.sock)
        assert_int_equal(hawser_settimeout(s.sock, timeout), 0);
    else if (s.file)
        assert_int_equal(hawser_file_settimeout(s.file, timeout), 0);
    return s;
}

void leave_situation(situation *s) {
    hawser_file_close(s->file);
    hawser_close(s->sock);
    hawser_close(s->made);
    fill_in(s->hole);
    const int fds[] = {s->far, s->fds[0], s->fds[1]};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

long make_call(void *argument) {
    situation *s = argument;
    return (long)s->blocking->call(s);
}

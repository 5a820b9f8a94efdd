/* SPDX-License-Identifier: MIT */
#include "engine_operations.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <hawser/world.h>

/* Receiving. */

static void empty_stream(struct scene *scene) {
    hawser__endpoint *pair[2];
    open_pair(SOCK_STREAM, pair);
    scene->self = pair[0];
    scene->far = pair[1];
}

static void empty_tcp(struct scene *scene) {
    hawser__endpoint *pair[2];
    open_tcp(pair);
    scene->self = pair[0];
    scene->far = pair[1];
}

static void empty_datagrams(struct scene *scene) {
    hawser__endpoint *pair[2];
    open_pair(SOCK_DGRAM, pair);
    scene->self = pair[0];
    scene->far = pair[1];
}

/* A connection that is reset has no more to say. Unix sockets of the kernel end instead. */
static void reset_far(struct scene *scene) {
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(ops()->setsockopt(scene->far, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close_endpoint(scene->far);
    scene->far = NULL;
}

static void send_four(struct scene *scene) {
    assert_int_equal(send_text(scene->far, "four"), 4);
}

static int64_t call_recv(struct scene *scene, hawser__deadline deadline) {
    char buf[16];
    return ops()->recv(scene->self, buf, sizeof buf, 0, deadline);
}

static int64_t call_peek(struct scene *scene, hawser__deadline deadline) {
    char buf[16];
    return ops()->recv(scene->self, buf, sizeof buf, MSG_PEEK, deadline);
}

static int64_t call_recvmsg(struct scene *scene, hawser__deadline deadline) {
    char a[2], b[14];
    struct iovec parts[] = {{a, sizeof a}, {b, sizeof b}};
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};
    return ops()->recvmsg(scene->self, &msg, 0, deadline);
}

static int64_t call_recvmmsg(struct scene *scene, hawser__deadline deadline) {
    char buf[2][8];
    struct iovec parts[2] = {{buf[0], sizeof buf[0]}, {buf[1], sizeof buf[1]}};
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = &parts[0], .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_iov = &parts[1], .msg_iovlen = 1}}};
    int came = ops()->recvmmsg(scene->self, messages, 2, 0, deadline);
    return came == 1 ? (int64_t)messages[0].msg_len : came;
}

static int64_t call_recv_lend(struct scene *scene, hawser__deadline deadline) {
    void *lent;
    ssize_t n = ops()->recv_lend(scene->self, &lent, 65536, deadline);
    if (n >= 0)
        ops()->give_back(scene->self, lent);
    return n;
}

/* Sending, mostly over Unix sockets: a TCP connection that was full may take a few bytes more a moment later. */

static void full_stream(struct scene *scene) {
    empty_stream(scene);
    fill(scene->self);
}

static void full_datagrams(struct scene *scene) {
    empty_datagrams(scene);
    fill(scene->self);
}

/* Full until nothing more has gone for a while, and with buffers that do not grow. */
static void full_tcp(struct scene *scene) {
    const int small = 4096;
    empty_tcp(scene);
    ops()->setsockopt(scene->self, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    ops()->setsockopt(scene->far, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int quiet = 0; quiet < 8; quiet = fill(scene->self) > 0 ? 0 : quiet + 1)
        rest_a_moment();
}

static void take_all(struct scene *scene) {
    drain(scene->far);
}

static int64_t call_send(struct scene *scene, hawser__deadline deadline) {
    return ops()->send(scene->self, "more", 4, 0, deadline);
}

static int64_t call_sendmsg(struct scene *scene, hawser__deadline deadline) {
    struct iovec parts[] = {{(char[]){'m', 'o'}, 2}, {(char[]){'r', 'e'}, 2}};
    const struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};
    return ops()->sendmsg(scene->self, &msg, 0, deadline);
}

static int64_t call_sendmmsg(struct scene *scene, hawser__deadline deadline) {
    struct iovec part = {(char[]){'m', 'o', 'r', 'e'}, 4};
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}}};
    int sent = ops()->sendmmsg(scene->self, messages, 2, 0, deadline);
    return sent > 0 ? (int64_t)messages[sent - 1].msg_len : sent;
}

static void file_for_full_stream(struct scene *scene) {
    full_stream(scene);
    scene->fds[0] = open(own_path("four"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(pwrite(scene->fds[0], "four", 4, 0), 4);
}

static int64_t call_sendfile(struct scene *scene, hawser__deadline deadline) {
    int64_t offset = 0;
    int64_t n = ops()->sendfile(scene->self, scene->fds[0], &offset, 4, deadline);
    return n > 0 && offset != n ? -1000 : n;
}

/* Splicing: self is the source or the target. */

static void splice_from_empty(struct scene *scene) {
    empty_stream(scene);
    open_pair(SOCK_STREAM, scene->more);
}

static void splice_to_full(struct scene *scene) {
    full_stream(scene);
    open_pair(SOCK_STREAM, scene->more);
    assert_int_equal(send_text(scene->more[1], "four"), 4);
}

static int64_t call_splice_from(struct scene *scene, hawser__deadline deadline) {
    return ops()->splice(scene->self, scene->more[0], 100, deadline);
}

static int64_t call_splice_to(struct scene *scene, hawser__deadline deadline) {
    return ops()->splice(scene->more[0], scene->self, 100, deadline);
}

static void splice_from_empty_tcp(struct scene *scene) {
    empty_tcp(scene);
    open_pair(SOCK_STREAM, scene->more);
}

/* Waiting itself, for one of two things. */

static int64_t call_await(struct scene *scene, hawser__deadline deadline) {
    struct hawser__interest interests[] = {{.endpoint = scene->self, .direction = HAWSER__IN},
                                           {.endpoint = scene->more[0], .direction = HAWSER__IN}};
    int result = ops()->await(interests, 2, deadline);
    return result == 0 && !interests[0].ready ? -1000 : result;
}

/* For a foreign descriptor, in the service of a call on an endpoint. */

static void empty_pipe(struct scene *scene) {
    empty_stream(scene);
    assert_int_equal(pipe2(scene->fds, O_CLOEXEC), 0);
}

static int64_t call_wait_fd(struct scene *scene, hawser__deadline deadline) {
    return ops()->wait_fd(subject.engine, scene->self, scene->fds[0], HAWSER_READABLE, deadline);
}

static void write_to_pipe(struct scene *scene) {
    assert_int_equal(write(scene->fds[1], "x", 1), 1);
}

static void hang_up_pipe(struct scene *scene) {
    close(scene->fds[1]);
    scene->fds[1] = -1;
}

/* Accepting. */

static void one_listener(struct scene *scene) {
    scene->self = open_listener(AF_INET, 5, &scene->addr);
}

static void unix_listener(struct scene *scene) {
    scene->self = open_listener(AF_UNIX, 5, &scene->addr);
}

/* The connection comes to the second one. */
static void two_listeners(struct scene *scene) {
    hawser_addr other;
    scene->more[0] = open_listener(AF_INET, 5, &other);
    scene->self = open_listener(AF_INET6, 5, &scene->addr);
}

static void connect_to_it(struct scene *scene) {
    scene->far = open_endpoint(hawser_addr_family(&scene->addr), SOCK_STREAM);
    assert_int_equal(connect_endpoint(scene->far, &scene->addr, in_seconds(WAIT_LIMIT)), 0);
}

static int64_t call_accept(struct scene *scene, hawser__deadline deadline) {
    hawser__endpoint *listeners[2] = {scene->more[0] ? scene->more[0] : scene->self, scene->self};
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    return ops()->accept(listeners, scene->more[0] ? 2 : 1, (struct sockaddr *)&ss, &len, deadline, &scene->made);
}

/* Connecting: far is a listener whose queue is full, more[0] sits in it. */

static void connect_in_vain(struct scene *scene, int family, size_t others) {
    scene->far = open_listener(family, 0, &scene->addr);
    scene->more[0] = open_endpoint(family, SOCK_STREAM);
    assert_int_equal(connect_endpoint(scene->more[0], &scene->addr, in_seconds(WAIT_LIMIT)), 0);
    for (size_t i = 0; i <= others; i++) {
        hawser__endpoint *made = open_endpoint(family, SOCK_STREAM);
        *(i == 0 ? &scene->self : &scene->more[i]) = made;
        assert_int_equal(ops()->connect_begin(made, (struct sockaddr *)&scene->addr.ss, scene->addr.len), -EINPROGRESS);
    }
}

static void full_unix_queue(struct scene *scene) {
    connect_in_vain(scene, AF_UNIX, 0);
}

static void full_tcp_queue(struct scene *scene) {
    connect_in_vain(scene, AF_INET, 0);
}

static void full_tcp_queue_for_two(struct scene *scene) {
    connect_in_vain(scene, AF_INET, 1);
}

static void make_room(struct scene *scene) {
    scene->more[2] = accept_one(scene->far);
}

static void refuse_all(struct scene *scene) {
    close_endpoint(scene->far);
    scene->far = NULL;
}

static int64_t call_connect_wait(struct scene *scene, hawser__deadline deadline) {
    hawser__endpoint *both[2] = {scene->self, scene->more[1]};
    int finished = ops()->connect_wait(both, both[1] ? 2 : 1, deadline);
    return finished < 0 ? finished : ops()->connect_result(both[finished]);
}

const struct operation operations[] = {
    {"recv", empty_stream, call_recv, send_four, .expected = 4},
    {"recv on TCP", empty_tcp, call_recv, send_four, .expected = 4, .reset = reset_far},
    {"recv of a datagram", empty_datagrams, call_recv, send_four, .expected = 4},
    {"recv with MSG_PEEK", empty_stream, call_peek, send_four, .expected = 4},
    {"recvmsg", empty_stream, call_recvmsg, send_four, .expected = 4},
    {"recvmsg on TCP", empty_tcp, call_recvmsg, send_four, .expected = 4, .reset = reset_far},
    {"recvmsg of a datagram", empty_datagrams, call_recvmsg, send_four, .expected = 4},
    {"recvmmsg of datagrams", empty_datagrams, call_recvmmsg, send_four, .expected = 4},
    {"recv_lend", empty_stream, call_recv_lend, send_four, .expected = 4},
    {"recv_lend on TCP", empty_tcp, call_recv_lend, send_four, .expected = 4, .reset = reset_far},
    {"send", full_stream, call_send, take_all, .expected = 4, .reset = reset_far},
    {"send over TCP", full_tcp, call_send, NULL, .expected = 4, .reset = reset_far},
    {"send of a datagram", full_datagrams, call_send, take_all, .expected = 4},
    {"sendmsg", full_stream, call_sendmsg, take_all, .expected = 4, .reset = reset_far},
    {"sendmsg of a datagram", full_datagrams, call_sendmsg, take_all, .expected = 4},
    {"sendmmsg of datagrams", full_datagrams, call_sendmmsg, take_all, .expected = 4},
    {"sendfile", file_for_full_stream, call_sendfile, take_all, .expected = 4, .reset = reset_far, .needs_foreign = true},
    {"splice from", splice_from_empty, call_splice_from, send_four, .expected = 4},
    {"splice from TCP", splice_from_empty_tcp, call_splice_from, send_four, .expected = 4, .reset = reset_far},
    {"splice to", splice_to_full, call_splice_to, take_all, .expected = 4, .reset = reset_far},
    {"await", splice_from_empty, call_await, send_four, .expected = 0, .reset = reset_far, .only_hints = true},
    {"wait_fd", empty_pipe, call_wait_fd, write_to_pipe, .expected = HAWSER_READABLE, .reset = hang_up_pipe,
     .needs_foreign = true},
    {"accept", one_listener, call_accept, connect_to_it, .expected = 0},
    {"accept on a Unix name", unix_listener, call_accept, connect_to_it, .expected = 0},
    {"accept on two listeners", two_listeners, call_accept, connect_to_it, .expected = 0},
    {"connect to a Unix name", full_unix_queue, call_connect_wait, make_room, .expected = 0, .reset = refuse_all},
    {"connect over TCP", full_tcp_queue, call_connect_wait, make_room, .expected = 0, .reset = refuse_all},
    {"two connects over TCP", full_tcp_queue_for_two, call_connect_wait, make_room, .expected = 0},
};

const size_t operation_count = sizeof operations / sizeof *operations;

bool waits_for_connection(const struct operation *operation) {
    return operation->call == call_connect_wait;
}

bool takes_long(const struct operation *operation) {
    return subject.foreign && waits_for_connection(operation) && operation->prepare != full_unix_queue;
}

struct scene make_scene(const struct operation *operation) {
    struct scene scene = {.operation = operation, .fds = {-1, -1}};
    operation->prepare(&scene);
    return scene;
}

void strike_scene(struct scene *scene) {
    close_endpoint(scene->self);
    close_endpoint(scene->far);
    close_endpoint(scene->made);
    for (size_t i = 0; i < sizeof scene->more / sizeof *scene->more; i++)
        close_endpoint(scene->more[i]);
    for (size_t i = 0; i < 2; i++)
        if (scene->fds[i] >= 0)
            close(scene->fds[i]);
}

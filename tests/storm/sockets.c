/* SPDX-License-Identifier: MIT */
/*
 * Fibers of several workers at the same sockets: they open, connect, accept, send, receive under deadlines, shut, close, and
 * cancel each other, whatever comes first. Every call has to end in time with one of the results that its header allows, and
 * what one side receives is what the other has sent.
 */
#include "storm.h"

#include <hawser/channel.h>
#include <hawser/deadline.h>
#include <hawser/dial.h>
#include <hawser/group.h>
#include <hawser/io.h>
#include <hawser/listen.h>
#include <hawser/sock.h>
#include <hawser/world.h>

#include <errno.h>
#include <string.h>

#define PAIRS 2
#define DEEDS 5
#define LATE 60.0

struct storm {
    hawser_sock *listener;
    int port;
    hawser_sock *ends[2 * PAIRS];      /* pair I is ends 2 I and 2 I + 1; the references are the storm's */
    unsigned char sent[2 * PAIRS], received[2 * PAIRS];   /* the next byte that end sends, and that it has to receive */
    bool sending[2 * PAIRS], receiving[2 * PAIRS];        /* somebody counts on these */
    hawser_group *others;
};

static bool one_of(int code, const int *codes) {
    for (; *codes; codes++)
        if (code == *codes)
            return true;
    return false;
}

#define ALLOWED(...) ((const int[]){__VA_ARGS__, ETIMEDOUT, EAGAIN, ECANCELED, EBADF, EBUSY, 0})
#define CHECK(result, ...) MUST((result) >= 0 || one_of(errno, ALLOWED(__VA_ARGS__)))

static void do_send(struct storm *storm, size_t end) {
    unsigned char data[64];
    size_t size = 1 + hawser_sim_random(sizeof data);
    if (storm->sending[end])
        return;
    storm->sending[end] = true;
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)(storm->sent[end] + i);
    ssize_t n = hawser_send(storm->ends[end], data, size);
    CHECK(n, EPIPE, ECONNRESET, ENOTCONN);
    if (n > 0)
        storm->sent[end] = (unsigned char)(storm->sent[end] + n);
    storm->sending[end] = false;
}

static void do_recv(struct storm *storm, size_t end) {
    unsigned char data[64];
    if (storm->receiving[end])
        return;
    storm->receiving[end] = true;
    ssize_t n = hawser_recv(storm->ends[end], data, 1 + hawser_sim_random(sizeof data));
    CHECK(n, ECONNRESET, ENOTCONN, EPIPE);
    for (ssize_t i = 0; i < n; i++)
        MUST(data[i] == storm->received[end]++);
    storm->receiving[end] = false;
}

/* Beside whoever is there already: it must be told so, or get nothing. */
static void do_intrude(struct storm *storm, size_t end) {
    unsigned char byte;
    if (storm->receiving[end])
        CHECK(hawser_recv_flags(storm->ends[end], &byte, 1, MSG_PEEK), ECONNRESET, ENOTCONN, EPIPE);
}

static void do_shutdown(struct storm *storm, size_t end) {
    CHECK(hawser_shutdown(storm->ends[end], hawser_sim_random(2) ? SHUT_WR : SHUT_RDWR), ENOTCONN, ECONNRESET);
}

/* Closing drops a reference: one of the closer's own. */
static void close_shared(hawser_sock *sock) {
    hawser_close(hawser_ref(sock));
}

static void do_close(struct storm *storm, size_t end) {
    close_shared(storm->ends[end]);
}

static void do_accept(struct storm *storm, size_t end) {
    hawser_addr peer;
    (void)end;
    hawser_sock *sock = hawser_accept(storm->listener, &peer);
    MUST(sock || one_of(errno, ALLOWED(ECONNABORTED)));
    hawser_close(sock);
}

static void do_connect(struct storm *storm, size_t end) {
    hawser_connect_options options = {.timeout = 0.05};
    (void)end;
    hawser_sock *sock = hawser_create_connection("127.0.0.1", storm->port, &options);
    MUST(sock || one_of(errno, ALLOWED(ECONNREFUSED, ECONNRESET)));
    if (sock)
        CHECK(hawser_send(sock, "x", 1), EPIPE, ECONNRESET);
    hawser_close(sock);
}

static void do_cancel(struct storm *storm, size_t end) {
    (void)end;
    hawser_group_cancel(storm->others);
}

static void do_close_listener(struct storm *storm, size_t end) {
    (void)end;
    close_shared(storm->listener);
}

static void do_deed(struct storm *storm) {
    static void (*const deeds[])(struct storm *storm, size_t end) = {
        do_send, do_recv, do_send, do_recv, do_send, do_recv, do_intrude, do_shutdown, do_close, do_accept, do_connect,
        do_accept, do_connect, do_cancel, do_close_listener};
    int64_t outer = hawser_deadline_push(0.001 * (double)(1 + hawser_sim_random(50)));
    deeds[hawser_sim_random(sizeof deeds / sizeof *deeds)](storm, hawser_sim_random(2 * PAIRS));
    hawser_deadline_pop(outer);
}

static int act(void *arg) {
    for (int i = 0; i < DEEDS; i++) {
        do_deed(arg);
        if (hawser_sim_random(4) == 0)
            hawser_yield();
    }
    return 0;
}

static void open_all(struct storm *storm) {
    storm->listener = hawser_create_server("127.0.0.1", 0, NULL);
    MUST(storm->listener);
    hawser_addr own;
    MUST(hawser_getsockname(storm->listener, &own) == 0);
    storm->port = (int)hawser_addr_port(&own);
    for (size_t i = 0; i < PAIRS; i++)
        MUST(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, &storm->ends[2 * i]) == 0);
}

static void close_all(struct storm *storm) {
    for (size_t i = 0; i < 2 * PAIRS; i++)
        hawser_close(storm->ends[i]);
    hawser_close(storm->listener);
}

static int storm(void *arg) {
    const int *workers = arg;
    struct storm storm = {.others = hawser_group_open(NULL)};
    open_all(&storm);
    for (int i = 0; i < 2 * *workers; i++) {
        hawser_go_options options = {.group = storm.others, .worker = 1 + i % *workers};
        MUST(hawser_go_with(&options, act, &storm) == 0 || errno == ECANCELED);
    }
    (void)act(&storm);
    MUST(hawser_group_wait(storm.others) == 0);
    hawser_group_close(storm.others);
    close_all(&storm);
    return 0;
}

static int scenario(void *arg) {
    int workers = storm_workers();
    hawser_run_options options = {.workers = workers};
    (void)arg;
    int result = hawser_run(storm, &workers, &options);
    MUST(hawser_sim_now() < LATE);
    return result;
}

const struct scene storm_sockets = {.name = "sockets", .scenario = scenario,
                                    .model = {.short_reads = 0.2, .short_writes = 0.2}};

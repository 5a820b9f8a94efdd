/* SPDX-License-Identifier: MIT */
/*
 * The closed loop: N connections, one request under way on each. The loop is edge-triggered and registers once, like the
 * server it is to keep busy.
 *
 * A connection is IDLE (nothing under way) or has a request of which `sent` bytes went out and `received` bytes of the reply
 * came back. A new request starts at once when the old one is answered, unless the loop is to stop.
 */
#include "load.h"

#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BATCH 512
#define INPUT 262144
#define OPEN_AT_ONCE 500

struct connection {
    int fd;
    uint32_t turn; /* which request of the script */
    size_t sent, received;
};

struct load {
    const struct settings *settings;
    struct script script;
    struct connection *connections;
    uint8_t *first;
    size_t opened, busy;
    int epoll;
    bool stopping;
    uint64_t answered;
    char input[INPUT];
};

static void send_rest(struct load *load, struct connection *connection) {
    const struct script *script = &load->script;
    const char *request = script->requests + connection->turn * script->request_size;
    while (connection->sent < script->request_size) {
        ssize_t n = send(connection->fd, request + connection->sent, script->request_size - connection->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            bench_die("send");
        connection->sent += (size_t)n;
    }
}

static void start_request(struct load *load, struct connection *connection) {
    connection->sent = connection->received = 0;
    connection->turn = (connection->turn + 1) % (uint32_t)load->script.count;
    load->busy++;
    send_rest(load, connection);
}

/* Compares SIZE bytes with the reply under way. */
static void verify(struct load *load, struct connection *connection, size_t size) {
    const struct script *script = &load->script;
    errno = 0;
    if (connection->received + size > script->reply_size)
        bench_die("the server says more than it was asked");
    if (script->replies) {
        const char *reply = script->replies + connection->turn * script->reply_size;
        if (memcmp(load->input, reply + connection->received, size) != 0)
            bench_die("a reply is wrong");
    } else if (connection->received == 0) {
        load->first[connection - load->connections] = (uint8_t)load->input[0];
    }
    connection->received += size;
}

static void receive(struct load *load, struct connection *connection) {
    for (;;) {
        ssize_t n = recv(connection->fd, load->input, INPUT, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n == 0)
            errno = ECONNRESET;
        if (n <= 0)
            bench_die("receive");
        verify(load, connection, (size_t)n);
        if (connection->received == load->script.reply_size) {
            load->answered++;
            load->busy--;
            if (load->stopping)
                return;
            start_request(load, connection);
        }
        if (n < INPUT)
            return;
    }
}

/* One wait and what it brought. */
static void turn(struct load *load) {
    struct epoll_event events[BATCH];
    int count = epoll_wait(load->epoll, events, BATCH, (int)(load->settings->patience * 1000));
    errno = count == 0 ? ETIMEDOUT : errno;
    if (count <= 0 && errno != EINTR)
        bench_die("wait for the server");
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            receive(load, connection);
        if (events[i].events & EPOLLOUT)
            send_rest(load, connection);
    }
}

static void drain(struct load *load) {
    load->stopping = true;
    while (load->busy > 0)
        turn(load);
}

static void add_connection(struct load *load) {
    struct connection *connection = &load->connections[load->opened];
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = connection};
    connection->fd = open_connection(load->settings, load->opened);
    connection->turn = (uint32_t)(load->opened % load->script.count);
    connection->sent = load->script.request_size; /* nothing to send yet */
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
        bench_die("epoll_ctl");
    load->opened++;
}

struct load *closed_open(const struct settings *settings, const struct script *script) {
    struct load *load = calloc(1, sizeof *load);
    if (!load)
        bench_die("memory");
    *load = (struct load){.settings = settings, .script = *script, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    load->connections = calloc(settings->connections, sizeof *load->connections);
    load->first = calloc(settings->connections, 1);
    if (load->epoll < 0 || !load->connections || !load->first)
        bench_die("open");
    /* One answered request for each before more come: the queue of the listener never overflows. */
    while (load->opened < settings->connections) {
        size_t begin = load->opened;
        while (load->opened < settings->connections && load->opened - begin < OPEN_AT_ONCE)
            add_connection(load);
        load->stopping = true;
        for (size_t i = begin; i < load->opened; i++)
            start_request(load, &load->connections[i]);
        drain(load);
    }
    return load;
}

void closed_each_once(struct load *load) {
    load->stopping = true;
    for (size_t i = 0; i < load->opened; i++)
        start_request(load, &load->connections[i]);
    drain(load);
}

const uint8_t *closed_first_bytes(struct load *load) {
    return load->first;
}

static void run_until(struct load *load, int64_t deadline) {
    while (bench_now() < deadline)
        turn(load);
}

void closed_run(struct load *load) {
    const struct settings *settings = load->settings;
    load->stopping = false;
    for (size_t i = 0; i < load->opened; i++)
        start_request(load, &load->connections[i]);
    run_until(load, bench_now() + (int64_t)(settings->warm * 1e9));
    struct window window;
    window_begin(&window, settings->server);
    uint64_t before = load->answered;
    run_until(load, window.begin + (int64_t)(settings->seconds * 1e9));
    window_end(&window, settings->server);
    window.requests = load->answered - before;
    drain(load);
    window_print(&window);
}

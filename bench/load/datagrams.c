/* SPDX-License-Identifier: MIT */
/*
 * Datagrams in a closed loop: DEPTH of them in flight from one socket. Each carries its number and bytes that follow from it;
 * every one that comes back is compared, and replaced by a new one. A datagram that is lost ends the run: on loopback, with
 * few in flight, none is.
 *
 * With SEGMENTS above 1 they are sent so many at a time, as one message that the kernel cuts (GSO), and taken as it joins them
 * (GRO): bulk, as a file or a stream of video is. A server that asks for it gets them joined as well.
 */
#include "load.h"

#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 64
#define LARGEST 2048
#define SEGMENTS 40
#define JOINED 65536

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

struct datagrams {
    int fd;
    size_t size, segments;
    uint64_t next, done;
    char bulk_out[SEGMENTS * LARGEST], bulk_in[JOINED];
    char out[BATCH][LARGEST], in[BATCH][LARGEST];
    struct iovec out_pieces[BATCH], in_pieces[BATCH];
    struct mmsghdr outs[BATCH], ins[BATCH];
};

static void fill(char *data, size_t size, uint64_t number) {
    memset(data, (int)(number * 131 >> 3 & 0xff), size);
    memcpy(data, &number, sizeof number);
}

static void prepare(struct datagrams *load) {
    for (int i = 0; i < BATCH; i++) {
        load->out_pieces[i] = (struct iovec){.iov_base = load->out[i], .iov_len = load->size};
        load->in_pieces[i] = (struct iovec){.iov_base = load->in[i], .iov_len = LARGEST};
        load->outs[i].msg_hdr = (struct msghdr){.msg_iov = &load->out_pieces[i], .msg_iovlen = 1};
        load->ins[i].msg_hdr = (struct msghdr){.msg_iov = &load->in_pieces[i], .msg_iovlen = 1};
    }
}

static void send_some(struct datagrams *load, size_t count) {
    for (size_t i = 0; i < count; i++)
        fill(load->out[i], load->size, load->next++);
    for (size_t sent = 0; sent < count;) {
        int n = sendmmsg(load->fd, load->outs + sent, (unsigned)(count - sent), 0);
        if (n < 0)
            bench_die("send");
        sent += (size_t)n;
    }
}

static size_t receive_some(struct datagrams *load) {
    int count = recvmmsg(load->fd, load->ins, BATCH, MSG_WAITFORONE, NULL);
    if (count < 0)
        bench_die("a datagram was lost");
    for (int i = 0; i < count; i++) {
        uint64_t number;
        char expected[LARGEST];
        memcpy(&number, load->in[i], sizeof number);
        fill(expected, load->size, number);
        errno = 0;
        if (load->ins[i].msg_len != load->size || number >= load->next || memcmp(expected, load->in[i], load->size) != 0)
            bench_die("a reply is wrong");
    }
    return (size_t)count;
}

/* Bulk. */

static void send_bulk(struct datagrams *load) {
    for (size_t i = 0; i < load->segments; i++)
        fill(load->bulk_out + i * load->size, load->size, load->next++);
    if (send(load->fd, load->bulk_out, load->segments * load->size, 0) < 0)
        bench_die("send");
}

/* Whatever was joined has the size of what was sent, but for the last. How many came. */
static size_t receive_bulk(struct datagrams *load) {
    ssize_t n = recv(load->fd, load->bulk_in, JOINED, 0);
    if (n < 0)
        bench_die("a datagram was lost");
    errno = 0;
    if (n == 0 || (size_t)n % load->size != 0)
        bench_die("a reply is of the wrong size");
    for (size_t at = 0; at < (size_t)n; at += load->size) {
        uint64_t number;
        char expected[LARGEST];
        memcpy(&number, load->bulk_in + at, sizeof number);
        fill(expected, load->size, number);
        if (number >= load->next || memcmp(expected, load->bulk_in + at, load->size) != 0)
            bench_die("a reply is wrong");
    }
    return (size_t)n / load->size;
}

static void run_bulk_until(struct datagrams *load, int64_t deadline) {
    static size_t owed;
    while (bench_now() < deadline)
        for (owed += receive_bulk(load); owed >= load->segments; owed -= load->segments) {
            load->done += load->segments;
            send_bulk(load);
        }
}

static void prepare_bulk(struct datagrams *load) {
    int segment = (int)load->size, on = 1, room = 1 << 22;
    if (setsockopt(load->fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) < 0 ||
        setsockopt(load->fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) < 0)
        bench_die("segmentation");
    setsockopt(load->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
}

static void begin(struct datagrams *load, size_t depth) {
    if (load->segments == 1) {
        prepare(load);
        send_some(load, depth);
        return;
    }
    prepare_bulk(load);
    for (size_t sent = 0; sent < depth; sent += load->segments)
        send_bulk(load);
}

static void run_until(struct datagrams *load, int64_t deadline) {
    if (load->segments > 1) {
        run_bulk_until(load, deadline);
        return;
    }
    while (bench_now() < deadline) {
        size_t count = receive_some(load);
        load->done += count;
        send_some(load, count);
    }
}

static int open_to(const struct settings *settings) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)settings->port)};
    int64_t us = (int64_t)(settings->patience * 1e6);
    struct timeval patience = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
    inet_pton(AF_INET, BENCH_HOST, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        bench_die("socket");
    return fd;
}

void load_datagrams(const struct settings *settings) {
    static struct datagrams load;
    errno = 0;
    if (settings->size < sizeof(uint64_t) || settings->size > LARGEST || settings->depth > BATCH * settings->segments ||
        settings->segments < 1 || settings->segments > SEGMENTS || settings->segments * settings->size >= JOINED)
        bench_die("size, depth or segments of datagrams");
    load.size = settings->size;
    load.segments = settings->segments;
    load.fd = open_to(settings);
    begin(&load, settings->depth);
    run_until(&load, bench_now() + (int64_t)(settings->warm * 1e9));
    struct window window;
    window_begin(&window, settings->server);
    uint64_t before = load.done;
    run_until(&load, window.begin + (int64_t)(settings->seconds * 1e9));
    window_end(&window, settings->server);
    window.requests = load.done - before;
    window_print(&window);
}

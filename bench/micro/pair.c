/* SPDX-License-Identifier: MIT */
/*
 * What our send and recv add to the system calls: 64 bytes through a pair of Unix sockets and back out, without waiting, in a
 * fiber, and the same bare.
 */
#include "micro.h"
#include "serve.h"
#include "support.h"

#define TIMES 100000
#define SIZE 64

static void through_ours(void *arg, size_t times) {
    hawser_sock **pair = arg;
    char data[SIZE] = "";
    for (size_t i = 0; i < times; i++) {
        if (hawser_sendall(pair[0], data, SIZE) < 0 || hawser_recv(pair[1], data, SIZE) != SIZE)
            serve_die();
    }
}

static void through_bare(void *arg, size_t times) {
    const int *pair = arg;
    char data[SIZE] = "";
    for (size_t i = 0; i < times; i++) {
        if (send(pair[0], data, SIZE, MSG_NOSIGNAL) != SIZE || recv(pair[1], data, SIZE, 0) != SIZE)
            bench_die("socketpair");
    }
}

static int measure(void *arg) {
    (void)arg;
    hawser_sock *pair[2];
    int bare[2];
    if (hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, bare) < 0)
        bench_die("socketpair");
    double ours = micro_best(through_ours, pair, TIMES), theirs = micro_best(through_bare, bare, TIMES);
    micro_print("send_recv", ours, "ns");
    micro_print("send_recv_bare", theirs, "ns");
    micro_print("send_recv_added", ours - theirs, "ns");
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    return 0;
}

int main(void) {
    return serve_run(1, measure, NULL);
}

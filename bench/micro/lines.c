/* SPDX-License-Identifier: MIT */
/*
 * What readline and printf add to the system calls: a batch of lines through a pair of Unix sockets, answered and sent back, in
 * a fiber; the same with memchr and mempcpy between two large buffers; per line.
 */
#include "micro.h"
#include "serve.h"
#include "support.h"

#include <string.h>

#define TIMES 100000
#define DEPTH 64
#define LINE "set key:00000042 value:0000abcd\n"
#define LINE_SIZE (sizeof LINE - 1)
#define PREFIX "OK..."
#define PREFIX_SIZE (sizeof PREFIX - 1)
#define REPLY_SIZE (DEPTH * (PREFIX_SIZE + LINE_SIZE))

struct pair {
    int client;
    int bare; /* the other end, which the files have too */
    hawser_file *r, *w;
    char request[DEPTH * LINE_SIZE], reply[REPLY_SIZE];
};

static void ask(struct pair *pair) {
    if (send(pair->client, pair->request, sizeof pair->request, MSG_NOSIGNAL) != sizeof pair->request)
        bench_die("send");
}

static void hear(struct pair *pair) {
    if (recv(pair->client, pair->reply, REPLY_SIZE, MSG_WAITALL) != REPLY_SIZE)
        bench_die("recv");
}

static void through_ours(void *arg, size_t times) {
    struct pair *pair = arg;
    char line[256];
    for (size_t i = 0; i < times / DEPTH; i++) {
        ask(pair);
        for (size_t j = 0; j < DEPTH; j++) {
            if (hawser_readline(pair->r, line, sizeof line) <= 0 || hawser_printf(pair->w, "OK...%s", line) < 0)
                serve_die();
        }
        if (hawser_flush(pair->w) < 0)
            serve_die();
        hear(pair);
    }
}

static void answer_bare(struct pair *pair) {
    static char input[65536], output[65536];
    ssize_t size = recv(pair->bare, input, sizeof input, 0);
    const char *at = input, *newline;
    char *out = output;
    while ((newline = memchr(at, '\n', (size_t)(input + size - at)))) {
        size_t line = (size_t)(newline + 1 - at);
        out = mempcpy(mempcpy(out, PREFIX, PREFIX_SIZE), at, line);
        at += line;
    }
    if (send(pair->bare, output, (size_t)(out - output), MSG_NOSIGNAL) < 0)
        bench_die("send");
}

static void through_bare(void *arg, size_t times) {
    struct pair *pair = arg;
    for (size_t i = 0; i < times / DEPTH; i++) {
        ask(pair);
        answer_bare(pair);
        hear(pair);
    }
}

static int measure(void *arg) {
    (void)arg;
    int fds[2];
    static struct pair pair;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        bench_die("socketpair");
    hawser_sock *sock = hawser_sock_from_fd(fds[1]);
    pair.client = fds[0];
    pair.bare = fds[1];
    pair.r = hawser_makefile(sock, "r");
    pair.w = hawser_makefile(sock, "w");
    if (!pair.r || !pair.w)
        serve_die();
    for (size_t i = 0; i < DEPTH; i++)
        memcpy(pair.request + i * LINE_SIZE, LINE, LINE_SIZE);
    double ours = micro_best(through_ours, &pair, TIMES), theirs = micro_best(through_bare, &pair, TIMES);
    micro_print("line", ours, "ns");
    micro_print("line_bare", theirs, "ns");
    micro_print("line_added", ours - theirs, "ns");
    hawser_file_close(pair.r);
    hawser_file_close(pair.w);
    hawser_close(sock);
    return 0;
}

int main(void) {
    return serve_run(1, measure, NULL);
}

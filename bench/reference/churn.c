/* SPDX-License-Identifier: MIT */
/*
 * The server of short connections to be measured against: accept, read one request of 64 bytes, write it back, close. One
 * listener, edge-triggered; the request is tried at once after accept and most often is there, so that such a connection is
 * never registered with epoll at all.
 */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 512
#define REQUEST 64

struct connection {
    char part[REQUEST];
    uint32_t size;
    bool registered;
};

static struct connection *connections; /* by descriptor */
static int epoll;

static void end(int fd) {
    connections[fd].size = 0;
    connections[fd].registered = false;
    close(fd);
}

static void wait_for_more(int fd) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = fd};
    if (!connections[fd].registered && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        bench_die("epoll_ctl");
    connections[fd].registered = true;
}

static void serve(int fd) {
    struct connection *connection = &connections[fd];
    while (connection->size < REQUEST) {
        ssize_t n = recv(fd, connection->part + connection->size, REQUEST - connection->size, 0);
        if (n < 0 && errno == EAGAIN) {
            wait_for_more(fd);
            return;
        }
        if (n <= 0) {
            end(fd);
            return;
        }
        connection->size += (uint32_t)n;
    }
    send(fd, connection->part, REQUEST, MSG_NOSIGNAL); /* an empty send buffer takes it whole */
    end(fd);
}

static void accept_all(int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        serve(fd);
    if (errno != EAGAIN && errno != ECONNABORTED)
        bench_die("accept");
}

int main(void) {
    static struct epoll_event events[BATCH];
    connections = calloc(bench_raise_files(), sizeof *connections);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = bench_listen();
    struct epoll_event listening = {.events = EPOLLIN, .data.fd = listener};
    if (!connections || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &listening) < 0)
        bench_die("start");
    bench_say_port_of(listener);
    for (;;) {
        int count = epoll_wait(epoll, events, BATCH, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_all(listener);
            else
                serve(events[i].data.fd);
        }
    }
}

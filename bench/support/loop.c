/* SPDX-License-Identifier: MIT */
/* The frame of the reference servers: see loop.h. libc only. */
#include "loop.h"

#include "support.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 512

static void accept_all(int epoll, int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            bench_die("epoll_ctl");
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        bench_die("accept");
}

_Noreturn void loop_run(loop_serve *serve) {
    static struct epoll_event events[BATCH];
    int epoll = epoll_create1(EPOLL_CLOEXEC), listener = bench_listen();
    struct epoll_event listening = {.events = EPOLLIN, .data.fd = listener};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &listening) < 0)
        bench_die("epoll");
    bench_say_port_of(listener);
    for (;;) {
        int count = epoll_wait(epoll, events, BATCH, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_all(epoll, listener);
            else
                serve(events[i].data.fd, events[i].events);
        }
    }
}

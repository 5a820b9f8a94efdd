/* SPDX-License-Identifier: MIT */
/*
 * Short connections: connect, one request, its reply, the server's end, close; N of them under way at a time. The server closes
 * first, so the ports used up by TIME_WAIT are on its side, where they are one and the same.
 */
#include "load.h"

#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 512

struct visit {
    int fd;
    uint32_t turn;
    bool asked;
    size_t received;
};

struct churn {
    const struct settings *settings;
    struct script script;
    int epoll;
    size_t begun;
    uint64_t done;
};

static void begin(struct churn *churn, struct visit *visit) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = visit};
    size_t turn = churn->begun++;
    *visit = (struct visit){.turn = (uint32_t)(turn % churn->script.count)};
    /* Spread over four source addresses: ports in TIME_WAIT are then seldom met again. */
    visit->fd = begin_connection(churn->settings, turn % 40000);
    if (epoll_ctl(churn->epoll, EPOLL_CTL_ADD, visit->fd, &event) < 0)
        bench_die("epoll_ctl");
}

static void ask(struct churn *churn, struct visit *visit) {
    const struct script *script = &churn->script;
    const char *request = script->requests + visit->turn * script->request_size;
    if (send(visit->fd, request, script->request_size, MSG_NOSIGNAL) != (ssize_t)script->request_size)
        bench_die("send");
    visit->asked = true;
}

/* True at the end of the visit. */
static bool listen_to(struct churn *churn, struct visit *visit) {
    const struct script *script = &churn->script;
    const char *reply = script->replies + visit->turn * script->reply_size;
    char input[4096];
    ssize_t n;
    while ((n = recv(visit->fd, input, sizeof input, 0)) > 0) {
        errno = 0;
        if (visit->received + (size_t)n > script->reply_size || memcmp(input, reply + visit->received, (size_t)n) != 0)
            bench_die("a reply is wrong");
        visit->received += (size_t)n;
    }
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n == 0)
        errno = 0;
    if (n < 0 || visit->received != script->reply_size)
        bench_die("the server left before it had answered");
    return true;
}

static void step(struct churn *churn, struct visit *visit, uint32_t events) {
    if (!visit->asked && (events & EPOLLOUT))
        ask(churn, visit);
    if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) || !listen_to(churn, visit))
        return;
    close(visit->fd);
    churn->done++;
    begin(churn, visit);
}

static void run_until(struct churn *churn, int64_t deadline) {
    struct epoll_event events[BATCH];
    while (bench_now() < deadline) {
        int count = epoll_wait(churn->epoll, events, BATCH, (int)(churn->settings->patience * 1000));
        errno = count == 0 ? ETIMEDOUT : errno;
        if (count <= 0 && errno != EINTR)
            bench_die("wait for the server");
        for (int i = 0; i < count; i++)
            step(churn, events[i].data.ptr, events[i].events);
    }
}

void load_churn(const struct settings *settings) {
    struct churn churn = {.settings = settings, .script = script_echo(settings->size), .epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct visit *visits = calloc(settings->connections, sizeof *visits);
    if (!visits || churn.epoll < 0)
        bench_die("start");
    for (size_t i = 0; i < settings->connections; i++)
        begin(&churn, &visits[i]);
    run_until(&churn, bench_now() + (int64_t)(settings->warm * 1e9));
    struct window window;
    window_begin(&window, settings->server);
    uint64_t before = churn.done;
    run_until(&churn, window.begin + (int64_t)(settings->seconds * 1e9));
    window_end(&window, settings->server);
    window.requests = churn.done - before;
    window_print(&window);
}

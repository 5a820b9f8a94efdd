/* SPDX-License-Identifier: MIT */
/*
 * The peer libevent: bufferevents, the way its own book shows. Its output buffers are written when the loop comes round, so
 * answers to one read do go out together. In the mode lines-each they do not: there are events for the descriptor, and a write
 * for each line.
 *
 * usage: libevent echo|lines|lines-each|churn
 */
#include "support.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define REQUEST 64
#define LARGE 65536

static bufferevent_data_cb on_read;
static bool each;

static void on_event(struct bufferevent *client, short events, void *arg) {
    (void)arg;
    if (events & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        bufferevent_free(client);
}

static void echo(struct bufferevent *client, void *arg) {
    (void)arg;
    bufferevent_write_buffer(client, bufferevent_get_input(client));
}

static void lines(struct bufferevent *client, void *arg) {
    (void)arg;
    char *line;
    struct evbuffer *input = bufferevent_get_input(client), *output = bufferevent_get_output(client);
    while ((line = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF))) {
        evbuffer_add_printf(output, "OK...%s\n", line);
        free(line);
    }
}

static void sent(struct bufferevent *client, void *arg) {
    (void)arg;
    bufferevent_free(client);
}

static void churn(struct bufferevent *client, void *arg) {
    struct evbuffer *input = bufferevent_get_input(client);
    if (evbuffer_get_length(input) < REQUEST)
        return;
    bufferevent_disable(client, EV_READ);
    bufferevent_setcb(client, NULL, sent, on_event, arg);
    bufferevent_write_buffer(client, input);
}

/* Answering line by line. */

struct dialogue {
    struct event *readable, *writable;   /* one of them waits */
    struct evbuffer *input, *output;
};

static void hang_up(struct dialogue *dialogue, evutil_socket_t fd) {
    event_free(dialogue->readable);
    event_free(dialogue->writable);
    evbuffer_free(dialogue->input);
    evbuffer_free(dialogue->output);
    free(dialogue);
    evutil_closesocket(fd);
}

/* As long as the socket takes them; what it did not take is left in the output. */
static void answer_each(struct dialogue *dialogue, evutil_socket_t fd) {
    char *line;
    while (evbuffer_get_length(dialogue->output) == 0 && (line = evbuffer_readln(dialogue->input, NULL, EVBUFFER_EOL_LF))) {
        evbuffer_add_printf(dialogue->output, "OK...%s\n", line);
        free(line);
        (void)evbuffer_write(dialogue->output, fd);
    }
}

static void on_readable(evutil_socket_t fd, short events, void *arg) {
    struct dialogue *dialogue = arg;
    (void)events;
    if (evbuffer_read(dialogue->input, fd, LARGE) <= 0) {
        hang_up(dialogue, fd);
        return;
    }
    answer_each(dialogue, fd);
    if (evbuffer_get_length(dialogue->output) > 0) {
        event_del(dialogue->readable);
        event_add(dialogue->writable, NULL);
    }
}

static void on_writable(evutil_socket_t fd, short events, void *arg) {
    struct dialogue *dialogue = arg;
    (void)events;
    if (evbuffer_write(dialogue->output, fd) < 0) {
        hang_up(dialogue, fd);
        return;
    }
    answer_each(dialogue, fd);
    if (evbuffer_get_length(dialogue->output) == 0) {
        event_del(dialogue->writable);
        event_add(dialogue->readable, NULL);
    }
}

static void start_dialogue(struct event_base *base, evutil_socket_t fd) {
    struct dialogue *dialogue = calloc(1, sizeof *dialogue);
    if (!dialogue)
        bench_die("connection");
    dialogue->input = evbuffer_new();
    dialogue->output = evbuffer_new();
    dialogue->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, dialogue);
    dialogue->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, dialogue);
    if (!dialogue->input || !dialogue->output || !dialogue->readable || !dialogue->writable ||
        event_add(dialogue->readable, NULL) < 0)
        bench_die("connection");
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer, int size, void *arg) {
    (void)peer;
    (void)size;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (each) {
        start_dialogue(evconnlistener_get_base(listener), fd);
        return;
    }
    struct bufferevent *client = bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
    if (!client)
        bench_die("connection");
    bufferevent_set_max_single_read(client, LARGE);
    bufferevent_set_max_single_write(client, LARGE);
    bufferevent_setcb(client, on_read, NULL, on_event, arg);
    bufferevent_enable(client, EV_READ | EV_WRITE);
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "echo";
    on_read = strcmp(mode, "lines") == 0 ? lines : strcmp(mode, "churn") == 0 ? churn : echo;
    each = strcmp(mode, "lines-each") == 0;
    bench_raise_files();
    struct sockaddr_in address = {.sin_family = AF_INET};
    inet_pton(AF_INET, BENCH_HOST, &address.sin_addr);
    struct event_base *base = event_base_new();
    struct evconnlistener *listener =
        evconnlistener_new_bind(base, on_connection, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, BENCH_BACKLOG,
                                (struct sockaddr *)&address, sizeof address);
    if (!listener)
        bench_die("listen");
    bench_say_port_of(evconnlistener_get_fd(listener));
    return event_base_dispatch(base);
}

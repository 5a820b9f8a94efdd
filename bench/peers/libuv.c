/* SPDX-License-Identifier: MIT */
/*
 * The peer libuv: one loop, read callbacks, and writes tried at once with what is left queued. One buffer of 64 KiB serves all
 * reads, as the allocation callback allows.
 *
 * usage: libuv echo|lines|churn
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define INPUT 65536
#define REQUEST 64

struct client {
    uv_tcp_t tcp;
    char *part; /* the beginning of a line or request */
    size_t part_size;
};

struct write {
    uv_write_t request;
    char data[];
};

static char input[INPUT];
static uv_read_cb on_read;

static void freed(uv_handle_t *handle) {
    struct client *client = (struct client *)handle;
    free(client->part);
    free(client);
}

static void hang_up(uv_stream_t *stream) {
    if (!uv_is_closing((uv_handle_t *)stream))
        uv_close((uv_handle_t *)stream, freed);
}

static void written(uv_write_t *request, int status) {
    if (status < 0)
        hang_up(request->handle);
    free(request);
}

static void send_all(uv_stream_t *stream, const char *data, size_t size) {
    uv_buf_t buffer = uv_buf_init((char *)data, (unsigned)size);
    int sent = uv_try_write(stream, &buffer, 1);
    if (sent == (int)size)
        return;
    if (sent < 0 && sent != UV_EAGAIN) {
        hang_up(stream);
        return;
    }
    size_t left = size - (sent > 0 ? (size_t)sent : 0);
    struct write *write = malloc(sizeof *write + left);
    if (!write)
        bench_die("memory");
    memcpy(write->data, data + size - left, left);
    buffer = uv_buf_init(write->data, (unsigned)left);
    uv_write(&write->request, stream, &buffer, 1, written);
}

static void lend(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(input, sizeof input);
}

static void echo(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer) {
    if (n < 0)
        hang_up(stream);
    else if (n > 0)
        send_all(stream, buffer->base, (size_t)n);
}

/* Appends to the part that waits. */
static void append(struct client *client, const char *data, size_t size) {
    client->part = realloc(client->part, client->part_size + size);
    if (!client->part)
        bench_die("memory");
    memcpy(client->part + client->part_size, data, size);
    client->part_size += size;
}

static void answer_line(uv_stream_t *stream, const char *line, size_t size) {
    char answer[INPUT + 5];
    memcpy(mempcpy(answer, "OK...", 5), line, size);
    send_all(stream, answer, size + 5);
}

static void lines(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer) {
    struct client *client = (struct client *)stream;
    const char *at = buffer->base, *stop = at + (n > 0 ? n : 0), *newline;
    if (n < 0) {
        hang_up(stream);
        return;
    }
    while ((newline = memchr(at, '\n', (size_t)(stop - at)))) {
        size_t size = (size_t)(newline + 1 - at);
        if (client->part_size) {
            append(client, at, size);
            answer_line(stream, client->part, client->part_size);
            client->part_size = 0;
        } else {
            answer_line(stream, at, size);
        }
        at = newline + 1;
    }
    if (at < stop)
        append(client, at, (size_t)(stop - at));
    if (client->part_size > INPUT / 2)
        hang_up(stream);
}

static void churn(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer) {
    struct client *client = (struct client *)stream;
    if (n > 0 && client->part_size == 0 && n == REQUEST) {
        send_all(stream, buffer->base, REQUEST);
    } else if (n >= 0) {
        append(client, buffer->base, (size_t)n);
        if (client->part_size < REQUEST)
            return;
        send_all(stream, client->part, REQUEST);
    }
    hang_up(stream);
}

static void on_connection(uv_stream_t *listener, int status) {
    struct client *client = calloc(1, sizeof *client);
    if (status < 0 || !client || uv_tcp_init(listener->loop, &client->tcp) < 0)
        bench_die("connection");
    if (uv_accept(listener, (uv_stream_t *)&client->tcp) < 0 || uv_tcp_nodelay(&client->tcp, 1) < 0) {
        hang_up((uv_stream_t *)&client->tcp);
        return;
    }
    uv_read_start((uv_stream_t *)&client->tcp, lend, on_read);
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "echo";
    on_read = strcmp(mode, "lines") == 0 ? lines : strcmp(mode, "churn") == 0 ? churn : echo;
    bench_raise_files();
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    struct sockaddr_in address;
    int size = sizeof address;
    uv_ip4_addr(BENCH_HOST, 0, &address);
    uv_tcp_init(loop, &listener);
    if (uv_tcp_bind(&listener, (struct sockaddr *)&address, 0) < 0 ||
        uv_listen((uv_stream_t *)&listener, BENCH_BACKLOG, on_connection) < 0 ||
        uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &size) < 0)
        bench_die("listen");
    bench_say_port(ntohs(address.sin_port));
    return uv_run(loop, UV_RUN_DEFAULT);
}

/* SPDX-License-Identifier: MIT */
#include "cli/service.h"

#include <stdlib.h>
#include <string.h>

/* Answers are made for so many bytes at a time. */
#define PIECE ((size_t)16384)

static size_t answer_echo(const char *in, size_t size, bool *at_start, char *out) {
    (void)at_start;
    memcpy(out, in, size);
    return size;
}

static size_t answer_ok(const char *in, size_t size, bool *at_start, char *out) {
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        if (*at_start) {
            memcpy(out + used, "OK...", 5);
            used += 5;
        }
        out[used++] = in[i];
        *at_start = in[i] == '\n';
    }
    return used;
}

static size_t answer_upper(const char *in, size_t size, bool *at_start, char *out) {
    (void)at_start;
    for (size_t i = 0; i < size; i++)
        out[i] = in[i] >= 'a' && in[i] <= 'z' ? (char)(in[i] - 'a' + 'A') : in[i];
    return size;
}

static const char thanks[] = "Thank you for connecting";

static const struct service services[] = {
    {.name = "greet", .welcome = thanks, .datagram = thanks},
    {.name = "thanks", .welcome = thanks, .datagram = thanks},
    {.name = "echo", .answer = answer_echo, .unchanged = true},
    {.name = "ok", .welcome = "Welcome to the server. Type something and hit enter\n", .answer = answer_ok},
    {.name = "upper", .answer = answer_upper},
};

const char *const service_names[] = {"greet", "echo", "ok", "upper", NULL};

const struct service *service_find(const char *name) {
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (strcmp(services[i].name, name) == 0)
            return &services[i];
    }
    return NULL;
}

struct conversation {
    const struct service *service;
    hawser_sock *sock;
    struct traffic *traffic;
    bool at_start;
};

static int send_counted(struct conversation *with, const char *data, size_t size) {
    int result = hawser_sendall(with->sock, data, size);
    with->traffic->out += result < 0 ? hawser_moved() : size;
    return result;
}

/* The room for the answer is there only while it is sent: a client that says nothing costs none. */
static int answer_piece(struct conversation *with, const char *data, size_t size) {
    char *out = malloc(SERVICE_GROWTH * size);
    if (!out) {
        errno = ENOMEM;
        return -1;
    }
    int result = send_counted(with, out, with->service->answer(data, size, &with->at_start, out));
    free(out);
    return result;
}

static int answer(struct conversation *with, const char *data, size_t size) {
    int result = 0;
    if (with->service->unchanged)
        return send_counted(with, data, size);
    for (size_t done = 0, more = PIECE; done < size && result == 0; done += more) {
        more = size - done < PIECE ? size - done : PIECE;
        result = answer_piece(with, data + done, more);
    }
    return result;
}

int service_converse(const struct service *service, hawser_sock *sock, struct traffic *traffic) {
    struct conversation with = {.service = service, .sock = sock, .traffic = traffic, .at_start = true};
    const void *data;
    ssize_t n = 0;
    if (service->welcome && send_counted(&with, service->welcome, strlen(service->welcome)) < 0)
        return -1;
    while (service->answer && (n = hawser_recv_borrow(sock, &data)) > 0) {
        traffic->in += (uint64_t)n;
        if (answer(&with, data, (size_t)n) < 0)
            return -1;
    }
    return n < 0 ? -1 : 0;
}

/* SPDX-License-Identifier: MIT */
#include "cli/service.h"

#include <string.h>

#define PIECE 16384

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
    {.name = "echo", .answer = answer_echo},
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

static int send_counted(hawser_sock *sock, const char *data, size_t size, struct traffic *traffic) {
    int result = hawser_sendall(sock, data, size);
    traffic->out += result < 0 ? hawser_moved() : size;
    return result;
}

int service_converse(const struct service *service, hawser_sock *sock, struct traffic *traffic) {
    char in[PIECE], out[SERVICE_GROWTH * PIECE];
    bool at_start = true;
    if (service->welcome && send_counted(sock, service->welcome, strlen(service->welcome), traffic) < 0)
        return -1;
    ssize_t n = 0;
    while (service->answer && (n = hawser_recv(sock, in, sizeof in)) > 0) {
        traffic->in += (uint64_t)n;
        if (send_counted(sock, out, service->answer(in, (size_t)n, &at_start, out), traffic) < 0)
            return -1;
    }
    return n < 0 ? -1 : 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * What happens for one request: the conversation or the answer, and its lines in the log.
 *
 * A connection's record is made when it is let in and freed when it is closed; in between `user` is the record. For a datagram
 * `user` says only that its line has been written. Both run where the mode of the server says, with forks in a process of their
 * own, so nothing is counted here: the server does that for all of them.
 */
#include "cli/serve.h"

#include "cli/format.h"
#include "cli/report.h"
#include "cli/serve_log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#define NAME (HAWSER_ADDR_TEXT + 32)

struct client {
    double started;
    struct traffic traffic;
    int code;               /* why the conversation broke; 0 = it did not, or it was cut off */
    char name[];
};

static const struct service *service_of(const hawser_request *r) {
    return hawser_server_user(r->server);
}

bool serve_answers_datagrams(const hawser_server *server) {
    hawser_sock *sock = hawser_server_socket(server);
    return sock && hawser_type(sock) == SOCK_DGRAM;
}

static bool is_datagram(const hawser_request *r) {
    return r->data != NULL;
}

/* Connections. */

/* A Unix client has no name of its own: its process says more. */
static void write_name(char name[static NAME], hawser_request *r) {
    pid_t pid = 0;
    const char *address = hawser_addr_str(&r->peer);
    if (hawser_addr_family(&r->peer) == AF_UNIX && hawser_getpeercred(r->sock, &pid, NULL, NULL) == 0)
        snprintf(name, NAME, "%s pid %d", address, (int)pid);
    else
        snprintf(name, NAME, "%s", address);
}

static struct client *new_client(hawser_request *r) {
    char name[NAME];
    write_name(name, r);
    size_t size = strlen(name) + 1;
    struct client *client = malloc(sizeof *client + size);
    if (!client)
        return NULL;
    *client = (struct client){.started = hawser_now()};
    memcpy(client->name, name, size);
    return client;
}

static int welcome(hawser_request *r) {
    if (is_datagram(r))
        return 0;
    struct client *client = new_client(r);
    r->user = client;
    if (!client) {
        errno = ENOMEM;
        return -1;
    }
    serve_log_event(LOG_OPENED, "%s", client->name);
    return 0;
}

/* The second Ctrl-C ends the server by a signal, which its children are not told of: they go with it. */
static int welcome_in_child(hawser_request *r) {
#ifdef __linux__
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    return welcome(r);
}

/* Being cut off, or staying on, is no error. */
static void converse(hawser_request *r) {
    struct client *client = r->user;
    if (service_converse(service_of(r), r->sock, &client->traffic) == 0 || errno == ECANCELED)
        return;
    client->code = errno;
    hawser_request_fail(r, "%s", report_reason(client->code));
}

static void log_end(const struct client *client) {
    char out[FORMAT_ROOM], in[FORMAT_ROOM], took[FORMAT_ROOM];
    serve_log_event(LOG_CLOSED, "%s  out %s  in %s  %s%s%s", client->name, format_bytes(out, client->traffic.out),
                    format_bytes(in, client->traffic.in), format_seconds(took, hawser_now() - client->started),
                    client->code ? "  " : "", client->code ? report_reason(client->code) : "");
}

static void leave(hawser_request *r) {
    struct client *client = r->user;
    hawser_server_close_request(r);
    if (is_datagram(r) || !client)   /* NULL: it was not let in */
        return;
    log_end(client);
    free(client);
    r->user = NULL;
}

/* Datagrams. */

/* Two servers that answer each other would never stop, and the sender of a datagram can be forged. */
static bool may_answer(hawser_request *r) {
    hawser_addr own;
    int64_t port = hawser_addr_port(&r->peer);
    if (hawser_addr_family(&r->peer) == AF_UNIX)
        return r->peer.len > sizeof(sa_family_t);
    return port >= 1024 && hawser_getsockname(r->sock, &own) == 0 && hawser_addr_port(&own) != port;
}

/* The server sends what is in wfile, if anything is: an empty answer goes by itself. Neither waits. 0, or the reason. */
static int post(hawser_request *r, const char *data, size_t size) {
    if (size == 0)
        return hawser_sendto_addr(r->sock, "", 0, MSG_DONTWAIT, &r->peer) < 0 ? errno : 0;
    if (size > SERVICE_LARGEST_DATAGRAM)
        return EMSGSIZE;
    return hawser_write(r->wfile, data, size) < 0 ? errno : 0;
}

static void log_answer(hawser_request *r, size_t size, const char *problem) {
    char in[FORMAT_ROOM], out[FORMAT_ROOM];
    serve_log_event(LOG_ANSWERED, "%s  out %s  in %s%s%s", hawser_addr_str(&r->peer), format_bytes(out, problem ? 0 : size),
                    format_bytes(in, r->size), problem ? "  " : "", problem ? problem : "");
    r->user = r;
    if (problem)
        hawser_request_fail(r, "%s", problem);
}

static void answer_with(hawser_request *r, const char *data, size_t size) {
    int code = post(r, data, size);
    log_answer(r, size, code ? report_reason(code) : NULL);
}

/* What is in the datagram is looked at only when the answer depends on it. */
static void answer_contents(hawser_request *r) {
    bool at_start = true;
    const struct service *service = service_of(r);
    if (service->unchanged) {
        answer_with(r, r->data, r->size);
        return;
    }
    char *out = malloc(SERVICE_GROWTH * r->size + 1);
    if (out)
        answer_with(r, out, service->answer(r->data, r->size, &at_start, out));
    else
        log_answer(r, 0, report_reason(ENOMEM));
    free(out);
}

static void answer(hawser_request *r) {
    const char *fixed = service_of(r)->datagram;
    if (!may_answer(r))
        log_answer(r, 0, "not answered");
    else if (fixed)
        answer_with(r, fixed, strlen(fixed));
    else
        answer_contents(r);
}

/* Both. */

void serve_handle(hawser_request *r) {
    if (is_datagram(r))
        answer(r);
    else
        converse(r);
}

/* Most failures stand in a line of their own already: that of the connection's end, or of the datagram. */
static void tell_failure(hawser_request *r, const char *sentence) {
    if (!r->user)
        serve_log_event(LOG_TROUBLE, "%s was not served to the end: %s", hawser_addr_str(&r->peer), sentence);
}

void serve_handler_fill(hawser_server_options *options, const struct service *service) {
    options->user = (void *)(uintptr_t)service;
    options->setup = options->concurrency == HAWSER_FORKS ? welcome_in_child : welcome;
    options->close_request = leave;
    options->handle_error = tell_failure;
}

/* SPDX-License-Identifier: MIT */
/* The birth and the end of a server. */
#include "server/server.h"

#include "base/machine.h"
#include "base/mem.h"
#include "base/sys.h"
#include "engine/engines.h"
#include "server/connection.h"
#include "server/acceptor.h"
#include "server/handover.h"
#include "server/loop.h"
#include "server/pool.h"

#include <errno.h>
#include <string.h>

/* 0; -1 with errno and a sentence. */
static int open_bell(hawser_server *server) {
    if (hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, server->bell) < 0)
        return -1;
    hawser_settimeout(server->bell[0], HAWSER_NO_TIMEOUT);
    hawser_settimeout(server->bell[1], 0);
    if (!hawser__machine_here)   /* whose descriptors are no signal handler's */
        server->bell_fd = hawser_fileno(server->bell[1]);
    return 0;
}

static int open_parts(hawser_server *server) {
    server->tally = hawser__tally_new();
    server->mutex = hawser_mutex_new();
    server->quiet = hawser_cond_new();
    server->room = hawser_semaphore_new(server->options.max_connections);
    server->relief = hawser_semaphore_new(0);
    server->peers = server->options.max_per_peer ? hawser__peers_new() : NULL;
    if (!server->tally || !server->mutex || !server->quiet || !server->room || !server->relief ||
        (server->options.max_per_peer && !server->peers))
        return hawser__fail(ENOMEM, "make a server");
    hawser__spare_open(server);
    return open_bell(server);
}

static int open_server(hawser_server *server, const hawser_server_options *options, const struct hawser__address *address) {
    if (!server->handle)
        return hawser__fail_sentence(EINVAL, "make a server: it has no handler");
    if (hawser__options_take(server, options) < 0 || open_parts(server) < 0 || hawser__listeners_add(server, address) < 0)
        return -1;
    if (hawser__handover_ask(server) < 0)
        return -1;
    if (server->options.no_bind_and_activate)
        return 0;
    const void *before = hawser__serves(server);
    int result = server->options.server_bind(server);
    if (result == 0)
        result = server->options.server_activate(server);
    hawser__serves_not(before);
    return result;
}

static void free_server(hawser_server *server) {
    hawser__handover_free(server);
    hawser__pool_free(server);
    hawser__loop_free(server);
    hawser__listeners_close(server);
    hawser_close(server->bell[0]);
    hawser_close(server->bell[1]);
    hawser_mutex_free(server->mutex);
    hawser_cond_free(server->quiet);
    hawser_semaphore_free(server->room);
    hawser_semaphore_free(server->relief);
    hawser__peers_free(server->peers);
    hawser__tally_free(server->tally);
    hawser__sys_close(server->spare);
    hawser__options_drop(server);
    hawser__free(server);
}

static hawser_server *new_server(const struct hawser__address *address, hawser_handler handle,
                                 const hawser_server_options *options) {
    hawser_server *server = hawser__zalloc(sizeof *server);
    if (!server) {
        hawser__fail(ENOMEM, "make a server");
        return NULL;
    }
    server->engine = hawser__engine_current();
    server->handle = handle;
    server->spare = server->bell_fd = -1;
    server->cut_at = HAWSER__NEVER;
    if (open_server(server, options, address) == 0)
        return server;
    free_server(server);
    return NULL;
}

/* HOST and PORT, or a Unix name, as the constructors of one kind take them. */
static hawser_server *new_on(enum hawser__scheme scheme, const char *prefix, const char *host, int port, hawser_handler handle,
                             const hawser_server_options *options) {
    struct hawser__address address = {.scheme = scheme, .port = port};
    size_t used = strlen(prefix);
    if (!host) {
        hawser__fail(EINVAL, "make a server on no %s", *prefix ? "path" : "host");
        return NULL;
    }
    if (strncmp(host, prefix, used) == 0)
        used = 0;
    if (used + strlen(host) >= sizeof address.host) {
        hawser__fail(ENAMETOOLONG, "make a server on %s", host);
        return NULL;
    }
    memcpy(address.host, prefix, used);
    memcpy(address.host + used, host, strlen(host) + 1);
    return new_server(&address, handle, options);
}

hawser_server *hawser_tcp_server(const char *host, int port, hawser_handler handle, const hawser_server_options *options) {
    return new_on(HAWSER__TCP, "", host, port, handle, options);
}

hawser_server *hawser_udp_server(const char *host, int port, hawser_handler handle, const hawser_server_options *options) {
    return new_on(HAWSER__UDP, "", host, port, handle, options);
}

hawser_server *hawser_unix_stream_server(const char *path, hawser_handler handle, const hawser_server_options *options) {
    return new_on(HAWSER__UNIX, "unix:", path, 0, handle, options);
}

hawser_server *hawser_unix_datagram_server(const char *path, hawser_handler handle, const hawser_server_options *options) {
    return new_on(HAWSER__UNIX_DATAGRAM, "unix:", path, 0, handle, options);
}

static int parse(struct hawser__address *ret, const char *text) {
    int result = text ? hawser__address_parse(ret, text) : -EINVAL;
    return result < 0 ? hawser__fail(result, "listen on \"%s\"", text ? text : "") : 0;
}

hawser_server *hawser_server_open(const char *text, hawser_handler handle, const hawser_server_options *options) {
    struct hawser__address address;
    return parse(&address, text) < 0 ? NULL : new_server(&address, handle, options);
}

/* The last one, which could not be bound, goes again. */
static int take_back(hawser_server *server) {
    hawser__free(server->listeners[--server->listener_count]);
    return -1;
}

int hawser_server_listen(hawser_server *server, const char *text) {
    struct hawser__address address;
    if (atomic_load(&server->serving))
        return hawser__fail(EBUSY, "listen on \"%s\" while serving", text ? text : "");
    if (parse(&address, text) < 0 || hawser__listeners_add(server, &address) < 0)
        return -1;
    if (server->options.no_bind_and_activate && !server->listeners[0]->sock)
        return 0;
    return hawser__listeners_bind(server) < 0 ? take_back(server) : hawser__listeners_activate(server);
}

int hawser_serve_forever(hawser_server *server) {
    if (!server)
        return -1;
    int begun = hawser__turn_begin(server);
    if (begun < 0)
        return -1;
    int result = 0;
    bool apart = server->options.concurrency == HAWSER_FIBERS || server->options.concurrency == HAWSER_THREADS;
    if (begun == 0)
        result = apart ? hawser__front_serve(server) : hawser__loop_serve(server);
    int code = errno;
    hawser__turn_end(server);
    errno = code;
    return result;
}

void hawser_server_close(hawser_server *server) {
    int saved = errno;
    if (!server)
        return;
    hawser__loop_settle(server);
    if (server->options.server_close)
        server->options.server_close(server);
    hawser__signals_drop(server);
    free_server(server);
    errno = saved;
}

void *hawser_server_user(const hawser_server *server) {
    return server->options.user;
}

void hawser_server_get_counters(hawser_server *server, hawser_server_counters *out) {
    hawser__tally_read(server->tally, out);
}

size_t hawser_server_metrics(hawser_server *server, char *out, size_t size) {
    hawser_server_counters counters;
    hawser__tally_read(server->tally, &counters);
    return hawser__counters_text(&counters, out, size);
}

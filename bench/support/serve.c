/* SPDX-License-Identifier: MIT */
/* The frame of our own servers: see serve.h. */
#include "serve.h"

#include "support.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void serve_die(void) {
    fprintf(stderr, "%s\n", hawser_error());
    exit(1);
}

int serve_run(long workers, hawser_fn fn, void *arg) {
    hawser_run_options options = {.workers = (int)workers};
    bench_raise_files();
    if (hawser_run(fn, arg, &options) < 0)
        serve_die();
    return 0;
}

hawser_sock *serve_listen(int type) {
    hawser_listen_options options = {.type = type, .backlog = BENCH_BACKLOG};
    hawser_addr own;
    hawser_sock *listener = hawser_create_server(BENCH_HOST, 0, &options);
    if (!listener || hawser_getsockname(listener, &own) < 0)
        serve_die();
    bench_say_port(hawser_addr_port(&own));
    return listener;
}

static int accept_all(void *arg) {
    hawser_fn *handler = arg;
    hawser_sock *listener = serve_listen(SOCK_STREAM), *client;
    int worker = hawser_workers() > 1 ? HAWSER_ANY_WORKER : hawser_worker();
    while ((client = hawser_accept(listener, NULL))) {
        if (hawser_go_on(worker, *handler, client) < 0)
            hawser_close(client);
    }
    return -1;
}

int serve(long workers, hawser_fn handler) {
    return serve_run(workers, accept_all, &handler);
}

int serve_requests(long workers, int type, hawser_handler handle, const hawser_server_options *more) {
    hawser_server_options options = more ? *more : (hawser_server_options){0};
    options.workers = (int)workers;
    options.max_connections = bench_raise_files();
    options.request_queue_size = BENCH_BACKLOG;
    hawser_server *server = type == SOCK_DGRAM ? hawser_udp_server(BENCH_HOST, 0, handle, &options)
                                               : hawser_tcp_server(BENCH_HOST, 0, handle, &options);
    if (!server)
        serve_die();
    bench_say_port_of(hawser_server_fileno(server));
    return hawser_serve_forever(server) < 0;
}

/* SPDX-License-Identifier: MIT */
/* The options of a server: what they may be, and what they are when they are not said. */
#include "server/server.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/sys.h"

#include <errno.h>
#include <sys/resource.h>

#define BACKLOG 128
#define DESCRIPTORS_SPARED 64
#define LARGEST_PACKET 65535
#define BUFFER 65536
#define MOST_WORKERS 65536

size_t hawser__descriptor_limit(void) {
    struct rlimit limit;
    size_t most = getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT32_MAX ? INT32_MAX : (size_t)limit.rlim_cur;
    return most > 2 * DESCRIPTORS_SPARED ? most - DESCRIPTORS_SPARED : most > 2 ? most / 2 : 1;
}

struct number {
    const char *name;
    double value;
    double least, most;
};

static int refuse(const struct number *number) {
    return hawser__fail_sentence(EINVAL, "make a server: %s is %g, and has to be %g to %g", number->name, number->value,
                                 number->least, number->most);
}

/* HAWSER_NO_TIMEOUT is allowed where an option is on without being set, and means "off". */
static int check_numbers(const hawser_server_options *options) {
    const struct number numbers[] = {
        {"concurrency", options->concurrency, HAWSER_FIBERS, HAWSER_SEQUENTIAL},
        {"workers", options->workers, 0, MOST_WORKERS},
        {"max_children", options->max_children, 0, MOST_WORKERS},
        {"address_family", options->address_family, 0, AF_INET6},
        {"request_queue_size", options->request_queue_size, 0, INT32_MAX},
        {"max_packet_size", (double)options->max_packet_size, 0, LARGEST_PACKET},
        {"rbufsize", (double)options->rbufsize, 0, 1 << 30},
        {"wbufsize", (double)options->wbufsize, 0, 1 << 30},
        {"linger", options->linger, HAWSER_NO_LINGER, 1e9},
        {"proxy_timeout", options->proxy_timeout, HAWSER_NO_TIMEOUT, 1e9},
        {"drain", options->drain, HAWSER_NO_TIMEOUT, 1e9},
        {"timeout", options->timeout, 0, 1e9},
        {"poll_interval", options->poll_interval, 0, 1e9},
        {"idle_timeout", options->idle_timeout, 0, 1e9},
        {"first_byte_timeout", options->first_byte_timeout, 0, 1e9},
        {"request_timeout", options->request_timeout, 0, 1e9},
        {"min_rate", options->min_rate, 0, 1e12},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!(numbers[i].value >= numbers[i].least && numbers[i].value <= numbers[i].most))
            return refuse(&numbers[i]);
    return 0;
}

static int take_networks(struct hawser__networks *networks, const char *const *texts, const char *name) {
    const char *bad = "";
    int result = hawser__networks_init(networks, texts, &bad);
    if (result == -ENOMEM)
        return hawser__fail(ENOMEM, "make a server");
    return result < 0 ? hawser__fail_sentence(EINVAL, "make a server: %s has \"%s\", which is no network", name, bad) : 0;
}

/* 0 stands for UNSET nanoseconds. */
static int64_t time_of(double seconds, int64_t unset) {
    int64_t ns = hawser__timeout_ns(seconds);
    return seconds == 0 ? unset : ns;
}

static void take_limits(hawser_server *server) {
    const hawser_server_options *options = &server->options;
    server->limits = (struct hawser__limits){
        .patience = {[HAWSER__FIRST_BYTE] = time_of(options->first_byte_timeout, HAWSER__NEVER),
                     [HAWSER__IDLE] = time_of(options->idle_timeout, HAWSER__NEVER)},
        .request = time_of(options->request_timeout, HAWSER__NEVER),
        .linger = time_of(options->linger, 2 * HAWSER__SECOND),
        .proxy = time_of(options->proxy_timeout, 10 * HAWSER__SECOND),
        .drain = time_of(options->drain, 5 * HAWSER__SECOND),
        .timeout = time_of(options->timeout, HAWSER__NEVER),
        .poll_interval = time_of(options->poll_interval, HAWSER__SECOND / 2),
    };
}

static void fill_in_numbers(hawser_server_options *options) {
    if (options->workers == 0 && options->concurrency == HAWSER_THREADS)
        options->workers = 256;
    if (options->max_children == 0)
        options->max_children = 40;
    if (options->request_queue_size == 0)
        options->request_queue_size = BACKLOG;
    if (options->max_connections == 0)
        options->max_connections = hawser__descriptor_limit();
    if (options->max_packet_size == 0)
        options->max_packet_size = LARGEST_PACKET;
    if (options->rbufsize == 0)
        options->rbufsize = BUFFER;
    if (options->wbufsize == 0)
        options->wbufsize = BUFFER;
}

static bool verify_all(hawser_request *r) {
    (void)r;
    return true;
}

static void fill_in_hooks(hawser_server_options *options) {
#define FILL_IN(hook, function)                                                                                                \
    if (!options->hook)                                                                                                        \
    options->hook = function
    FILL_IN(server_bind, hawser_server_bind);
    FILL_IN(server_activate, hawser_server_activate);
    FILL_IN(get_request, hawser_server_get_request);
    FILL_IN(verify_request, verify_all);
    FILL_IN(process_request, hawser_server_process_request);
    FILL_IN(finish_request, hawser_server_finish_request);
    FILL_IN(shutdown_request, hawser_server_shutdown_request);
    FILL_IN(close_request, hawser_server_close_request);
    FILL_IN(handle_error, hawser_server_handle_error);
#undef FILL_IN
}

static int take_texts(hawser_server *server) {
    hawser_server_options *options = &server->options;
    const char *path = options->handover;
    options->handover = hawser__strdup(path);
    if (path && !options->handover)
        return hawser__fail(ENOMEM, "make a server");
    if (options->run)
        server->run_options = *options->run;
    options->run = NULL;
    if (take_networks(&server->allow, options->allow, "allow") < 0 || take_networks(&server->deny, options->deny, "deny") < 0)
        return -1;
    return take_networks(&server->proxy_from, options->proxy_from, "proxy_from");
}

int hawser__options_take(hawser_server *server, const hawser_server_options *options) {
    static const hawser_server_options defaults;
    server->options = options ? *options : defaults;
    const char *handover = server->options.handover;
    server->options.handover = NULL;
    if (check_numbers(&server->options) < 0)
        return -1;
    server->options.handover = handover;
    if (take_texts(server) < 0)
        return -1;
    take_limits(server);
    fill_in_numbers(&server->options);
    fill_in_hooks(&server->options);
    return 0;
}

void hawser__options_drop(hawser_server *server) {
    hawser__free((char *)(uintptr_t)server->options.handover);
    hawser__networks_done(&server->allow);
    hawser__networks_done(&server->deny);
    hawser__networks_done(&server->proxy_from);
}

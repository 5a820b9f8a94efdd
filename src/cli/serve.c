/* SPDX-License-Identifier: MIT */
/* hawser serve: the command line, and what is said before and after; the serving itself is the library's. */
#include "cli/serve.h"

#include "cli/format.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/serve_log.h"
#include "cli/serve_metrics.h"
#include "cli/serve_open.h"
#include "cli/serve_room.h"
#include "cli/serve_signals.h"

#include <stdio.h>
#include <string.h>

#define DRAIN_SECONDS 5
#define MOST_CHILDREN 40
#define NETWORKS_ROOM 1024   /* 16 of the longest */

struct plan {
    const struct options *options;
    const struct service *service;
    struct place place, metrics;
    hawser_server *server;
    enum log_level level;
    char text[NETWORKS_ROOM];    /* of the networks */
    const char *networks[OPTIONS_MOST_NETWORKS + 1];
};

static struct plan plan;   /* large, and there is one */

/* Serving. */

/* Being cut off is no error, and an answer that nobody takes is. */
static void sum_up(hawser_server *server) {
    char served[FORMAT_ROOM], out[FORMAT_ROOM], in[FORMAT_ROOM], errors[FORMAT_ROOM], cut[FORMAT_ROOM];
    hawser_server_counters done;
    hawser_server_get_counters(server, &done);
    const char *what = serve_answers_datagrams(server) ? "datagram" : "connection";
    uint64_t wrong = done.failed - done.cut + done.datagrams_unanswered;
    serve_log_stop("served %s %s%s, out %s, in %s, %s error%s%s%s", format_count(served, done.finished), what,
                   done.finished == 1 ? "" : "s", format_bytes(out, done.bytes_out), format_bytes(in, done.bytes_in),
                   format_count(errors, wrong), wrong == 1 ? "" : "s", done.cut ? ", cut off " : "",
                   done.cut ? format_count(cut, done.cut) : "");
}

static int serve(void) {
    serve_describe(&plan.place, plan.server);
    serve_metrics_describe();
    int code = hawser_serve_forever(plan.server) < 0 ? errno : 0;
    serve_signals_end();
    sum_up(plan.server);
    return code == 0 ? STATUS_DONE : report_error(STATUS_CONNECT, "cannot go on serving: %s", report_reason(code));
}

static int start(void) {
    bool direct = hawser_worker() == 0;
    if (serve_metrics_start() < 0)
        return report_error(STATUS_LOCAL, "cannot serve the counters: %s", report_reason(errno));
    if (serve_log_start(plan.level, direct) < 0)
        return report_error(STATUS_LOCAL, "cannot start the log: %s", report_reason(errno));
    if (serve_signals_start(plan.server, options_seconds(plan.options, OPTION_DRAIN, DRAIN_SECONDS)) == 0)
        return serve();
    int code = errno;
    serve_signals_end();
    return report_error(STATUS_LOCAL, "cannot prepare for signals: %s", report_reason(code));
}

/* The server's own lines: what happens to one client is told when the user wants all of it. */
static void log_sentence(hawser_server *server, hawser_log_level level, const char *sentence) {
    (void)server;
    if (level >= HAWSER_LOG_WARNING || (level == HAWSER_LOG_INFO && plan.level == LOG_VERBOSE))
        serve_log_event(LOG_TROUBLE, "%s", sentence);
}

static size_t most_connections(const struct options *options) {
    size_t asked = (size_t)options_number(options, OPTION_MAX_CONNECTIONS);
    size_t possible = serve_room_connections(options_mode(options), options_has(options, OPTION_METRICS));
    return asked > 0 && asked < possible ? asked : possible;
}

static hawser_server_options server_options(const struct options *options) {
    int workers = options_number(options, OPTION_WORKERS);
    hawser_server_options how = {
        .concurrency = options_mode(options),
        .workers = workers,
        .max_children = workers > 0 ? workers : MOST_CHILDREN,
        .max_connections = most_connections(options),
        .idle_timeout = options_seconds(options, OPTION_IDLE_TIMEOUT, 0),
        .proxy_from = plan.networks[0] ? plan.networks : NULL,
        .log = log_sentence,
    };
    serve_handler_fill(&how, plan.service);
    serve_signals_fill(&how, !plan.place.udp && !plan.place.activated, how.concurrency == HAWSER_FORKS);
    return how;
}

static int open_and_start(void) {
    hawser_server_options how = server_options(plan.options);
    int status = serve_open(&plan.place, serve_handle, &how, &plan.server);
    if (status == 0 && options_has(plan.options, OPTION_METRICS))
        status = serve_metrics_open(&plan.metrics, plan.server);
    if (status == 0)
        status = start();
    serve_metrics_end();
    hawser_server_close(plan.server);
    return status;
}

/* The command line. */

static int check(const struct place *place) {
    const struct address *address = &place->address;
    if (address->is_unix && (place->family != AF_UNSPEC || place->everywhere))
        return report_usage(&command_serve, "%s does not go with a Unix socket", place->everywhere ? "--public" : "-4 or -6");
    if (address->host && place->everywhere)
        return report_usage(&command_serve, "--public is every address, \"%s\" is one", address->host);
    return 0;
}

static int unknown_service(const char *name) {
    const char *nearest = options_nearest(name, service_names);
    if (nearest)
        return report_usage(&command_serve, "no service \"%s\"; did you mean \"%s\"?", name, nearest);
    return report_usage(&command_serve, "no service \"%s\"; there is greet, echo, ok and upper", name);
}

/* Cuts the values of --proxy-from at their commas. */
static int read_networks(const struct options *options) {
    size_t used = 0, count = 0;
    for (int i = 0; i < options->networks_count; i++)
        for (const char *at = options->networks[i]; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
            size_t length = strcspn(at, ",");
            if (count == OPTIONS_MOST_NETWORKS || length >= NETWORKS_ROOM - used)
                return report_usage(&command_serve, "--proxy-from has more than %d networks", OPTIONS_MOST_NETWORKS);
            memcpy(plan.text + used, at, length);
            plan.networks[count++] = plan.text + used;
            used += length + 1;   /* the text is zeroed */
        }
    return 0;
}

static int read_activated(const struct options *options) {
    const char *second = options->operand[2];
    static const enum option_id others[] = {OPTION_IPV4, OPTION_IPV6, OPTION_PUBLIC, OPTION_UDP};
    plan.place.activated = options->operand[1];
    if (second)
        return report_usage(&command_serve, "the service manager's sockets have their ports: \"%s\"", second);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (options_has(options, others[i]))
            return report_usage(&command_serve, "--%s does not go with the service manager's sockets",
                                option_table[others[i]].name);
    return 0;
}

static int read_place(const struct options *options) {
    plan.place = (struct place){.family = options_family(options), .udp = options_has(options, OPTION_UDP),
                                .everywhere = options_has(options, OPTION_PUBLIC)};
    struct address_rules rules = {.command = &command_serve, .listening = true, .protocol = plan.place.udp ? "udp" : "tcp"};
    if (options->operand[1] && serve_is_activated(options->operand[1]))
        return read_activated(options);
    int status = address_parse(&plan.place.address, &rules, options->operand[1], options->operand[2]);
    return status == 0 ? check(&plan.place) : status;
}

static int read_metrics(const struct options *options) {
    const struct address_rules rules = {.command = &command_serve, .listening = true, .protocol = "tcp"};
    const char *text = options->value[OPTION_METRICS];
    return text ? address_parse(&plan.metrics.address, &rules, text, NULL) : 0;
}

static int read_limits(const struct options *options) {
    hawser_concurrency mode = options_mode(options);
    if (mode == HAWSER_SEQUENTIAL && options_has(options, OPTION_WORKERS))
        return report_usage(&command_serve, "--workers does not go with --mode sequential, which has one");
    return read_networks(options);
}

static int run(const struct options *options) {
    plan.options = options;
    plan.service = service_find(options->operand[0]);
    plan.level = options_has(options, OPTION_QUIET)     ? LOG_QUIET
                 : options_has(options, OPTION_VERBOSE) ? LOG_VERBOSE
                                                        : LOG_NORMAL;
    if (!plan.service)
        return unknown_service(options->operand[0]);
    int status = read_place(options);
    if (status == 0)
        status = read_metrics(options);
    if (status == 0)
        status = read_limits(options);
    return status == 0 ? open_and_start() : status;
}

/* Processes cannot be started beside the threads of a run. */
static int workers(const struct options *options) {
    serve_room_raise_limit();
    switch (options_mode(options)) {
    case HAWSER_FORKS:
        return -1;
    case HAWSER_FIBERS:
        return serve_room_workers(options_number(options, OPTION_WORKERS));
    default:
        return 1;
    }
}

const struct command command_serve = {
    .name = "serve",
    .bit = FOR_SERVE,
    .run = run,
    .workers = workers,
    .operands = "greet|echo|ok|upper [[ADDR:]PORT | unix:PATH | systemd:[NAME]]",
    .least = 1,
    .most = 3,
    .missing = "serve what? greet, echo, ok or upper",
    .summary = "serve greet, echo, ok or upper to many clients at once",
    .examples = "  hawser serve ok 12345                  answer every line with \"OK...\"\n"
                "  hawser serve echo 0 --public           a free port, for other machines too\n"
                "  hawser serve upper unix:/tmp/x.sock    a Unix socket\n",
    .text = "  greet   sends \"Thank you for connecting\" and ends the connection\n"
            "  echo    sends back what it gets\n"
            "  ok      sends a welcome line, then every line back with \"OK...\" in front\n"
            "  upper   sends back what it gets, in upper case\n"
            "\n"
            "PORT is a number, 0 for any free port, or the name of a service; 12345 if omitted. Without ADDR only this\n"
            "machine can connect. A + line and a - line are printed for each connection, at most 10 a second of each.\n"
            "The first Ctrl-C gives the open connections up to 5 seconds to end (--drain), the second ends at once.\n",
    .choices = service_names,
};

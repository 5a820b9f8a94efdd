/* SPDX-License-Identifier: MIT */
/* hawser serve: the command line, and what is said before and after; the serving itself is in serve_stream.c and
 * serve_datagram.c. */
#include "cli/serve.h"

#include "cli/format.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/serve_log.h"
#include "cli/serve_open.h"
#include "cli/serve_room.h"
#include "cli/serve_signals.h"

static void sum_up(const struct totals *totals, const char *what) {
    char served[FORMAT_ROOM], out[FORMAT_ROOM], in[FORMAT_ROOM], errors[FORMAT_ROOM], cut[FORMAT_ROOM];
    serve_log_stop("served %s %s%s, out %s, in %s, %s error%s%s%s", format_count(served, totals->served), what,
                   totals->served == 1 ? "" : "s", format_bytes(out, totals->out), format_bytes(in, totals->in),
                   format_count(errors, totals->errors), totals->errors == 1 ? "" : "s", totals->cut ? ", cut off " : "",
                   totals->cut ? format_count(cut, totals->cut) : "");
}

static int serve(struct place *place, const struct service *service, hawser_group *work) {
    struct totals totals = {.cut = 0};
    serve_describe(place);
    int result = place->udp ? serve_datagrams(place->sock, place->count, service, &totals, work)
                            : serve_stream(place->sock[0], service, &totals, work);
    int code = errno;
    sum_up(&totals, place->udp ? "datagram" : "connection");
    return result == 0 ? STATUS_DONE : report_error(STATUS_CONNECT, "cannot go on serving: %s", report_reason(code));
}

static int start(struct place *place, const struct service *service, enum log_level level) {
    int status = STATUS_DONE;
    hawser_group *work = hawser_group_open(NULL);
    if (!work || serve_signals_start(work) < 0)
        status = report_error(STATUS_LOCAL, "cannot prepare for signals: %s", report_reason(errno));
    else if (serve_log_start(level) < 0)
        status = report_error(STATUS_LOCAL, "cannot start the log: %s", report_reason(errno));
    else
        status = serve(place, service, work);
    serve_signals_end();
    hawser_group_close(work);
    return status;
}

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

static int run(const struct options *options) {
    struct place place = {.family = options_family(options), .udp = options_has(options, OPTION_UDP),
                          .everywhere = options_has(options, OPTION_PUBLIC)};
    struct address_rules rules = {.command = &command_serve, .listening = true, .protocol = place.udp ? "udp" : "tcp"};
    const struct service *service = service_find(options->operand[0]);
    enum log_level level = options_has(options, OPTION_QUIET)     ? LOG_QUIET
                           : options_has(options, OPTION_VERBOSE) ? LOG_VERBOSE
                                                                  : LOG_NORMAL;
    if (!service)
        return unknown_service(options->operand[0]);
    int status = address_parse(&place.address, &rules, options->operand[1], options->operand[2]);
    if (status == 0)
        status = check(&place);
    if (status == 0)
        status = serve_open(&place);
    return status == 0 ? start(&place, service, level) : status;
}

static int workers(const struct options *options) {
    return serve_room_workers(options_workers(options));
}

const struct command command_serve = {
    .name = "serve",
    .bit = FOR_SERVE,
    .run = run,
    .workers = workers,
    .operands = "greet|echo|ok|upper [[ADDR:]PORT | unix:PATH]",
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
            "The first Ctrl-C gives the open connections up to 5 seconds to end, the second ends at once.\n",
    .choices = service_names,
};

/* SPDX-License-Identifier: MIT */
/* hawser resolve: the addresses of a name, as a table or as JSON. */
#include "cli/format.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/report.h"

#include <hawser.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct question {
    const char *name, *service;   /* service NULL: none */
    int family, type;
    double timeout;
};

/* What is printed of one address. */
struct row {
    const char *family, *type;
    int64_t port;
    char address[HAWSER_ADDR_TEXT];
};

static struct row row_of(const hawser_addrinfo *info) {
    struct row row = {
        .family = info->family == AF_INET6 ? "inet6" : "inet",
        .type = info->type == SOCK_DGRAM ? "dgram" : "stream",
        .port = hawser_addr_port(&info->addr),
    };
    (void)hawser_addr_host(&info->addr, row.address, sizeof row.address);   /* every IP address has one, and it fits */
    return row;
}

/* The entry after INFO that no earlier one equals: two lines of /etc/hosts can yield the same address twice. */
static const hawser_addrinfo *next_distinct(const hawser_addrinfo *list, const hawser_addrinfo *info) {
    for (info = info->next; info; info = info->next) {
        const hawser_addrinfo *before = list;
        while (before != info && !(before->type == info->type && hawser_addr_equal(&before->addr, &info->addr)))
            before = before->next;
        if (before == info)
            return info;
    }
    return NULL;
}

static void print_table(const hawser_addrinfo *list, bool has_port) {
    size_t width = strlen("address");
    for (const hawser_addrinfo *info = list; info; info = info->next) {
        size_t length = strlen(row_of(info).address);
        width = length > width ? length : width;
    }
    printf("%-7s %-7s %-*s  port\n", "family", "type", (int)width, "address");
    for (const hawser_addrinfo *info = list; info; info = next_distinct(list, info)) {
        struct row row = row_of(info);
        printf("%-7s %-7s %-*s  ", row.family, row.type, (int)width, row.address);
        if (has_port)
            printf("%lld\n", (long long)row.port);
        else
            puts("-");
    }
}

static int print_json(const hawser_addrinfo *list, const struct question *question) {
    struct json json = {.fd = STDOUT_FILENO};
    for (const hawser_addrinfo *info = list; info; info = next_distinct(list, info)) {
        struct row row = row_of(info);
        json_begin(&json, "address");
        json_text(&json, "name", question->name);
        json_text(&json, "family", row.family);
        json_text(&json, "type", row.type);
        json_text(&json, "address", row.address);
        if (question->service)
            json_number(&json, "port", row.port);
        else
            json_null(&json, "port");
        json_end(&json);
    }
    return json_flush(&json) < 0 ? report_output_failed(errno) : STATUS_DONE;
}

/* 0 and the answer, or the code of the failure. A service that only datagrams have is found as well. */
static int ask(struct question *question, hawser_addrinfo **ret) {
    int asked = question->type;
    if (hawser_getaddrinfo(question->name, question->service, question->family, asked, 0, 0, ret) == 0)
        return 0;
    if (errno != HAWSER_ENOSERVICE || asked != SOCK_STREAM)
        return errno;
    return hawser_getaddrinfo(question->name, question->service, question->family, SOCK_DGRAM, 0, 0, ret) == 0 ? 0 : errno;
}

static int explain(int code, const struct question *question) {
    if (code == HAWSER_ENOSERVICE)
        return report_error(STATUS_NAME, "cannot find service \"%s\": not known%s", question->service,
                            question->type == SOCK_DGRAM ? " for UDP" : "");
    return report_lookup_failed(code, question->name, question->timeout);
}

/* What cannot be a name, but something that another command takes. */
static int check_name(const char *name) {
    const char *colon = strchr(name, ':');
    if (!*name)
        return report_usage(&command_resolve, "an empty name");
    if (strspn(name, "0123456789") == strlen(name))
        return report_usage(&command_resolve, "\"%s\" is a number, not a name", name);
    if (colon && !strchr(colon + 1, ':') && !strchr(name, '/') && strncmp(name, "unix:", 5) != 0)
        return report_usage(&command_resolve, "\"%s\" has a port; write: hawser resolve %.*s %s", name, (int)(colon - name),
                            name, colon + 1);
    return 0;
}

static int check(const struct question *question) {
    int status = check_name(question->name);
    if (status != 0)
        return status;
    if (strncmp(question->name, "unix:", 5) == 0)
        return report_usage(&command_resolve, "\"%s\" is a path: there is nothing to look up", question->name);
    const char *service = question->service;
    if (service && !*service)
        return report_usage(&command_resolve, "an empty service");
    bool number = service && strspn(service, "-0123456789") == strlen(service);
    if (number && (strtol(service, NULL, 10) < 0 || strtol(service, NULL, 10) > 65535))
        return report_usage(&command_resolve, "port %s is out of range (0 to 65535)", service);
    return 0;
}

static void note_count(const hawser_addrinfo *list, double seconds) {
    int count = 0;
    char took[FORMAT_ROOM];
    for (const hawser_addrinfo *info = list; info; info = next_distinct(list, info))
        count++;
    report_note("%d address%s, %s", count, count == 1 ? "" : "es", format_seconds(took, seconds));
}

static int run(const struct options *options) {
    struct question question = {
        .name = options->operand[0],
        .service = options->operand[1],
        .family = options_family(options),
        .type = options_has(options, OPTION_UDP) ? SOCK_DGRAM : SOCK_STREAM,
        .timeout = options_timeout(options),
    };
    int status = check(&question);
    if (status != 0)
        return status;
    hawser_addrinfo *list = NULL;
    hawser_setdefaulttimeout(question.timeout);
    double start = hawser_now();
    int code = ask(&question, &list);
    if (code != 0)
        return explain(code, &question);
    if (options_has(options, OPTION_VERBOSE))
        note_count(list, hawser_now() - start);
    if (options_has(options, OPTION_JSON))
        status = print_json(list, &question);
    else
        print_table(list, question.service != NULL);
    hawser_freeaddrinfo(list);
    return status;
}

const struct command command_resolve = {
    .name = "resolve",
    .bit = FOR_RESOLVE,
    .run = run,
    .workers = options_one_worker,
    .operands = "NAME [SERVICE]",
    .least = 1,
    .most = 2,
    .missing = "resolve which name?",
    .summary = "look up the addresses of a name",
    .examples = "  hawser resolve localhost http      every address, with the port of http\n"
                "  hawser resolve -6 example.org      IPv6 only\n"
                "  hawser resolve --json example.org  one JSON object a line\n",
    .text = "Prints every address of NAME, in the order in which to try them, with the port of SERVICE\n"
            "(a number or a name) if it is given.\n",
};

/* SPDX-License-Identifier: MIT */
#include "cli/address.h"

#include "cli/report.h"

#include <hawser.h>

#include <stdlib.h>
#include <string.h>

/* Too many digits still are a number, out of range. */
static bool is_number(const char *text) {
    const char *digits = text + (*text == '-');
    return *digits && strspn(digits, "0123456789") == strlen(digits);
}

static int read_port(const struct address_rules *rules, const char *text, int *ret) {
    int lowest = rules->listening ? 0 : 1;
    if (is_number(text)) {
        long port = strtol(text, NULL, 10);
        if (port < lowest || port > 65535)
            return report_usage(rules->command, "port %s is out of range (%d to 65535)", text, lowest);
        *ret = (int)port;
        return 0;
    }
    int port = *text ? hawser_getservbyname(text, rules->protocol) : -1;
    if (port < lowest)
        return report_usage(rules->command, "\"%s\" is neither a port number nor the name of a service", text);
    *ret = port;
    return 0;
}

/* Keeps LENGTH bytes of TEXT as the host; an empty one means this machine. A bare number would pass for an IPv4 address (12345
 * is 0.0.48.57), and send what was meant for a port of this machine to a stranger. */
static int keep_host(struct address *ret, const struct address_rules *rules, const char *text, size_t length) {
    if (length >= sizeof ret->copy)
        return report_usage(rules->command, "the host name is too long (%zu bytes)", length);
    memcpy(ret->copy, text, length);
    ret->copy[length] = '\0';
    if (is_number(ret->copy))
        return report_usage(rules->command, "\"%s\" is a number, not a host", ret->copy);
    ret->host = length > 0 ? ret->copy : rules->listening ? NULL : "localhost";
    return 0;
}

static int read_unix(struct address *ret, const struct address_rules *rules, const char *text, const char *second) {
    if (second)
        return report_usage(rules->command, "a Unix socket has no port: \"%s\"", second);
    if (!text[strlen("unix:")])
        return report_usage(rules->command, "\"unix:\" needs a path, or @ and a name");
    ret->host = text;
    ret->port = 0;
    ret->is_unix = true;
    return 0;
}

static int read_bracketed(struct address *ret, const struct address_rules *rules, const char *text, const char **ret_rest) {
    const char *end = strchr(text, ']');
    if (!end || end == text + 1 || (end[1] != '\0' && end[1] != ':'))
        return report_usage(rules->command, "\"%s\" is no address; IPv6 with a port is written [::1]:80", text);
    *ret_rest = end + 1;
    return keep_host(ret, rules, text + 1, (size_t)(end - text - 1));
}

/* Splits "HOST:PORT"; *RET_REST is ":PORT" or "". More than one colon is IPv6 without a port. */
static int read_host(struct address *ret, const struct address_rules *rules, const char *text, const char **ret_rest) {
    if (text[0] == '[')
        return read_bracketed(ret, rules, text, ret_rest);
    const char *colon = strchr(text, ':');
    bool several = colon && strchr(colon + 1, ':');
    hawser_addr probe;
    if (several && hawser_addr_ip(&probe, text, 0) < 0 && errno != ENODEV)
        return report_usage(rules->command, "\"%s\" is no address; IPv6 with a port is written [::1]:80", text);
    size_t length = colon && !several ? (size_t)(colon - text) : strlen(text);
    *ret_rest = text + length;
    return keep_host(ret, rules, text, length);
}

/* A single argument of a server is a port unless it looks like an address; of a client only if it is a number. */
static bool is_port_alone(const struct address_rules *rules, const char *text) {
    if (!rules->listening)
        return is_number(text);
    return !strpbrk(text, ":[.") && strcmp(text, "localhost") != 0;
}

/* No host has a slash: a path or a URL was meant. */
static int refuse_slash(const struct address_rules *rules, const char *text) {
    if (strstr(text, "://"))
        return report_usage(rules->command, "\"%s\" is a URL; write HOST:PORT", text);
    return report_usage(rules->command, "\"%s\" looks like a path; write unix:%s", text, text);
}

int address_parse(struct address *ret, const struct address_rules *rules, const char *first, const char *second) {
    *ret = (struct address){.host = NULL, .port = COMMAND_DEFAULT_PORT};
    if (!first)
        return 0;
    if (!*first)
        return report_usage(rules->command, "an empty address");
    if (strncmp(first, "unix:", 5) == 0)
        return read_unix(ret, rules, first, second);
    if (strchr(first, '/'))
        return refuse_slash(rules, first);
    if (!second && is_port_alone(rules, first)) {
        ret->host = rules->listening ? NULL : "localhost";
        return read_port(rules, first, &ret->port);
    }
    const char *rest = "";
    int status = read_host(ret, rules, first, &rest);
    if (status != 0)
        return status;
    if (*rest && second)
        return report_usage(rules->command, "two ports: \"%s\" and \"%s\"", rest + 1, second);
    if (*rest)
        return read_port(rules, rest + 1, &ret->port);
    return second ? read_port(rules, second, &ret->port) : 0;
}

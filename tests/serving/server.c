/* SPDX-License-Identifier: MIT */
/*
 * A server for the tests of what a server promises. It prints where it listens, serves until SIGTERM, and then prints its
 * counters as Prometheus reads them, how long stopping took, and the processor time that it has used ("cpu SECONDS"); so it
 * does at SIGUSR1, without the rest.
 *
 * usage: serving ADDRESS HANDLER [OPTION=VALUE ...]
 */
#include <hawser.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static hawser_server *server;
static hawser_server_options options;
static size_t reply_size = 200000;

static void answer_lines(hawser_request *r) {
    char line[1024];
    while (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_printf(r->wfile, "OK...%s", line);
}

static void answer_and_keep(hawser_request *r) {
    char line[1024];
    if (hawser_readline(r->rfile, line, sizeof line) > 0) {
        hawser_printf(r->wfile, "OK...%s", line);
        hawser_keep(r);
    }
}

/* One line, any length up to the limit of rfile, answered. */
static void answer_one(hawser_request *r) {
    static _Thread_local char line[1 << 16];
    ssize_t n = hawser_readline(r->rfile, line, sizeof line);
    if (n < 0)
        hawser_request_fail(r, "%s", hawser_error());
    else if (n > 0)
        hawser_printf(r->wfile, "OK...%s", line);
}

/* Reads the first line and no more of what the client sends. */
static void answer_much(hawser_request *r) {
    char line[64], piece[1000];
    if (hawser_readline(r->rfile, line, sizeof line) <= 0)
        return;
    for (size_t i = 0; i < reply_size / sizeof piece; i++) {
        memset(piece, 'a' + (int)(i % 26), sizeof piece);
        if (hawser_write(r->wfile, piece, sizeof piece) < 0)
            return;
    }
}

/* The reply of "much", to the second line. */
static void answer_when_told(hawser_request *r) {
    char line[64];
    if (hawser_readline(r->rfile, line, sizeof line) > 0)
        answer_much(r);
}

static void tell_peer(hawser_request *r) {
    char line[1024];
    if (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_printf(r->wfile, "%s\n", hawser_addr_str(&r->peer));
}

static void tell_process(hawser_request *r) {
    char line[64];
    if (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_printf(r->wfile, "%d %s", (int)getpid(), line);
}

static void echo_datagram(hawser_request *r) {
    hawser_write(r->wfile, r->data, r->size);
}

static const struct {
    const char *name;
    hawser_handler handle;
} handlers[] = {{"lines", answer_lines}, {"keep", answer_and_keep}, {"one", answer_one}, {"much", answer_much},
                {"told", answer_when_told}, {"peer", tell_peer}, {"process", tell_process}, {"datagram", echo_datagram}};

static void tell_log(hawser_server *from, hawser_log_level level, const char *sentence) {
    static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
    (void)from;
    fprintf(stderr, "%s %s\n", names[level], sentence);
}

static void print_counters(void) {
    char text[16384];
    struct timespec cpu;
    hawser_server_metrics(server, text, sizeof text);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    printf("%scpu %.6f\n", text, (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
    fflush(stdout);
}

/* The counters, whenever somebody asks by a signal. */
static volatile sig_atomic_t asked;

static void on_usr1(int signo) {
    (void)signo;
    asked = 1;
}

static void look(hawser_server *from) {
    (void)from;
    if (!asked)
        return;
    asked = 0;
    print_counters();
}

static void set_option(const char *text) {
    static const char *networks[2];
    const char *value = strchr(text, '=') + 1;
    size_t name = (size_t)(value - 1 - text);
#define NUMBER(field)                                                                                                          \
    if (strncmp(text, #field, name) == 0 && strlen(#field) == name)                                                            \
        options.field = (__typeof__(options.field))atof(value)
    NUMBER(concurrency);
    NUMBER(workers);
    NUMBER(max_connections);
    NUMBER(max_per_peer);
    NUMBER(idle_timeout);
    NUMBER(first_byte_timeout);
    NUMBER(request_timeout);
    NUMBER(min_rate);
    NUMBER(drain);
    NUMBER(linger);
    NUMBER(request_queue_size);
    NUMBER(max_packet_size);
    NUMBER(poll_interval);
    NUMBER(segmentation);
    if (strncmp(text, "reply_size", name) == 0)
        reply_size = (size_t)atof(value);
    if (strncmp(text, "handover", name) == 0)
        options.handover = value;
    if (strncmp(text, "proxy_from", name) == 0) {
        networks[0] = value;
        options.proxy_from = networks;
    }
}

static hawser_handler find_handler(const char *name) {
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (strcmp(handlers[i].name, name) == 0)
            return handlers[i].handle;
    return NULL;
}

static int fail(void) {
    fprintf(stderr, "%s\n", hawser_error());
    return 1;
}

static void print_addresses(void) {
    hawser_addr addresses[4];
    ssize_t n = hawser_server_addresses(server, addresses, 4);
    for (ssize_t i = 0; i < n && i < 4; i++)
        printf("%s%s", i ? " " : "", hawser_addr_str(&addresses[i]));
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc < 3 || !find_handler(argv[2]))
        return 2;
    options.log = tell_log;
    options.poll_interval = 0.05;
    for (int i = 3; i < argc; i++)
        set_option(argv[i]);
    options.service_actions = options.poll_interval > 0 ? look : NULL;
    signal(SIGUSR1, on_usr1);
    server = hawser_server_open(argv[1], find_handler(argv[2]), &options);
    if (!server || hawser_server_stop_on_signals(server) < 0)
        return fail();
    print_addresses();
    if (hawser_serve_forever(server) < 0)
        return fail();
    print_counters();
    hawser_server_close(server);
    return 0;
}

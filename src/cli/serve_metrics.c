/* SPDX-License-Identifier: MIT */
#include "cli/serve_metrics.h"

#include "cli/serve_log.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#define LONGEST_LINE 16384
#define LONGEST_TEXT 16384
#define SECONDS 10

static struct {
    hawser_server *server;   /* this one; NULL: it is not wanted */
    hawser_server *counted;
    hawser_group *group;     /* the fiber that serves; NULL: there is none */
    pid_t process;           /* the process that does; 0: there is none */
} state = {.process = 0};

/* HTTP, as much of it as there has to be. */

static void answer(hawser_request *r, const char *status, const char *type, const char *body) {
    hawser_printf(r->wfile, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                  status, type, strlen(body), body);
}

static void answer_metrics(hawser_request *r) {
    char *text = malloc(LONGEST_TEXT);
    if (text) {
        hawser_server_metrics(state.counted, text, LONGEST_TEXT);
        answer(r, "200 OK", "text/plain; version=0.0.4", text);
    } else {
        answer(r, "503 Service Unavailable", "text/plain", "no memory\n");
    }
    free(text);
}

/* "GET /metrics HTTP/1.1", with or without a query. */
static bool asks_for_metrics(const char *line) {
    static const char wanted[] = "GET /metrics";
    return strncmp(line, wanted, sizeof wanted - 1) == 0 && strchr(" ?", line[sizeof wanted - 1]) && line[sizeof wanted - 1];
}

static bool is_empty(const char *line) {
    return strcmp(line, "\n") == 0 || strcmp(line, "\r\n") == 0;
}

/* To the end of the header, which says nothing that matters here. False: it never came. */
static bool read_question(hawser_request *r, char *line, bool *ret_metrics) {
    if (hawser_readline(r->rfile, line, LONGEST_LINE) <= 0)
        return false;
    *ret_metrics = asks_for_metrics(line);
    while (hawser_readline(r->rfile, line, LONGEST_LINE) > 0)
        if (is_empty(line))
            return true;
    return false;
}

static void handle(hawser_request *r) {
    bool metrics = false;
    char *line = malloc(LONGEST_LINE);
    bool asked = line && read_question(r, line, &metrics);
    free(line);
    if (asked && metrics)
        answer_metrics(r);
    else if (asked)
        answer(r, "404 Not Found", "text/plain", "the counters are at /metrics\n");
}

/* The server. */

static void forget_failure(hawser_request *r, const char *sentence) {
    (void)r;
    (void)sentence;
}

int serve_metrics_open(const struct place *place, hawser_server *server) {
    hawser_server_options options = {
        .workers = 1, .max_connections = SERVE_METRICS_CONNECTIONS, .request_timeout = SECONDS, .rbufsize = LONGEST_LINE,
        .handle_error = forget_failure, .no_notify = true};
    state.counted = server;
    return serve_open(place, handle, &options, &state.server);
}

static int serve(void *arg) {
    (void)arg;
    hawser_fiber_setname("metrics");
    return hawser_serve_forever(state.server);
}

/* Ctrl-C in the terminal is not for this process: the server ends it, or its own end does. */
_Noreturn static void serve_in_process(pid_t parent) {
    signal(SIGINT, SIG_IGN);
#ifdef __linux__
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    _exit(getppid() == parent ? serve(NULL) != 0 : 1);
}

static int start_process(void) {
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        serve_in_process(parent);
    state.process = pid > 0 ? pid : 0;
    return pid < 0 ? -1 : 0;
}

int serve_metrics_start(void) {
    if (!state.server)
        return 0;
    if (hawser_worker() == 0)
        return start_process();
    state.group = hawser_group_open(NULL);
    return state.group ? hawser_group_go(state.group, serve, NULL) : -1;
}

void serve_metrics_describe(void) {
    hawser_addr address;
    if (!state.server || hawser_server_addresses(state.server, &address, 1) < 1)
        return;
    bool is_unix = hawser_addr_family(&address) == AF_UNIX;
    serve_log_note("  metrics at %s%s%s", is_unix ? "" : "http://", hawser_addr_str(&address), is_unix ? "" : "/metrics");
}

void serve_metrics_end(void) {
    if (state.process > 0 && kill(state.process, SIGTERM) == 0)
        (void)waitpid(state.process, NULL, 0);
    hawser_group_close(state.group);   /* to be cancelled means to stop */
    hawser_server_close(state.server);
}

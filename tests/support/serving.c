/* SPDX-License-Identifier: MIT */
#include "serving.h"

#include "helpers.h"
#include "server/server.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

#define MOST_CLIENTS 64
#define DRAIN 20.0          /* seconds that handlers may take to their end before they count as cut, which no test expects */

const char *const transport_names[TRANSPORTS] = {"tcp", "udp", "unix stream", "unix datagram"};
const char *const mode_names[MODES] = {"fibers", "threads", "forks", "sequential"};

/* The board. */

board *new_board(void) {
    board *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) {
        perror("a board that processes share");
        abort();
    }
    return made;
}

void note(board *on, const char *format, ...) {
    char word[256];
    va_list args;
    va_start(args, format);
    int written = vsnprintf(word, sizeof word - 1, format, args);
    va_end(args);
    size_t size = written < 0 ? 0 : (size_t)written < sizeof word - 1 ? (size_t)written : sizeof word - 2;
    word[size++] = ' ';
    size_t at = atomic_fetch_add(&on->used, size);
    if (at + size < sizeof on->text)
        memcpy(on->text + at, word, size);
}

board *board_of(const hawser_server *server) {
    return hawser_server_user(server);
}

atomic_int *count_of(const hawser_request *r, int number) {
    return &board_of(r->server)->counts[number];
}

static void log_trouble(hawser_server *server, hawser_log_level level, const char *sentence) {
    board *on = board_of(server);
    if (level >= HAWSER_LOG_WARNING && atomic_fetch_add(&on->troubles, 1) == 0)
        snprintf(on->trouble, sizeof on->trouble, "%s", sentence);
}

/* Hooks. */

int note_get(hawser_server *server, hawser_request *r) {
    int result = hawser_server_get_request(server, r);
    int code = errno;
    if (result == 0)
        note(board_of(server), "get");
    errno = code;
    return result;
}

bool note_verify(hawser_request *r) {
    note(board_of(r->server), "verify");
    return true;
}

bool note_and_refuse(hawser_request *r) {
    note(board_of(r->server), "verify");
    return false;
}

int note_process(hawser_request *r) {
    note(board_of(r->server), "process");
    return hawser_server_process_request(r);
}

void note_finish_request(hawser_request *r) {
    note(board_of(r->server), "finish_request");
    hawser_server_finish_request(r);
}

int note_setup(hawser_request *r) {
    note(board_of(r->server), "setup");
    return 0;
}

void note_finish(hawser_request *r) {
    note(board_of(r->server), "finish");
}

void note_error(hawser_request *r, const char *sentence) {
    note(board_of(r->server), "error(%s)", sentence);
    hawser_server_handle_error(r, sentence);
}

void note_shutdown(hawser_request *r) {
    note(board_of(r->server), "shutdown");
    hawser_server_shutdown_request(r);
}

void note_close(hawser_request *r) {
    note(board_of(r->server), "close");
    hawser_server_close_request(r);
    atomic_fetch_add(count_of(r, 0), 1);
}

hawser_server_options noting(hawser_concurrency mode) {
    return (hawser_server_options){
        .concurrency = mode,
        .setup = note_setup,
        .finish = note_finish,
        .get_request = note_get,
        .verify_request = note_verify,
        .process_request = note_process,
        .finish_request = note_finish_request,
        .handle_error = note_error,
        .shutdown_request = note_shutdown,
        .close_request = note_close,
    };
}

void note_and_answer(hawser_request *r) {
    char line[64] = "";
    hawser_readline(r->rfile, line, sizeof line);
    note(board_of(r->server), "handle");
    if (strcmp(line, "fail\n") == 0)
        hawser_request_fail(r, "asked to");
    hawser_puts(r->wfile, line);
}

/* Servers. */

static hawser_server *new_server(enum transport transport, hawser_handler handle, const hawser_server_options *options) {
    static atomic_int number;
    char name[32];
    snprintf(name, sizeof name, "server-%d", atomic_fetch_add(&number, 1));
    switch (transport) {
    case TCP:
        return hawser_tcp_server("127.0.0.1", 0, handle, options);
    case UDP:
        return hawser_udp_server("127.0.0.1", 0, handle, options);
    case UNIX_STREAM:
        return hawser_unix_stream_server(own_path(name), handle, options);
    default:
        return hawser_unix_datagram_server(own_path(name), handle, options);
    }
}

static void take_address(serving *made) {
    hawser_addr addr;
    if (hawser_server_addresses(made->server, &addr, 1) != 1)
        return; /* not bound */
    memcpy(&made->address, &addr.ss, addr.len);
    made->address_len = addr.len;
}

void make_server(serving *made, enum transport transport, hawser_handler handle, const hawser_server_options *options) {
    hawser_server_options own = options ? *options : (hawser_server_options){0};
    *made = (serving){.transport = transport, .board = new_board()};
    own.user = made->board;
    if (!own.log)
        own.log = log_trouble;
    own.no_notify = true;
    made->server = new_server(transport, handle, &own);
    if (!made->server)
        fail_msg("%s", hawser_error());
    take_address(made);
}

long serve_forever(void *server) {
    return hawser_serve_forever(server);
}

long handle_one(void *server) {
    return hawser_handle_request(server);
}

static bool is_serving(void *made) {
    serving *asked = made;
    return atomic_load(&asked->run.done) || atomic_load(&asked->server->serving);
}

void begin_serving(serving *made) {
    start(&made->run, serve_forever, made->server);
    assert_true(wait_until(is_serving, made));
}

void serve(serving *made, enum transport transport, hawser_handler handle, const hawser_server_options *options) {
    make_server(made, transport, handle, options);
    begin_serving(made);
}

void close_server(serving *made) {
    hawser_server_get_counters(made->server, &made->counters);
    hawser_server_close(made->server);
    made->server = NULL;
}

void stop_serving(serving *made) {
    assert_result(hawser_server_shutdown(made->server, DRAIN, NULL), 0);
    if (finish(&made->run) != 0)
        fail_msg("serving ended with: %s", made->run.sentence);
    close_server(made);
}

bool one_is_kept(void *argument) {
    serving *s = argument;
    hawser_server_counters counters;
    hawser_server_get_counters(s->server, &counters);
    return counters.kept == 1;
}

census census_before_serving(void) {
    assert_works(hawser_sleep(0.001));
    return quiet_census();
}

static void nothing(hawser_request *r) {
    (void)r;
}

bool mode_is_refused(hawser_concurrency mode, enum transport transport) {
    serving s;
    if (mode != HAWSER_FORKS)
        return false;
#ifdef __SANITIZE_THREAD__
    print_message("    this sanitizer does not follow forks\n");
    skip();
#endif
    if (!in_fiber())
        return false;
    make_server(&s, transport, nothing, &(hawser_server_options){.concurrency = mode});
    start(&s.run, serve_forever, s.server);
    assert_int_equal(finish(&s.run), -1);
    assert_int_equal(s.run.code, EINVAL);
    assert_string_equal(s.run.sentence, "serve with forks inside of hawser_run: Invalid argument");
    close_server(&s);
    return true;
}

/* Clients. */

static int must(int result, const char *what) {
    if (result < 0) {
        fprintf(stderr, "a client of the test: %s: %s\n", what, strerror(errno));
        abort();
    }
    return result;
}

/* Calls that a time limit is set for end with EINTR when a process of the server's ends while its thread forks the next one
 * with signals blocked, as musl's fork does throughout: SIGCHLD, which nobody asked for, then goes to another thread. */
static int connect_client(int fd, const serving *to) {
    int result;
    do
        result = connect(fd, (const struct sockaddr *)&to->address, to->address_len);
    while (result < 0 && errno == EINTR);
    return result;
}

/* Who sends Unix datagrams is answered only if it has a name: the kernel gives one. */
int open_client(const serving *to) {
    const struct timeval limit = {(time_t)WAIT_LIMIT, 0};
    int type = is_stream(to->transport) ? SOCK_STREAM : SOCK_DGRAM;
    int fd = must(socket(to->address.ss_family, type | SOCK_CLOEXEC, 0), "socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (to->transport == UNIX_DATAGRAM) {
        struct sockaddr_un unnamed = {.sun_family = AF_UNIX};
        must(bind(fd, (struct sockaddr *)&unnamed, sizeof unnamed.sun_family), "bind");
    }
    must(connect_client(fd, to), "connect");
    return fd;
}

void end_client(int fd) {
    shutdown(fd, SHUT_WR);
    close(fd);
}

static bool get_datagram(int fd, const char *answer) {
    char got[4096];
    ssize_t n;
    do
        n = recv(fd, got, sizeof got, 0);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)strlen(answer) && memcmp(got, answer, (size_t)n) == 0;
}

static bool get_bytes(int fd, const char *answer) {
    char got[4096];
    size_t size = strlen(answer);
    return size <= sizeof got && raw_read(fd, got, size) && memcmp(got, answer, size) == 0;
}

bool ask(int fd, enum transport transport, const char *text, const char *answer) {
    if (!raw_write(fd, text, strlen(text)))
        return false;
    return is_stream(transport) ? get_bytes(fd, answer) : get_datagram(fd, answer);
}

bool ends(int fd) {
    return raw_drain(fd) == 0;
}

bool ask_once(const serving *to, const char *text, const char *answer) {
    int fd = open_client(to);
    bool good = ask(fd, to->transport, text, answer);
    good = good && (!is_stream(to->transport) || (shutdown(fd, SHUT_WR) == 0 && ends(fd)));
    close(fd);
    return good;
}

bool call_in_vain(const serving *to, atomic_int *count) {
    int fd = open_client(to);
    bool good = is_stream(to->transport) ? shutdown(fd, SHUT_WR) == 0 && ends(fd) : raw_write(fd, "x", 1);
    good = good && wait_for_count(count, 1);
    close(fd);
    return good;
}

int run_clients(serving *to, int count, bool at_once, long (*body)(void *)) {
    static client clients[MOST_CLIENTS];
    static runner runs[MOST_CLIENTS];
    int good = 0;
    assert_true(count <= MOST_CLIENTS);
    for (int i = 0; i < count; i++) {
        clients[i] = (client){.to = to, .number = i};
        start_thread(&runs[i], body, &clients[i]);
        if (!at_once)
            good += finish(&runs[i]) == 0;
    }
    for (int i = 0; at_once && i < count; i++)
        good += finish(&runs[i]) == 0;
    return good;
}

struct awaited {
    atomic_int *count;
    int n;
};

static bool has_come(void *argument) {
    struct awaited *awaited = argument;
    return atomic_load(awaited->count) >= awaited->n;
}

bool wait_for_count(atomic_int *count, int n) {
    return wait_until(has_come, &(struct awaited){count, n});
}

/* SPDX-License-Identifier: MIT */
#include "serving.h"

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

static void log_trouble(hawser_server *server, hawser_log_level level, const char *sentence) {
    board *on = board_of(server);
    if (level >= HAWSER_LOG_WARNING && atomic_fetch_add(&on->troubles, 1) == 0)
        snprintf(on->trouble, sizeof on->trouble, "%s", sentence);
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

static long serve_forever(void *server) {
    return hawser_serve_forever(server);
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

/* Who sends Unix datagrams is answered only if it has a name: the kernel gives one. */
int open_client(const serving *to) {
    const struct timeval limit = {(time_t)WAIT_LIMIT, 0};
    const struct sockaddr *address = (const struct sockaddr *)&to->address;
    int type = is_stream(to->transport) ? SOCK_STREAM : SOCK_DGRAM;
    int fd = must(socket(address->sa_family, type | SOCK_CLOEXEC, 0), "socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (to->transport == UNIX_DATAGRAM) {
        struct sockaddr_un unnamed = {.sun_family = AF_UNIX};
        must(bind(fd, (struct sockaddr *)&unnamed, sizeof unnamed.sun_family), "bind");
    }
    must(connect(fd, address, to->address_len), "connect");
    return fd;
}

void end_client(int fd) {
    shutdown(fd, SHUT_WR);
    close(fd);
}

static bool get_datagram(int fd, const char *answer) {
    char got[4096];
    ssize_t n = recv(fd, got, sizeof got, 0);
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

struct CMUnitTest named_test(CMUnitTestFunction function, const void *state, const char *format, ...) {
    static char names[512][128];
    static size_t used;
    char *name = names[used++ % 512];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof names[0], format, args);
    va_end(args);
    return (struct CMUnitTest){.name = name, .test_func = function, .initial_state = (void *)(uintptr_t)state};
}

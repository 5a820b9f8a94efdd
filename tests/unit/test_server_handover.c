/* SPDX-License-Identifier: MIT */
/* server/handover: one server follows another, both in this process. tests/serving/test_restart.py has processes, and
 * tests/storm/handover.c every order in which it can happen. */
#include "support.h"

#include "engine/engines.h"
#include "faults.h"
#include "helpers.h"

#include <unistd.h>

#define WORD "hello\n"

static void echo(hawser_request *r) {
    char line[16];
    ssize_t n = hawser_readline(r->rfile, line, sizeof line);
    if (n > 0)
        hawser_write(r->wfile, line, (size_t)n);
}

static long serve(void *argument) {
    return hawser_serve_forever(argument);
}

static bool has_file(void *path) {
    return access(path, F_OK) == 0;
}

static bool has_no_file(void *path) {
    return access(path, F_OK) != 0;
}

static hawser_server *open_follower(const char *address, const char *line, hawser_concurrency mode) {
    hawser_server_options options = {.handover = line, .drain = WAIT_LIMIT, .concurrency = mode, .workers = 1};
    hawser_server *server = hawser_server_open(address, echo, &options);
    if (!server)
        fail_msg("%s", hawser_error());
    return server;
}

/* Before anybody needs to serve it. */
static hawser_sock *call(const hawser_server *server) {
    hawser_addr own;
    hawser_sock *sock;
    assert_works(hawser_getsockname(hawser_server_socket(server), &own));
    sock = hawser_socket(own.ss.ss_family, SOCK_STREAM, 0);
    assert_works(hawser_connect_addr(sock, &own));
    assert_works(hawser_sendall(sock, WORD, sizeof WORD - 1));
    return sock;
}

static void assert_answers(hawser_sock *sock) {
    char got[sizeof WORD];
    hawser_settimeout(sock, WAIT_LIMIT);
    assert_works(hawser_recv_exactly(sock, got, sizeof WORD - 1));
    assert_memory_equal(got, WORD, sizeof WORD - 1);
    hawser_close(sock);
}

static void stop_and_close(hawser_server *server, runner *run) {
    hawser_server_stop(server, WAIT_LIMIT);
    assert_int_equal(finish(run), 0);
    hawser_server_close(server);
}

static void follow(const char *address, hawser_concurrency mode) {
    char *line = strdup(own_path("line"));
    runner runs[4];
    hawser_server *server = open_follower(address, line, mode);
    start(&runs[0], serve, server);
    for (int i = 1; i < 4; i++) {
        assert_true(wait_until(has_file, line));
        assert_answers(call(server));
        hawser_server *follower = open_follower(address, line, mode);
        hawser_sock *early = call(follower);
        assert_answers(early);                    /* by the one who serves still */
        start(&runs[i], serve, follower);
        assert_int_equal(finish(&runs[i - 1]), 0);   /* it has been told */
        hawser_sock *between = call(server);      /* the same queue */
        hawser_server_close(server);
        assert_answers(between);
        server = follower;
    }
    assert_true(wait_until(has_file, line));
    stop_and_close(server, &runs[3]);
    assert_true(has_no_file(line));
    free(line);
}

static void each_follows_the_one_before(void **state) {
    (void)state;
    static const hawser_concurrency modes[] = {HAWSER_FIBERS, HAWSER_THREADS, HAWSER_SEQUENTIAL};
    char path[128];
    snprintf(path, sizeof path, "unix:%s", own_path("served"));
    follow("tcp://127.0.0.1:0", HAWSER_FIBERS);   /* makes what lasts */
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        census before = quiet_census();
        follow("tcp://127.0.0.1:0", modes[i]);
        follow("tcp://localhost:0", modes[i]);
        follow(path, modes[i]);
        unlink(path + 5);
        const char *left = compare_census(before);
        if (left)
            fail_msg("%s", left);
    }
}

static void a_follower_that_does_not_serve_changes_nothing(void **state) {
    (void)state;
    char *line = strdup(own_path("line"));
    runner run;
    census before = quiet_census();
    hawser_server *server = open_follower("tcp://localhost:0", line, HAWSER_FIBERS);
    start(&run, serve, server);
    assert_true(wait_until(has_file, line));
    for (int i = 0; i < 3; i++) {
        hawser_server_close(open_follower("tcp://localhost:0", line, HAWSER_FIBERS));
        assert_answers(call(server));
    }
    stop_and_close(server, &run);
    const char *left = compare_census(before);
    if (left)
        fail_msg("%s", left);
    free(line);
}

/* The thread that answers at the path and the end of serving both close it, and both leave the file of a Unix listener. */
static void follow_and_stop_at_once(const char *address, const char *line) {
    for (int i = 0; i < 50; i++) {
        runner runs[2];
        hawser_server *server = open_follower(address, line, HAWSER_SEQUENTIAL);
        start(&runs[0], serve, server);
        assert_true(wait_until(has_file, (void *)(uintptr_t)line));
        hawser_server *follower = open_follower(address, line, HAWSER_SEQUENTIAL);
        start(&runs[1], serve, follower);
        for (int j = 0; j < i; j++)
            spin();
        stop_and_close(server, &runs[0]);
        assert_answers(call(follower));
        stop_and_close(follower, &runs[1]);
        assert_true(wait_until(has_no_file, (void *)(uintptr_t)line));
    }
}

static void being_followed_and_stopped_at_once(void **state) {
    (void)state;
    char *line = strdup(own_path("line")), path[128];
    snprintf(path, sizeof path, "unix:%s", own_path("served"));
    census before = quiet_census();
    follow_and_stop_at_once("tcp://127.0.0.1:0", line);
    follow_and_stop_at_once(path, line);
    const char *left = compare_census(before);
    if (left)
        fail_msg("%s", left);
    free(line);
}

/* The path of a server that does not listen yet, though it is there. */
struct about_to_listen {
    hawser__engine *engine;
    struct hawser__unix_file file;
    hawser_sock *sock;
};

static struct about_to_listen claim(const char *path) {
    struct about_to_listen server = {.engine = hawser__engine_current(), .sock = hawser_socket(AF_UNIX, SOCK_SEQPACKET, 0)};
    hawser_addr addr;
    snprintf(server.file.path, sizeof server.file.path, "%s", path);
    assert_int_equal(server.engine->ops->unix_claim(server.engine, &server.file, HAWSER__NEVER), 0);
    assert_works(hawser_addr_unix(&addr, path, strlen(path)));
    assert_works(hawser_bind_addr(server.sock, &addr));
    return server;
}

static void assert_called(struct about_to_listen *server) {
    char got[64] = "";
    hawser_settimeout(server->sock, WAIT_LIMIT);
    hawser_sock *caller = hawser_accept(server->sock, NULL);
    if (!caller)
        fail_msg("%s", hawser_error());
    assert_true(hawser_recv(caller, got, sizeof got - 1) > 0);
    assert_string_equal(got, "hawser handover 1: take");
    hawser_close(caller);
}

/* Not longer than PATIENCE seconds. */
struct follower {
    const char *line;
    double patience;
};

static long follow_in_vain(void *follower) {
    const struct follower *self = follower;
    int64_t outer = hawser_deadline_push(self->patience);
    hawser_server *server = hawser_server_open("tcp://127.0.0.1:0", echo, &(hawser_server_options){.handover = self->line});
    hawser_deadline_pop(outer);
    hawser_server_close(server);
    return server ? 0 : errno;
}

/* At the same path, as any listener. */
static long listen_in_vain(void *follower) {
    const struct follower *self = follower;
    char host[128];
    snprintf(host, sizeof host, "unix:%s", self->line);
    int64_t outer = hawser_deadline_push(self->patience);
    hawser_sock *sock = hawser_create_server(host, 0, NULL);
    hawser_deadline_pop(outer);
    hawser_close(sock);
    return sock ? 0 : errno;
}

/* Longer than anybody would look again and again. The path is as people write it where a name has a space. */
static void a_server_that_is_about_to_listen_is_waited_for(void **state) {
    (void)state;
    skip_in_world("nobody waits for a lock there");
    char *written = strdup(own_path("the\\x20line")), *line = strdup(own_path("the line"));
    struct follower follower = {.line = written, .patience = WAIT_LIMIT};
    struct about_to_listen server = claim(line);
    runner run;
    double end = seconds_now() + 0.2;
    start(&run, follow_in_vain, &follower);
    while (seconds_now() < end)
        rest_a_moment();
    assert_works(hawser_listen(server.sock, 1));
    server.engine->ops->unix_settle(server.engine, &server.file, true);
    assert_called(&server);
    assert_int_equal(finish(&run), ECONNRESET);
    hawser_close(server.sock);
    unlink(line);
    free(line);
    free(written);
}

static void how_long_is_what_the_caller_says(void **state) {
    (void)state;
    skip_in_world("nobody waits for a lock there");
    static const struct {
        long (*body)(void *follower);
        const char *call;
        double patience;
        int code;
    } cases[] = {{follow_in_vain, "take over from the server at ", 0, EAGAIN},
                 {follow_in_vain, "take over from the server at ", 0.05, ETIMEDOUT},
                 {listen_in_vain, "listen on unix:", 0, EAGAIN},
                 {listen_in_vain, "listen on unix:", 0.05, ETIMEDOUT}};
    char *line = strdup(own_path("line")), sentence[256];
    struct about_to_listen server = claim(line);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct follower follower = {.line = line, .patience = cases[i].patience};
        runner run;
        start(&run, cases[i].body, &follower);
        assert_int_equal(finish(&run), cases[i].code);
        snprintf(sentence, sizeof sentence, "%s%s: %s", cases[i].call, line, hawser_strerror(cases[i].code));
        assert_string_equal(run.sentence, sentence);
    }
    server.engine->ops->unix_settle(server.engine, &server.file, false);
    hawser_close(server.sock);
    unlink(line);
    free(line);
}

/* As a follower does, up to the point at which it could serve. */
static hawser_sock *take_all(const char *line) {
    char host[128], got[512] = "";
    snprintf(host, sizeof host, "unix:%s", line);
    hawser_sock *sock = hawser_socket(AF_UNIX, SOCK_SEQPACKET, 0);
    assert_works(hawser_connect(sock, host, 0));
    assert_works(hawser_sendall(sock, "hawser handover 1: take", 23));
    hawser_settimeout(sock, WAIT_LIMIT);
    while (strcmp(got, "end") != 0) {
        int fds[2];
        size_t count = 2;
        ssize_t n = hawser_recv_fds(sock, got, sizeof got - 1, fds, &count, 0, NULL);
        assert_true(n > 0);
        got[n] = '\0';
        for (size_t i = 0; i < count; i++)
            hawser_close(hawser_sock_from_fd(fds[i]));
    }
    return sock;
}

/* Somebody of the program closes it while a follower is about to have it. */
static void of_a_listener_that_is_closed_no_file_is_left(void **state) {
    (void)state;
    char *line = strdup(own_path("line")), path[128];
    snprintf(path, sizeof path, "unix:%s", own_path("served"));
    hawser_server *server = open_follower(path, line, HAWSER_SEQUENTIAL);
    runner run;
    start(&run, serve, server);
    assert_true(wait_until(has_file, line));
    hawser_sock *follower = take_all(line);
    hawser_close(hawser_ref(hawser_server_socket(server)));
    assert_true(wait_until(has_no_file, path + 5));
    (void)hawser_sendall(follower, "serving", 7);   /* unless serving has ended before */
    hawser_server_stop(server, WAIT_LIMIT);
    (void)finish(&run);
    hawser_server_close(server);
    hawser_close(follower);
    free(line);
}

/* Who could not be let in while no descriptor was free is afterwards. */
static void a_full_descriptor_table_keeps_a_follower_waiting_only(void **state) {
    (void)state;
    skip_in_world("no system calls are made there");
    char *line = strdup(own_path("line"));
    runner runs[2];
    hawser_server *server = open_follower("tcp://127.0.0.1:0", line, HAWSER_SEQUENTIAL);
    start(&runs[0], serve, server);
    assert_true(wait_until(has_file, line));
    fault_syscall("accept", 1, EMFILE, 2);
    fault_everywhere();
    hawser_server *follower = open_follower("tcp://127.0.0.1:0", line, HAWSER_SEQUENTIAL);
    assert_true(fault_none());
    start(&runs[1], serve, follower);
    assert_int_equal(finish(&runs[0]), 0);
    hawser_server_close(server);
    assert_answers(call(follower));
    assert_true(wait_until(has_file, line));
    stop_and_close(follower, &runs[1]);
    free(line);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_follows_the_one_before),
        cmocka_unit_test(a_follower_that_does_not_serve_changes_nothing),
        cmocka_unit_test(a_server_that_is_about_to_listen_is_waited_for),
        cmocka_unit_test(how_long_is_what_the_caller_says),
        cmocka_unit_test(of_a_listener_that_is_closed_no_file_is_left),
        cmocka_unit_test(being_followed_and_stopped_at_once),
        cmocka_unit_test(a_full_descriptor_table_keeps_a_follower_waiting_only),
    };
    take_census(); /* the first one, which no test's threads are in */
    return cmocka_run_group_tests(tests, NULL, NULL);
}

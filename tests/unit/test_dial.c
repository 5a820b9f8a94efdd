/* SPDX-License-Identifier: MIT */
/*
 * Dialling (traps 5, 6, 24) in a network of its own, where names are what this file says. The address that never answers is a
 * listener whose queue is full. libc sorts 127.0.0.1 before its neighbours, so that is where the silent or refusing one sits.
 */
#include "own_world.h"
#include "support.h"

#include <errno.h>
#include <math.h>
#include <unistd.h>

#include "engine/engines.h"
#include "engine_memory.h"

static const char hosts[] = "127.0.0.1 localhost\n"
                            "::1 localhost\n"
                            "127.0.0.1 bad-first.test\n"
                            "127.0.0.2 bad-first.test\n"
                            "127.0.0.1 three.test\n"
                            "127.0.0.2 three.test\n"
                            "127.0.0.3 three.test\n"
                            "::1 both.test\n"
                            "127.0.0.1 both.test\n";

/* A connection that is accepted, or NULL; what hawser_create_connection left behind stays. */
static hawser_sock *dial(const char *host, int port, hawser_connect_options options) {
    forget_errors();
    return hawser_create_connection(host, port, &options);
}

static hawser_attempt attempt(size_t index) {
    hawser_attempt all[8] = {{.error = -1}};
    assert_true(hawser_attempts(all, 8) > index);
    return all[index];
}

static void assert_attempt(size_t index, const char *host, int port, int error) {
    char expected[64];
    hawser_attempt one = attempt(index);
    snprintf(expected, sizeof expected, "%s:%d", host, port);
    assert_string_equal(hawser_addr_str(&one.addr), expected);
    assert_int_equal(one.error, error);
    assert_true(one.seconds >= 0 && one.seconds < WAIT_LIMIT);
}

static int option(hawser_sock *sock, int level, int name) {
    int value = -1;
    assert_works(hawser_getsockopt_int(sock, level, name, &value));
    return value;
}

/* Trap 24. */
static void a_connection_is_made_ready_to_use(void **state) {
    (void)state;
    int port, listener = raw_listener(AF_INET, 5, &port);
    mark_errors();
    hawser_sock *sock = hawser_create_connection("127.0.0.1", port, NULL);
    assert_non_null(sock);
    check_success(0, "hawser_create_connection", __FILE__, __LINE__);
    int far = raw_accept(listener);
    assert_int_equal(option(sock, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(sock, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(sock, IPPROTO_TCP, TCP_KEEPIDLE), 15);
    assert_true(hawser_gettimeout(sock) == HAWSER_NO_TIMEOUT);
    assert_true(raw_is_cloexec(hawser_fileno(sock)));
    assert_works(hawser_sendall(sock, "hi", 2));
    hawser_close(sock);
    assert_int_equal(raw_drain(far), 2);
    assert_int_equal(hawser_attempts(NULL, 0), 1);
    assert_attempt(0, "127.0.0.1", port, 0);
    close(far);
    close(listener);
}

static void every_form_of_host(void **state) {
    (void)state;
    int port, v6_port, listener = raw_listener(AF_INET, 9, &port), v6 = raw_listener(AF_INET6, 9, &v6_port);
    const struct {
        const char *host;
        int port;
    } forms[] = {{"127.0.0.1", port}, {"localhost", port}, {"", port}, {"::1", v6_port}, {"localhost", v6_port}, {"", v6_port}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        hawser_sock *sock = dial(forms[i].host, forms[i].port, (hawser_connect_options){.timeout = WAIT_LIMIT});
        if (!sock)
            fail_msg("%s: %s", forms[i].host, hawser_error());
        hawser_close(sock);
    }
    close(listener);
    close(v6);
}

static void unix_names_are_dialled_too(void **state) {
    (void)state;
    char path[160];
    snprintf(path, sizeof path, "unix:%s", own_path("dialled"));
    hawser_sock *file = hawser_create_server(path, 0, NULL), *abstract = hawser_create_server("unix:@hawser-dialled", 0, NULL);
    assert_non_null(file);
    assert_non_null(abstract);
    const char *const forms[] = {path, "unix:@hawser-dialled"};
    for (int i = 0; i < 2; i++) {
        hawser_sock *sock = dial(forms[i], 0, (hawser_connect_options){0});
        assert_non_null(sock);
        assert_int_equal(hawser_family(sock), AF_UNIX);
        hawser_close(sock);
    }
    hawser_close(file);
    hawser_close(abstract);
    assert_null_fails(hawser_create_connection(path, 0, NULL), ENOENT);
    assert_sentence_has("connect to unix:/");
    assert_null_fails(hawser_create_connection("unix:@hawser-dialled", 0, NULL), ECONNREFUSED);
    assert_sentence("connect to unix:@hawser-dialled: Connection refused");
    assert_null_fails(hawser_create_connection(path, 80, NULL), EINVAL);
}

static void a_single_refusal_is_said_once(void **state) {
    (void)state;
    int port, held = raw_refusing(&port);
    char expected[96];
    snprintf(expected, sizeof expected, "connect to 127.0.0.1:%d: Connection refused", port);
    assert_null_fails(hawser_create_connection("127.0.0.1", port, NULL), ECONNREFUSED);
    assert_sentence(expected);
    assert_attempt(0, "127.0.0.1", port, ECONNREFUSED);
    close(held);
}

static void when_all_refuse_the_sentence_names_every_failure(void **state) {
    (void)state;
    int port, held = raw_refusing(&port);
    char expected[256];
    snprintf(
        expected, sizeof expected,
        "connect to both.test:%d: Connection refused (tried [::1]:%d: Connection refused; 127.0.0.1:%d: Connection refused)",
        port, port, port);
    assert_null_fails(hawser_create_connection("both.test", port, NULL), ECONNREFUSED);
    assert_sentence(expected);
    assert_int_equal(hawser_attempts(NULL, 0), 2);
    assert_attempt(0, "[::1]", port, ECONNREFUSED);
    assert_attempt(1, "127.0.0.1", port, ECONNREFUSED);
    close(held);
}

/* Trap 6: a silent address costs the stagger, not the timeout; the loser is closed. */
static void a_silent_address_is_overtaken_after_a_quarter_of_a_second(void **state) {
    (void)state;
    black_hole hole = dig_black_hole("127.0.0.1", 0);
    int port = hole.port, listener = raw_listener_at("127.0.0.2", 5, &port);
    hawser_sleep(0); /* makes the wake descriptor of this thread, which stays */
    long before = open_descriptors();
    double began = seconds_now();
    hawser_sock *sock = dial("bad-first.test", port, (hawser_connect_options){.timeout = WAIT_LIMIT});
    double took = seconds_now() - began;
    assert_non_null(sock);
    assert_int_equal(open_descriptors(), before + 1); /* only the winner */
    assert_true(took >= 0.25 && took < WAIT_LIMIT / 2);
    assert_int_equal(hawser_attempts(NULL, 0), 2);
    assert_attempt(0, "127.0.0.1", port, ECANCELED);
    assert_attempt(1, "127.0.0.2", port, 0);
    assert_true(hawser_gettimeout(sock) == WAIT_LIMIT); /* the socket keeps it */
    hawser_close(sock);
    close(listener);
    fill_in(hole);
}

/* "or as soon as one has failed": with a stagger of an hour the second attempt starts all the same. */
static void a_refusal_starts_the_next_attempt_at_once(void **state) {
    (void)state;
    int port = 0, listener = raw_listener_at("127.0.0.2", 5, &port);
    hawser_sock *sock = dial("bad-first.test", port, (hawser_connect_options){.timeout = WAIT_LIMIT, .stagger = 3600});
    assert_non_null(sock);
    assert_attempt(0, "127.0.0.1", port, ECONNREFUSED);
    assert_attempt(1, "127.0.0.2", port, 0);
    hawser_close(sock);
    close(listener);
}

/* Also while an earlier one is still silent: the third does not wait for its own turn, a second stagger later. */
static void a_refusal_starts_the_next_attempt_at_once_beside_a_silent_one(void **state) {
    (void)state;
    black_hole hole = dig_black_hole("127.0.0.1", 0);
    int port = hole.port, listener = raw_listener_at("127.0.0.3", 5, &port);
    double took = 2;
    for (int tries = 0; took >= 2 && tries < 3; tries++) { /* a busy machine may take its time once */
        double began = seconds_now();
        hawser_sock *sock = dial("three.test", port, (hawser_connect_options){.timeout = WAIT_LIMIT, .stagger = 1});
        took = seconds_now() - began;
        assert_non_null(sock);
        assert_attempt(0, "127.0.0.1", port, ECANCELED);
        assert_attempt(1, "127.0.0.2", port, ECONNREFUSED);
        assert_attempt(2, "127.0.0.3", port, 0);
        hawser_close(sock);
    }
    assert_true(took >= 1 && took < 2);
    close(listener);
    fill_in(hole);
}

/* How many attempts there were when the time was up for all of them. */
static size_t dial_in_vain(int port, double timeout, double stagger) {
    long before = open_descriptors();
    double began = seconds_now();
    assert_null_fails(dial("three.test", port, (hawser_connect_options){.timeout = timeout, .stagger = stagger}), ETIMEDOUT);
    double took = seconds_now() - began;
    assert_true(took >= timeout && took < WAIT_LIMIT / 2);
    for (size_t k = 0; k < hawser_attempts(NULL, 0); k++)
        assert_int_equal(attempt(k).error, ETIMEDOUT);
    assert_sentence_has(": Timed out");
    assert_int_equal(open_descriptors(), before);
    return hawser_attempts(NULL, 0);
}

/* Trap 5: one deadline for all of it, where Python has one for each address: one after the other, the second never starts. */
static void the_deadline_is_for_all_addresses_together(void **state) {
    (void)state;
    black_hole first = dig_black_hole("127.0.0.1", 0);
    black_hole holes[] = {first, dig_black_hole("127.0.0.2", first.port), dig_black_hole("127.0.0.3", first.port)};
    size_t racing = 0;
    for (double timeout = 0.2; racing < 3 && timeout < 5; timeout *= 2) /* a busy machine may be slow to start all of them */
        racing = dial_in_vain(first.port, timeout, 0.01);
    assert_int_equal(racing, 3);
    assert_int_equal(dial_in_vain(first.port, 0.2, HAWSER_NO_TIMEOUT), 1);
    for (int i = 0; i < 3; i++)
        fill_in(holes[i]);
}

static void one_family_can_be_asked_for(void **state) {
    (void)state;
    int port, held = raw_refusing(&port);
    assert_null(dial("both.test", port, (hawser_connect_options){.family = AF_INET}));
    assert_int_equal(hawser_attempts(NULL, 0), 1);
    assert_attempt(0, "127.0.0.1", port, ECONNREFUSED);
    assert_null(dial("both.test", port, (hawser_connect_options){.family = AF_INET6}));
    assert_int_equal(hawser_attempts(NULL, 0), 1);
    assert_attempt(0, "[::1]", port, ECONNREFUSED);
    assert_null(dial("127.0.0.1", port, (hawser_connect_options){.family = AF_INET6}));
    assert_int_equal(errno, HAWSER_ENOADDRESS);
    close(held);
}

static void the_source_address_is_the_one_asked_for(void **state) {
    (void)state;
    int port, listener = raw_listener(AF_INET, 5, &port);
    hawser_addr own;
    hawser_sock *sock = dial("127.0.0.1", port, (hawser_connect_options){.source_host = "127.0.0.9"});
    assert_non_null(sock);
    hawser_getsockname(sock, &own);
    assert_non_null(strstr(hawser_addr_str(&own), "127.0.0.9:"));
    hawser_close(sock);
    int free_port, held = raw_refusing(&free_port);
    close(held);
    sock = dial("both.test", port, (hawser_connect_options){.source_host = "127.0.0.1", .source_port = free_port});
    assert_non_null(sock);
    hawser_getsockname(sock, &own);
    assert_int_equal(hawser_addr_port(&own), free_port);
    assert_attempt(0, "[::1]", port, EADDRNOTAVAIL); /* no source of that family: failed, and the next one was tried */
    hawser_close(sock);
    close(listener);
}

static void a_source_that_cannot_be_had_is_told(void **state) {
    (void)state;
    int port, listener = raw_listener(AF_INET, 5, &port);
    assert_null_fails(dial("127.0.0.1", port, (hawser_connect_options){.source_host = "198.51.100.1"}), EADDRNOTAVAIL);
    assert_null_fails(dial("127.0.0.1", port, (hawser_connect_options){.source_port = port}), EADDRINUSE);
    assert_null_fails(dial("127.0.0.1", port, (hawser_connect_options){.source_port = 65536}), ERANGE);
    assert_sentence_has("65536");
    close(listener);
}

static void what_is_no_time_is_refused(void **state) {
    (void)state;
    static const struct {
        hawser_connect_options options;
        int code;
    } rows[] = {{{.timeout = -2}, EINVAL},
                {{.timeout = NAN}, EINVAL},
                {{.timeout = 2e9}, ERANGE},
                {{.stagger = -2}, EINVAL},
                {{.stagger = NAN}, EINVAL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_null(dial("127.0.0.1", 9, rows[i].options));
        assert_int_equal(errno, rows[i].code);
        assert_sentence_has("connect to 127.0.0.1:9");
    }
}

static void the_default_timeout_bounds_dialling_and_is_the_sockets(void **state) {
    (void)state;
    black_hole hole = dig_black_hole("127.0.0.1", 0);
    int port, listener = raw_listener(AF_INET, 5, &port);
    assert_works(hawser_setdefaulttimeout(0.1));
    assert_null(dial("127.0.0.1", hole.port, (hawser_connect_options){0}));
    int code = errno;
    assert_works(hawser_setdefaulttimeout(7));
    hawser_sock *sock = dial("127.0.0.1", port, (hawser_connect_options){0});
    hawser_sock *own = dial("127.0.0.1", port, (hawser_connect_options){.timeout = HAWSER_NO_TIMEOUT});
    assert_works(hawser_setdefaulttimeout(HAWSER_NO_TIMEOUT));
    assert_int_equal(code, ETIMEDOUT);
    assert_true(hawser_gettimeout(sock) == 7);
    assert_true(hawser_gettimeout(own) == HAWSER_NO_TIMEOUT);
    hawser_close(sock);
    hawser_close(own);
    close(listener);
    fill_in(hole);
}

/* The same calls on an engine without a kernel, where names and silence are exact. */
static void names_that_fail_keep_their_codes_apart(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    static const struct {
        const char *host;
        int code;
    } rows[] = {
        {"no.such.test", HAWSER_ENONAME}, {"later.test", HAWSER_ETRYAGAIN}, {"slow.test", ETIMEDOUT}, {"lost.test", ETIMEDOUT}};
    hawser__engine_use(&memory_engine);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char start_of_sentence[64];
        snprintf(start_of_sentence, sizeof start_of_sentence, "connect to %s:80: ", rows[i].host);
        double began = seconds_now();
        hawser_sock *sock = dial(rows[i].host, 80, (hawser_connect_options){.timeout = 0.05});
        int code = errno;
        assert_null(sock);
        assert_int_equal(code, rows[i].code);
        assert_sentence_has(start_of_sentence);
        assert_int_equal(hawser_attempts(NULL, 0), i == 3);
        assert_true(code != ETIMEDOUT || seconds_now() - began >= 0.05);
    }
    hawser__engine_use(NULL);
}

static void the_race_is_run_on_any_engine(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    hawser__engine_use(&memory_engine);
    hawser_sock *server = hawser_create_server("127.0.0.1", 0, NULL);
    assert_non_null(server);
    hawser_addr own;
    assert_works(hawser_getsockname(server, &own));
    int port = (int)hawser_addr_port(&own);
    hawser_sock *sock = dial("lost-first.test", port, (hawser_connect_options){.timeout = WAIT_LIMIT, .stagger = 0.01});
    assert_non_null(sock);
    assert_attempt(0, "192.0.2.1", port, ECANCELED);
    assert_attempt(1, "127.0.0.1", port, 0);
    hawser_sock *accepted = hawser_accept(server, NULL);
    char buf[4];
    assert_works(hawser_sendall(sock, "ok", 2));
    assert_int_equal(assert_works(hawser_recv(accepted, buf, sizeof buf)), 2);
    hawser_close(sock);
    hawser_close(accepted);
    hawser_close(server);
    assert_int_equal(memory_engine_sockets(), 0);
    hawser__engine_use(NULL);
}

static long attempts_of_a_new_thread(void *argument) {
    (void)argument;
    return (long)hawser_attempts(NULL, 0);
}

static void attempts_are_the_tasks_own_and_of_its_last_call(void **state) {
    (void)state;
    int port, held = raw_refusing(&port);
    hawser_attempt one;
    runner run;
    assert_null(dial("both.test", port, (hawser_connect_options){0}));
    assert_int_equal(hawser_attempts(&one, 1), 2); /* fills one, tells two */
    assert_int_equal(one.error, ECONNREFUSED);
    start(&run, attempts_of_a_new_thread, NULL);
    assert_int_equal(finish(&run), 0);
    assert_null(dial("127.0.0.1", 65536, (hawser_connect_options){0}));
    assert_int_equal(hawser_attempts(&one, 1), 0); /* this one never came to an attempt */
    close(held);
}

int main(void) {
    enter_own_world(test_arguments, hosts);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_made_ready_to_use),
        cmocka_unit_test(every_form_of_host),
        cmocka_unit_test(unix_names_are_dialled_too),
        cmocka_unit_test(a_single_refusal_is_said_once),
        cmocka_unit_test(when_all_refuse_the_sentence_names_every_failure),
        cmocka_unit_test(a_silent_address_is_overtaken_after_a_quarter_of_a_second),
        cmocka_unit_test(a_refusal_starts_the_next_attempt_at_once),
        cmocka_unit_test(a_refusal_starts_the_next_attempt_at_once_beside_a_silent_one),
        cmocka_unit_test(the_deadline_is_for_all_addresses_together),
        cmocka_unit_test(one_family_can_be_asked_for),
        cmocka_unit_test(the_source_address_is_the_one_asked_for),
        cmocka_unit_test(a_source_that_cannot_be_had_is_told),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(the_default_timeout_bounds_dialling_and_is_the_sockets),
        cmocka_unit_test(names_that_fail_keep_their_codes_apart),
        cmocka_unit_test(the_race_is_run_on_any_engine),
        cmocka_unit_test(attempts_are_the_tasks_own_and_of_its_last_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

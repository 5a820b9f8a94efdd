/* SPDX-License-Identifier: MIT */
/* Listening and accepting step by step; hawser_create_server is in test_listen.c, the rest of sock.h in test_sock.c. */
#include "support.h"

#include <errno.h>
#include <unistd.h>

/* "listen(5) lets six connect and the seventh waits." */
static void a_backlog_lets_one_more_connect_than_it_says(void **state) {
    (void)state;
    static const int backlogs[] = {0, 1, 5, -3};
    for (size_t i = 0; i < sizeof backlogs / sizeof *backlogs; i++) {
        int allowed = (backlogs[i] < 0 ? 0 : backlogs[i]) + 1;
        hawser_sock *server = hawser_socket(AF_INET, SOCK_STREAM, 0), *clients[8];
        assert_works(hawser_bind(server, "127.0.0.1", 0));
        assert_works(hawser_listen(server, backlogs[i]));
        int port = raw_port(hawser_fileno(server));
        for (int k = 0; k <= allowed; k++) {
            clients[k] = hawser_socket(AF_INET, SOCK_STREAM, 0);
            hawser_settimeout(clients[k], k < allowed ? WAIT_LIMIT : 0.05);
            int code = hawser_connect_ex(clients[k], "127.0.0.1", port);
            assert_int_equal(code, k < allowed ? 0 : ETIMEDOUT);
        }
        for (int k = 0; k <= allowed; k++)
            hawser_close(clients[k]);
        hawser_close(server);
    }
}

static void accept_gives_the_peer_and_the_default_timeout(void **state) {
    (void)state;
    hawser_addr peer, client_addr;
    hawser_sock *server = hawser_create_server("127.0.0.1", 0, NULL);
    hawser_settimeout(server, 3);
    int client = raw_connect(AF_INET, raw_port(hawser_fileno(server)));
    hawser_sock *accepted = hawser_accept(server, &peer);
    assert_non_null(accepted);
    assert_int_equal(hawser_addr_port(&peer), raw_port(client));
    assert_int_equal(hawser_getpeername(accepted, &client_addr), 0);
    assert_true(hawser_addr_equal(&peer, &client_addr));
    assert_true(hawser_gettimeout(accepted) == HAWSER_NO_TIMEOUT); /* trap 24: not the listener's */
    assert_int_equal(hawser_type(accepted), SOCK_STREAM);
    assert_true(raw_is_cloexec(hawser_fileno(accepted)));
    hawser_close(accepted);
    close(client);
    hawser_close(server);
}

static void only_a_listener_accepts(void **state) {
    (void)state;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    assert_null_fails(hawser_accept(sock, NULL), EINVAL);
    assert_sentence_has("accept on ");
    hawser_close(sock);
    sock = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    assert_fails(hawser_listen(sock, 5), EOPNOTSUPP);
    hawser_close(sock);
}

/* Trap 10: what is wrong with one connection, or with the network, says nothing about the listener. */
static void a_connection_that_died_in_the_queue_is_skipped(void **state) {
    (void)state;
    static const int codes[] = {ECONNABORTED, EPROTO, ENETDOWN, EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH, EINTR};
    hawser_sock *server = hawser_create_server("127.0.0.1", 0, NULL);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        int client = raw_connect(AF_INET, raw_port(hawser_fileno(server)));
        fault_syscall("accept", 1, codes[i], 3);
        hawser_sock *accepted = hawser_accept(server, NULL);
        assert_true(fault_none());
        assert_non_null(accepted);
        hawser_close(accepted);
        close(client);
    }
    hawser_close(server);
}

static void a_full_descriptor_table_is_told_and_loses_no_connection(void **state) {
    (void)state;
    static const int codes[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
    hawser_sock *server = hawser_create_server("127.0.0.1", 0, NULL);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        int client = raw_connect(AF_INET, raw_port(hawser_fileno(server)));
        fault_syscall("accept", 1, codes[i], 1);
        assert_null_fails(hawser_accept(server, NULL), codes[i]);
        assert_true(fault_none());
        hawser_sock *accepted = hawser_accept(server, NULL);
        assert_non_null(accepted);
        hawser_close(accepted);
        close(client);
    }
    hawser_close(server);
}

static long accept_once(void *server) {
    hawser_sock *sock = hawser_accept(server, NULL);
    hawser_close(sock);
    return sock ? 0 : -1;
}

/* The kernel tells a non-blocking accept on a Unix listener nothing but EAGAIN. */
static void a_listener_that_is_shut_down_accepts_no_more(void **state) {
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "unix:@hawser-shut-%d", (int)getpid());
    hawser_sock *servers[] = {hawser_create_server("127.0.0.1", 0, NULL), hawser_create_server(name, 0, NULL)};
    for (size_t i = 0; i < 2; i++) {
        runner run;
        start(&run, accept_once, servers[i]);
        assert_true(blocked(&run));
        assert_int_equal(hawser_shutdown(servers[i], SHUT_RDWR), 0);
        assert_int_equal(finish(&run), -1);
        assert_int_equal(run.code, EINVAL);
        assert_null_fails(hawser_accept(servers[i], NULL), EINVAL);
        hawser_close(servers[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backlog_lets_one_more_connect_than_it_says),
        cmocka_unit_test(accept_gives_the_peer_and_the_default_timeout),
        cmocka_unit_test(only_a_listener_accepts),
        cmocka_unit_test(a_connection_that_died_in_the_queue_is_skipped),
        cmocka_unit_test(a_full_descriptor_table_is_told_and_loses_no_connection),
        cmocka_unit_test(a_listener_that_is_shut_down_accepts_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

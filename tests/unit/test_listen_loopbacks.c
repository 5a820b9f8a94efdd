/* SPDX-License-Identifier: MIT */
/* "localhost" means two addresses: neither may starve the other, and nothing is bound that nobody reads. In a world of its own,
 * where localhost has both. */
#include "own_world.h"
#include "support.h"

#include <errno.h>
#include <unistd.h>

static int family_of_next(hawser_sock *server) {
    hawser_addr peer;
    hawser_sock *accepted = hawser_accept(server, &peer);
    assert_non_null(accepted);
    hawser_close(accepted);
    return hawser_addr_family(&peer);
}

static void neither_loopback_starves_the_other(void **state) {
    (void)state;
    static const int families[] = {AF_INET, AF_INET6};
    for (int i = 0; i < 2; i++) {
        hawser_sock *server = hawser_create_server("localhost", 0, NULL);
        assert_non_null(server);
        int port = raw_port(hawser_fileno(server)), busy[8], patient = raw_connect(families[!i], port), waited = 0;
        for (size_t k = 0; k < sizeof busy / sizeof *busy; k++)
            busy[k] = raw_connect(families[i], port);
        while (family_of_next(server) != families[!i])
            waited++;
        assert_true(waited <= 1);
        for (size_t k = 0; k < sizeof busy / sizeof *busy; k++)
            close(busy[k]);
        close(patient);
        hawser_close(server);
    }
}

static void every_address_of_a_datagram_server_receives(void **state) {
    (void)state;
    const hawser_listen_options options = {.type = SOCK_DGRAM};
    hawser_addr own[2];
    char buf[8];
    hawser_sock *server = hawser_create_server("localhost", 0, &options);
    assert_non_null(server);
    hawser_settimeout(server, WAIT_LIMIT);
    ssize_t count = assert_works(hawser_getsocknames(server, own, 2));
    assert_true(count >= 1);
    for (ssize_t i = 0; i < count; i++) {
        hawser_sock *client = hawser_socket(hawser_addr_family(&own[i]), SOCK_DGRAM, 0);
        assert_works(hawser_sendto_addr(client, "x", 1, 0, &own[i]));
        assert_int_equal(assert_works(hawser_recv(server, buf, sizeof buf)), 1);
        hawser_close(client);
    }
    hawser_close(server);
}

int main(void) {
    enter_own_world(test_arguments, "127.0.0.1 localhost\n::1 localhost\n");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neither_loopback_starves_the_other),
        cmocka_unit_test(every_address_of_a_datagram_server_receives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Dialling from a port of the caller's choice: the attempts share it, whatever state they are in. */
#include "own_world.h"
#include "support.h"

#include <unistd.h>

/* libc sorts 127.0.0.1 first: that is where nobody answers. */
static const char hosts[] = "127.0.0.1 localhost\n"
                            "127.0.0.1 silent-first.test\n"
                            "127.0.0.2 silent-first.test\n";

static int free_port(void) {
    int port, held = raw_refusing(&port);
    close(held);
    return port;
}

static void a_source_port_does_not_keep_the_next_address_from_being_tried(void **state) {
    (void)state;
    black_hole hole = dig_black_hole("127.0.0.1", 0);
    int listener = raw_listener_at("127.0.0.2", 5, &hole.port);
    hawser_connect_options options = {.timeout = WAIT_LIMIT, .stagger = 0.01, .source_port = free_port()};
    hawser_addr peer, own;
    hawser_attempt attempts[2];
    hawser_sock *sock = hawser_create_connection("silent-first.test", hole.port, &options);
    assert_non_null(sock);
    assert_works(hawser_getpeername(sock, &peer));
    assert_non_null(strstr(hawser_addr_str(&peer), "127.0.0.2:"));
    assert_works(hawser_getsockname(sock, &own));
    assert_int_equal(hawser_addr_port(&own), options.source_port);
    assert_int_equal(hawser_attempts(attempts, 2), 2);
    assert_int_equal(attempts[1].error, 0);
    hawser_close(sock);
    close(listener);
    fill_in(hole);
}

/* The side that closes first keeps the port in TIME_WAIT for a minute. */
static void a_source_port_can_be_used_again_for_another_peer_at_once(void **state) {
    (void)state;
    int ports[2], listeners[2] = {raw_listener(AF_INET, 5, &ports[0]), raw_listener(AF_INET, 5, &ports[1])};
    hawser_connect_options options = {.timeout = WAIT_LIMIT, .source_port = free_port()};
    for (int i = 0; i < 2; i++) {
        hawser_sock *sock = hawser_create_connection("127.0.0.1", ports[i], &options);
        assert_non_null(sock);
        int far = raw_accept(listeners[i]);
        hawser_close(sock);
        assert_int_equal(raw_drain(far), 0);
        close(far);
        close(listeners[i]);
    }
}

int main(void) {
    enter_own_world(test_arguments, hosts);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_port_does_not_keep_the_next_address_from_being_tried),
        cmocka_unit_test(a_source_port_can_be_used_again_for_another_peer_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

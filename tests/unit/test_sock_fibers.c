/* SPDX-License-Identifier: MIT */
/* net/sock and net/relay: the only reference of a socket is closed under a fiber that is inside. The call ends, and nothing
 * looks at the memory of the socket, which is gone when the call has left: the address sanitizer sees whether that is so. */
#include "fibers.h"
#include "support.h"

#include <errno.h>
#include <unistd.h>

struct scene {
    hawser_sock *listener;
    wire left, right;
    int ended;
};

static int accept_one(void *arg) {
    struct scene *s = arg;
    forget_errors();
    EXPECT(hawser_accept(s->listener, NULL) == NULL && errno == EBADF);
    EXPECT(strcmp(hawser_error(), "accept on a closed socket: Bad file descriptor") == 0);
    s->ended++;
    return 0;
}

static int relay(void *arg) {
    struct scene *s = arg;
    uint64_t sent[2] = {7, 7};
    forget_errors();
    EXPECT_FAILURE(hawser_relay(s->left.sock, s->right.sock, NULL, sent), EBADF);
    EXPECT(strncmp(hawser_error(), "relay between a closed socket and 127.0.0.1:", 44) == 0);
    EXPECT(sent[0] == 0 && sent[1] == 0);
    s->ended++;
    return 0;
}

static int close_under_accept(void *arg) {
    struct scene *s = arg;
    EXPECT(hawser_go(accept_one, s) == 0);
    hawser_yield(); /* now it waits */
    hawser_close(s->listener);
    return 0;
}

static int close_under_relay(void *arg) {
    struct scene *s = arg;
    EXPECT(hawser_go(relay, s) == 0);
    hawser_yield();
    hawser_close(s->left.sock);
    return 0;
}

static void closing_a_listener_ends_the_accept_of_a_fiber(void **state) {
    (void)state;
    struct scene s = {.listener = hawser_create_server("127.0.0.1", 0, NULL)};
    assert_non_null(s.listener);
    assert_runs(1, close_under_accept, &s);
    assert_int_equal(s.ended, 1);
}

static void closing_a_socket_ends_the_relay_of_a_fiber(void **state) {
    (void)state;
    struct scene s = {.left = tcp_wire(false), .right = tcp_wire(false)};
    assert_runs(1, close_under_relay, &s);
    assert_int_equal(s.ended, 1);
    s.left.sock = NULL;
    cut(s.left);
    cut(s.right);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_a_listener_ends_the_accept_of_a_fiber),
        cmocka_unit_test(closing_a_socket_ends_the_relay_of_a_fiber),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* net/relay: two connections made into one. The far ends are plain sockets. */
#include "support.h"

#include <errno.h>
#include <unistd.h>

typedef struct scene {
    wire left, right;
    hawser_relay_options options;
    uint64_t sent[2];
    runner run;
} scene;

static long relay(void *argument) {
    scene *s = argument;
    return hawser_relay(s->left.sock, s->right.sock, &s->options, s->sent);
}

static void begin(scene *s, bool small) {
    s->left = tcp_wire(small);
    s->right = tcp_wire(small);
    start(&s->run, relay, s);
}

static void end(scene *s) {
    cut(s->left);
    cut(s->right);
}

static void say(int from, int to, const char *text) {
    char got[64];
    assert_true(raw_write(from, text, strlen(text)));
    assert_true(raw_read(to, got, strlen(text)));
    assert_memory_equal(got, text, strlen(text));
}

static void what_one_says_the_other_hears_and_ends_are_passed_on_one_by_one(void **state) {
    (void)state;
    char byte;
    scene s = {0};
    begin(&s, false);
    say(s.left.far, s.right.far, "question");
    say(s.right.far, s.left.far, "an answer");
    shutdown(s.left.far, SHUT_WR);
    assert_int_equal(read(s.right.far, &byte, 1), 0);
    say(s.right.far, s.left.far, "still there");
    shutdown(s.right.far, SHUT_WR);
    assert_int_equal(read(s.left.far, &byte, 1), 0);
    assert_int_equal(finish(&s.run), 0);
    assert_int_equal(s.sent[0], 8);
    assert_int_equal(s.sent[1], 20);
    end(&s);
}

enum { MUCH = 3000000 };

static char speech[MUCH];

static void think_of_much(void) {
    for (size_t i = 0; i < MUCH; i++)
        speech[i] = (char)(i * 7 + i / 251);
}

static long write_much(void *argument) {
    bool all = raw_write(*(int *)argument, speech, MUCH);
    shutdown(*(int *)argument, SHUT_WR);
    return all ? 0 : -1;
}

static long read_much(void *argument) {
    char got[8192];
    size_t total = 0;
    for (ssize_t n; (n = read(*(int *)argument, got, sizeof got)) > 0; total += (size_t)n)
        for (ssize_t i = 0; i < n; i++)
            if (total + (size_t)i >= MUCH || got[i] != speech[total + (size_t)i])
                return -1;
    return (long)total;
}

static void much_in_both_directions_arrives_whole_through_small_buffers(void **state) {
    (void)state;
    scene s = {0};
    runner runs[4];
    think_of_much();
    begin(&s, true);
    start_thread(&runs[0], write_much, &s.left.far);
    start_thread(&runs[1], write_much, &s.right.far);
    start_thread(&runs[2], read_much, &s.left.far);
    start_thread(&runs[3], read_much, &s.right.far);
    for (int i = 0; i < 4; i++)
        assert_int_equal(finish(&runs[i]), i < 2 ? 0 : MUCH);
    assert_int_equal(finish(&s.run), 0);
    assert_int_equal(s.sent[0], MUCH);
    assert_int_equal(s.sent[1], MUCH);
    end(&s);
}

/* A direction whose receiver reads nothing does not hold the other one up. */
static void a_direction_that_is_stuck_leaves_the_other_alone(void **state) {
    (void)state;
    static char much[MUCH];
    scene s = {0};
    begin(&s, true);
    ssize_t n;
    do
        n = send(s.left.far, much, sizeof much, MSG_DONTWAIT);
    while (n > 0);
    for (int i = 0; i < 100; i++)
        say(s.right.far, s.left.far, "not held up");
    raw_reset(s.right.far);
    s.right.far = -1;
    assert_int_equal(finish(&s.run), -1);
    end(&s);
}

static void silence_ends_it_only_when_both_are_silent(void **state) {
    (void)state;
    scene s = {.options = {.idle_timeout = 0.2}};
    double began = seconds_now();
    begin(&s, false);
    while (seconds_now() - began < 0.5)
        say(s.left.far, s.right.far, "x");
    assert_int_equal(finish(&s.run), -1);
    assert_int_equal(s.run.code, ETIMEDOUT);
    assert_true(s.run.moved == s.sent[0] && s.sent[1] == 0);
    assert_non_null(strstr(s.run.sentence, "relay between 127.0.0.1:"));
    end(&s);
}

static void a_reset_of_either_side_is_its_failure(void **state) {
    (void)state;
    scene s = {0};
    begin(&s, false);
    say(s.left.far, s.right.far, "before");
    raw_reset(s.left.far);
    s.left.far = -1;
    assert_int_equal(finish(&s.run), -1);
    assert_int_equal(s.run.code, ECONNRESET);
    assert_int_equal(s.run.moved, 6);
    end(&s);
}

static void closing_a_socket_ends_it(void **state) {
    (void)state;
    scene s = {0};
    begin(&s, false);
    assert_true(blocked(&s.run));
    hawser_ref(s.right.sock);
    hawser_close(s.right.sock);
    assert_int_equal(finish(&s.run), -1);
    assert_int_equal(s.run.code, EBADF);
    hawser_unref(s.right.sock);
    s.right.sock = NULL;
    end(&s);
}

static void the_deadline_of_the_task_counts_and_that_of_the_sockets_does_not(void **state) {
    (void)state;
    scene s = {.left = tcp_wire(false), .right = tcp_wire(false)};
    assert_works(hawser_settimeout(s.left.sock, 0.001));
    int64_t outer = hawser_deadline_push(0.1);
    double began = seconds_now();
    assert_fails(hawser_relay(s.left.sock, s.right.sock, NULL, NULL), ETIMEDOUT);
    assert_true(seconds_now() - began >= 0.1);
    hawser_deadline_pop(outer);
    end(&s);
}

static void what_cannot_be_relayed_is_refused(void **state) {
    (void)state;
    scene s = {.left = tcp_wire(false), .right = unix_wire(SOCK_DGRAM), .options = {.idle_timeout = -3}};
    assert_fails(hawser_relay(s.left.sock, s.left.sock, NULL, NULL), EINVAL);
    assert_fails(hawser_relay(s.left.sock, s.right.sock, NULL, NULL), EINVAL);
    assert_fails(hawser_relay(s.left.sock, s.right.sock, &s.options, NULL), EINVAL);
    end(&s);
}

static void a_socket_of_packets_is_EINVAL_on_either_side(void **state) {
    (void)state;
    scene s = {.left = tcp_wire(false), .right = unix_wire(SOCK_SEQPACKET), .options = {.idle_timeout = 0.1}};
    assert_fails(hawser_relay(s.left.sock, s.right.sock, &s.options, NULL), EINVAL);
    assert_fails(hawser_relay(s.right.sock, s.left.sock, &s.options, NULL), EINVAL);
    end(&s);
}

static void a_closed_socket_is_EBADF_on_either_side(void **state) {
    (void)state;
    scene s = {.left = tcp_wire(false), .right = tcp_wire(false)};
    hawser_close(hawser_ref(s.left.sock));
    assert_fails(hawser_relay(s.left.sock, s.right.sock, NULL, NULL), EBADF);
    assert_fails(hawser_relay(s.right.sock, s.left.sock, NULL, NULL), EBADF);
    hawser_unref(s.left.sock);
    s.left.sock = NULL;
    end(&s);
}

static void sockets_that_are_in_use_are_left_alone(void **state) {
    (void)state;
    scene s = {0};
    char buf[8];
    begin(&s, false);
    assert_true(blocked(&s.run));
    assert_fails(hawser_recv(s.left.sock, buf, sizeof buf), EBUSY);
    assert_fails(hawser_send(s.right.sock, "x", 1), EBUSY);
    wire third = tcp_wire(false);
    assert_fails(hawser_relay(third.sock, s.left.sock, NULL, NULL), EBUSY);
    shutdown(third.far, SHUT_WR);
    assert_int_equal(assert_works(hawser_recv(third.sock, buf, sizeof buf)), 0); /* entered and left again */
    shutdown(s.left.far, SHUT_WR);
    shutdown(s.right.far, SHUT_WR);
    assert_int_equal(finish(&s.run), 0);
    cut(third);
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_says_the_other_hears_and_ends_are_passed_on_one_by_one),
        cmocka_unit_test(much_in_both_directions_arrives_whole_through_small_buffers),
        cmocka_unit_test(a_direction_that_is_stuck_leaves_the_other_alone),
        cmocka_unit_test(silence_ends_it_only_when_both_are_silent),
        cmocka_unit_test(a_reset_of_either_side_is_its_failure),
        cmocka_unit_test(closing_a_socket_ends_it),
        cmocka_unit_test(the_deadline_of_the_task_counts_and_that_of_the_sockets_does_not),
        cmocka_unit_test(what_cannot_be_relayed_is_refused),
        cmocka_unit_test(a_socket_of_packets_is_EINVAL_on_either_side),
        cmocka_unit_test(a_closed_socket_is_EBADF_on_either_side),
        cmocka_unit_test(sockets_that_are_in_use_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

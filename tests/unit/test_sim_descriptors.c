/* SPDX-License-Identifier: MIT */
/* world/descriptors: numbers that stand for sockets. The public calls on them are in test_sim_number.c, sockets in messages in
 * test_sim_rights.c. */
#include "small_world.h"

#include "world/descriptors.h"

static void numbers_are_the_lowest_and_count_as_descriptors_do(void **state) {
    (void)state;
    hawser__socket *socket = open_socket(left, AF_INET, SOCK_STREAM);
    int first = give_number(socket), numbers[40];
    assert_int_equal(first, HAWSER__FIRST_NUMBER);
    for (int i = 0; i < 40; i++) {
        numbers[i] = hawser__descriptor_new(socket);
        assert_int_equal(numbers[i], HAWSER__FIRST_NUMBER + 1 + i);
    }
    assert_int_equal(left->socket_count, 41);
    close_number(numbers[7]);
    close_number(numbers[3]);
    assert_null(hawser__descriptor_at(left, numbers[3]));
    assert_result(hawser__descriptor_close(left, numbers[3]), -EBADF);
    assert_int_equal(hawser__descriptor_new(socket), numbers[3]);
    assert_int_equal(left->socket_count, 40);
    close_number(first);
    for (int i = 0; i < 40; i++)
        if (i != 7)
            close_number(numbers[i]);
    assert_int_equal(left->socket_count, 0);
    assert_null(left->sockets);
}

static void the_limit_of_a_host_holds_for_numbers(void **state) {
    (void)state;
    left->most_sockets = 3;
    hawser__socket *socket = open_socket(left, AF_INET, SOCK_STREAM), *other;
    int first = give_number(socket), second = hawser__descriptor_new(socket), third = hawser__descriptor_new(socket);
    assert_true(second > first && third > second);
    assert_result(hawser__descriptor_new(socket), -EMFILE);
    assert_result(hawser__socket_ref(socket), -EMFILE);
    assert_result(hawser__socket_open(left, AF_INET, SOCK_STREAM, 0, &other), -EMFILE);
    close_number(second);
    assert_result(hawser__socket_open(left, AF_INET, SOCK_STREAM, 0, &other), 0);
    hawser__socket_unref(other);
    close_number(first);
    close_number(third);
    left->most_sockets = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(numbers_are_the_lowest_and_count_as_descriptors_do),
        world_test(the_limit_of_a_host_holds_for_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

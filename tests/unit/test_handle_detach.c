/* SPDX-License-Identifier: MIT */
/* hawser_detach while other threads do what they like with the socket: the descriptor is given away or closed, never both and
 * never neither. Worth most under the thread sanitizer. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct crowd {
    hawser_sock *sock;
    atomic_int ready;
};

static void line_up(struct crowd *crowd) {
    atomic_fetch_add(&crowd->ready, 1);
    while (atomic_load(&crowd->ready) < 3)
        spin();
}

static long detach(void *argument) {
    struct crowd *crowd = argument;
    line_up(crowd);
    return hawser_detach(crowd->sock);
}

static long end_it(void *argument) {
    struct crowd *crowd = argument;
    line_up(crowd);
    hawser_close(crowd->sock);
    return 0;
}

static long look_inside(void *argument) {
    struct crowd *crowd = argument;
    hawser_addr own[2];
    line_up(crowd);
    for (int i = 0; i < 20 && hawser_getsocknames(crowd->sock, own, 2) > 0; i++)
        ;
    return 0;
}

static bool is_listening(int fd) {
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1;
}

static void a_socket_detached_in_a_crowd_is_given_away_or_closed(void **state) {
    (void)state;
    static long (*const bodies[])(void *) = {detach, end_it, look_inside};
    census before = take_census();
    for (int round = 0; round < 200; round++) {
        struct crowd crowd = {.sock = hawser_create_server("127.0.0.1", 0, NULL)};
        runner runs[3];
        int fd = hawser_fileno(crowd.sock);
        for (int i = 0; i < 3; i++) {
            hawser_ref(crowd.sock);
            start(&runs[i], bodies[i], &crowd);
        }
        for (int i = 0; i < 3; i++)
            finish(&runs[i]);
        assert_true(runs[0].result == fd || (runs[0].result == -1 && (runs[0].code == EBUSY || runs[0].code == EBADF)));
        assert_int_equal(is_listening(fd), runs[0].result == fd);
        if (runs[0].result == fd)
            close(fd);
        else
            hawser_unref(crowd.sock);
        hawser_unref(crowd.sock);
        hawser_unref(crowd.sock);
    }
    assert_null(compare_census(before));
}

/* What a second address makes impossible is looked at where nobody can change it. */
static void detaching_what_another_thread_closes_is_EBADF_or_what_it_was(void **state) {
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct crowd crowd = {.sock = hawser_create_server("localhost", 0, NULL)};
        runner runs[3];
        static long (*const bodies[])(void *) = {detach, end_it, look_inside};
        hawser_ref(crowd.sock);
        hawser_ref(crowd.sock);
        for (int i = 0; i < 3; i++)
            start(&runs[i], bodies[i], &crowd);
        for (int i = 0; i < 3; i++)
            finish(&runs[i]);
        assert_int_equal(runs[0].result, -1);
        assert_true(runs[0].code == EOPNOTSUPP || runs[0].code == EBADF);
        hawser_unref(crowd.sock);
        hawser_unref(crowd.sock);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_detached_in_a_crowd_is_given_away_or_closed),
        cmocka_unit_test(detaching_what_another_thread_closes_is_EBADF_or_what_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Descriptors beside what else a message may bring, and beside nothing. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define MOST 253

static void as_many_descriptors_as_fit_arrive_beside_credentials(void **state) {
    (void)state;
    skip_in_world("it tells no credentials");
    hawser_sock *pair[2];
    int sent[MOST], got[MOST], flags = -1;
    size_t count = MOST;
    char buf[4];
    long before = open_descriptors();
    needs_gnu_libc("musl sends no more than 1,024 bytes of control data, 252 descriptors");
    for (size_t i = 0; i < MOST; i++)
        sent[i] = STDIN_FILENO;
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    assert_works(hawser_setsockopt_int(pair[1], SOL_SOCKET, SO_PASSCRED, 1));
    assert_int_equal(assert_works(hawser_send_fds(pair[0], "x", 1, sent, MOST, 0)), 1);
    assert_int_equal(assert_works(hawser_recv_fds(pair[1], buf, sizeof buf, got, &count, 0, &flags)), 1);
    assert_int_equal(count, MOST);
    assert_int_equal(flags, 0);
    for (size_t i = 0; i < count; i++)
        close(got[i]);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    assert_int_equal(open_descriptors(), before);
}

/* "Nothing was cut" is a test for 0. */
static void a_message_of_which_nothing_was_cut_has_no_flags(void **state) {
    (void)state;
    char buf[4];
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {buf, sizeof buf};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    hawser_sock *pair[2];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    int descriptor = hawser_fileno(pair[0]);
    assert_works(hawser_send_fds(pair[0], "x", 1, &descriptor, 1, 0));
    assert_int_equal(assert_works(hawser_recvmsg(pair[1], &msg, 0)), 1);
    assert_int_equal(msg.msg_flags, 0);
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    assert_non_null(head);
    memcpy(&descriptor, CMSG_DATA(head), sizeof descriptor);
    assert_true(raw_is_cloexec(descriptor));
    close(descriptor);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
}

static void without_bytes_and_descriptors_nothing_is_sent(void **state) {
    (void)state;
    char buf[4];
    size_t count = 1;
    wire w = unix_wire(SOCK_STREAM);
    assert_int_equal(assert_works(hawser_send_fds(w.sock, NULL, 0, NULL, 0, 0)), 0);
    assert_int_equal(recv(w.far, buf, sizeof buf, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    cut(w);
    hawser_sock *pair[2];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair)); /* for a descriptor a byte goes along */
    int descriptor = hawser_fileno(pair[0]);
    assert_int_equal(assert_works(hawser_send_fds(pair[0], NULL, 0, &descriptor, 1, 0)), 1);
    assert_int_equal(assert_works(hawser_recv_fds(pair[1], buf, sizeof buf, &descriptor, &count, 0, NULL)), 1);
    assert_int_equal(count, 1);
    close(descriptor);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_descriptors_as_fit_arrive_beside_credentials),
        cmocka_unit_test(a_message_of_which_nothing_was_cut_has_no_flags),
        cmocka_unit_test(without_bytes_and_descriptors_nothing_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

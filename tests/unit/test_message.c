/* SPDX-License-Identifier: MIT */
/* Messages, ancillary data and descriptor passing (trap 23). */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void a_message_is_gathered_and_scattered(void **state) {
    (void)state;
    char a[3], b[16];
    wire w = tcp_wire(false);
    struct iovec out[] = {{(char[]){'o', 'n'}, 2}, {NULL, 0}, {(char[]){'e', '!', '?'}, 3}}, in[] = {{a, 3}, {b, sizeof b}};
    const struct msghdr sent = {.msg_iov = out, .msg_iovlen = 3};
    struct msghdr received = {.msg_iov = in, .msg_iovlen = 2};
    assert_int_equal(assert_works(hawser_sendmsg(w.sock, &sent, 0)), 5);
    assert_true(raw_read(w.far, b, 5));
    assert_memory_equal(b, "one!?", 5);
    assert_true(raw_write(w.far, "abcde", 5));
    assert_int_equal(assert_works(hawser_recvmsg(w.sock, &received, 0)), 5);
    assert_memory_equal(a, "abc", 3);
    assert_memory_equal(b, "de", 2);
    close(w.far);
    assert_int_equal(assert_works(hawser_recvmsg(w.sock, &received, 0)), 0);
    hawser_close(w.sock);
}

static void a_datagram_tells_its_sender_and_that_it_was_cut(void **state) {
    (void)state;
    char buf[4];
    hawser_addr to, from, own;
    hawser_sock *a = hawser_socket(AF_INET, SOCK_DGRAM, 0), *b = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    assert_works(hawser_bind(a, "127.0.0.1", 0));
    assert_works(hawser_bind(b, "127.0.0.1", 0));
    hawser_getsockname(b, &to);
    hawser_getsockname(a, &own);
    struct iovec out = {(char[]){'l', 'o', 'n', 'g', 'e', 'r'}, 6}, in = {buf, sizeof buf};
    const struct msghdr sent = {.msg_name = &to.ss, .msg_namelen = to.len, .msg_iov = &out, .msg_iovlen = 1};
    struct msghdr received = {.msg_name = &from.ss, .msg_namelen = sizeof from.ss, .msg_iov = &in, .msg_iovlen = 1};
    assert_int_equal(assert_works(hawser_sendmsg(a, &sent, 0)), 6);
    assert_int_equal(assert_works(hawser_recvmsg(b, &received, 0)), 4);
    assert_true(received.msg_flags & MSG_TRUNC);
    from.len = received.msg_namelen;
    assert_true(hawser_addr_equal(&from, &own));
    hawser_close(a);
    hawser_close(b);
}

static void too_many_buffers_are_EMSGSIZE(void **state) {
    (void)state;
    static struct iovec parts[IOV_MAX + 1];
    const struct msghdr msg = {.msg_iov = parts, .msg_iovlen = IOV_MAX + 1};
    wire w = tcp_wire(false);
    assert_fails(hawser_sendmsg(w.sock, &msg, 0), EMSGSIZE);
    assert_sentence_has("send message to 127.0.0.1:");
    cut(w);
}

/* Sends FDS with one byte through a plain socket. */
static void raw_send_fds(int fd, const int *fds, size_t count) {
    char control[CMSG_SPACE(8 * sizeof(int))] = {0};
    struct iovec part = {(char[]){'d'}, 1};
    struct msghdr msg = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(head), fds, count * sizeof(int));
    assert_int_equal(sendmsg(fd, &msg, 0), 1);
}

/* Checks and closes the descriptors of a received message. How many there were. */
static size_t take_descriptors(struct msghdr *msg) {
    size_t count = 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(msg); head; head = CMSG_NXTHDR(msg, head)) {
        assert_int_equal(head->cmsg_level, SOL_SOCKET);
        assert_int_equal(head->cmsg_type, SCM_RIGHTS);
        size_t bytes = head->cmsg_len - CMSG_LEN(0);
        assert_int_equal(bytes % sizeof(int), 0); /* whole descriptors only */
        for (size_t i = 0; i < bytes / sizeof(int); i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            assert_true(raw_is_cloexec(fd));
            close(fd);
            count++;
        }
    }
    return count;
}

static void descriptors_cut_at_every_byte_arrive_whole_or_not_at_all(void **state) {
    (void)state;
    enum { SENT = 3, FULL = CMSG_SPACE(SENT * sizeof(int)) };
    wire w = unix_wire(SOCK_STREAM);
    for (size_t room = 0; room <= FULL + 4; room++) {
        char buf[4], control[FULL + 4];
        long before = open_descriptors();
        struct iovec part = {buf, sizeof buf};
        struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
        raw_send_fds(w.far, (int[]){w.far, w.far, w.far}, SENT);
        assert_int_equal(assert_works(hawser_recvmsg(w.sock, &msg, 0)), 1);
        size_t count = room < sizeof(struct cmsghdr) ? 0 : take_descriptors(&msg);
        size_t fit = room < CMSG_LEN(0) ? 0 : (room - CMSG_LEN(0)) / sizeof(int);
        assert_int_equal(count, fit < SENT ? fit : SENT);
        assert_int_equal(!!(msg.msg_flags & MSG_CTRUNC), count < SENT);
        assert_int_equal(open_descriptors(), before); /* none is left open unseen */
    }
    cut(w);
}

/* RFC 3542: hop limit and traffic class of a datagram, two items of four bytes. */
static void hop_limit_and_traffic_class_cut_at_every_byte(void **state) {
    (void)state;
    skip_in_world("its packets have no hop limit");
    hawser_addr own;
    hawser_sock *receiver = hawser_socket(AF_INET6, SOCK_DGRAM, 0), *sender = hawser_socket(AF_INET6, SOCK_DGRAM, 0);
    assert_works(hawser_bind(receiver, "::1", 0));
    assert_works(hawser_setsockopt_int(receiver, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1));
    assert_works(hawser_setsockopt_int(receiver, IPPROTO_IPV6, IPV6_RECVTCLASS, 1));
    assert_works(hawser_setsockopt_int(sender, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 42));
    hawser_getsockname(receiver, &own);
    for (size_t room = 0; room <= 2 * CMSG_SPACE(sizeof(int)); room++) {
        char buf[4], control[2 * CMSG_SPACE(sizeof(int))];
        int seen = 0;
        struct iovec part = {buf, sizeof buf};
        struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
        assert_works(hawser_sendto_addr(sender, "x", 1, 0, &own));
        assert_int_equal(assert_works(hawser_recvmsg(receiver, &msg, 0)), 1);
        for (struct cmsghdr *head = CMSG_FIRSTHDR(&msg); head; head = CMSG_NXTHDR(&msg, head)) {
            assert_int_equal(head->cmsg_level, IPPROTO_IPV6);
            assert_true(head->cmsg_type == IPV6_HOPLIMIT || head->cmsg_type == IPV6_TCLASS);
            bool whole = head->cmsg_len == CMSG_LEN(sizeof(int));
            if (whole && head->cmsg_type == IPV6_HOPLIMIT)
                assert_int_equal(*(int *)CMSG_DATA(head), 42);
            seen += whole;
        }
        assert_int_equal(!!(msg.msg_flags & MSG_CTRUNC), seen < 2);
    }
    hawser_close(receiver);
    hawser_close(sender);
}

static void ancillary_data_is_sent(void **state) {
    (void)state;
    skip_in_world("its packets have no hop limit");
    char control[CMSG_SPACE(sizeof(int))] = {0}, buf[4], received[64];
    int hops = 7;
    hawser_addr own;
    hawser_sock *receiver = hawser_socket(AF_INET6, SOCK_DGRAM, 0), *sender = hawser_socket(AF_INET6, SOCK_DGRAM, 0);
    assert_works(hawser_bind(receiver, "::1", 0));
    assert_works(hawser_setsockopt_int(receiver, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1));
    hawser_getsockname(receiver, &own);
    struct iovec out = {(char[]){'x'}, 1}, in = {buf, sizeof buf};
    struct msghdr sent = {.msg_name = &own.ss,
                          .msg_namelen = own.len,
                          .msg_iov = &out,
                          .msg_iovlen = 1,
                          .msg_control = control,
                          .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&sent);
    *head = (struct cmsghdr){.cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_HOPLIMIT, .cmsg_len = CMSG_LEN(sizeof hops)};
    memcpy(CMSG_DATA(head), &hops, sizeof hops);
    assert_int_equal(assert_works(hawser_sendmsg(sender, &sent, 0)), 1);
    struct msghdr msg = {.msg_iov = &in, .msg_iovlen = 1, .msg_control = received, .msg_controllen = sizeof received};
    assert_int_equal(assert_works(hawser_recvmsg(receiver, &msg, 0)), 1);
    head = CMSG_FIRSTHDR(&msg);
    assert_non_null(head);
    assert_int_equal(*(int *)CMSG_DATA(head), 7);
    hawser_close(receiver);
    hawser_close(sender);
}

static bool same_file(int a, int b) {
    struct stat first, second;
    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static void descriptors_pass_with_bytes_in_order_and_close_on_exec(void **state) {
    (void)state;
    hawser_sock *pair[2];
    int sent[2], got[4], flags = -1;
    size_t count = 4;
    char buf[8];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sent), 0);
    assert_int_equal(assert_works(hawser_send_fds(pair[0], "take", 4, sent, 2, 0)), 4);
    assert_int_equal(assert_works(hawser_recv_fds(pair[1], buf, sizeof buf, got, &count, 0, &flags)), 4);
    assert_memory_equal(buf, "take", 4);
    assert_int_equal(count, 2);
    assert_int_equal(flags & (MSG_CTRUNC | MSG_TRUNC), 0);
    for (int i = 0; i < 2; i++) {
        assert_true(same_file(got[i], sent[i]));
        assert_true(raw_is_cloexec(got[i]));
        close(got[i]);
        close(sent[i]); /* the sender keeps its own */
    }
    hawser_close(pair[0]);
    hawser_close(pair[1]);
}

static void without_bytes_one_zero_byte_carries_the_descriptors(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    int got[1];
    size_t count = 1;
    char buf[8] = "xxxxxxx";
    hawser_sock *other = hawser_fromfd(w.far);
    assert_int_equal(assert_works(hawser_send_fds(w.sock, NULL, 0, &w.far, 1, 0)), 1);
    assert_int_equal(assert_works(hawser_recv_fds(other, buf, sizeof buf, got, &count, 0, NULL)), 1);
    assert_int_equal(buf[0], '\0');
    assert_int_equal(count, 1);
    close(got[0]);
    hawser_close(other);
    cut(w);
}

/* What was not asked for, and what there was no room for, does not stay open. */
static void surplus_descriptors_are_closed_and_told(void **state) {
    (void)state;
    wire w = unix_wire(SOCK_STREAM);
    char buf[8];
    for (size_t room = 0; room <= 5; room++) {
        int got[5] = {-1, -1, -1, -1, -1}, flags = 0;
        size_t count = room;
        long before = open_descriptors();
        raw_send_fds(w.far, (int[]){w.far, w.far, w.far, w.far}, 4);
        assert_int_equal(assert_works(hawser_recv_fds(w.sock, buf, sizeof buf, got, &count, 0, &flags)), 1);
        assert_int_equal(count, room < 4 ? room : 4);
        assert_int_equal(!!(flags & MSG_CTRUNC), room < 4);
        for (size_t i = 0; i < count; i++)
            close(got[i]);
        assert_int_equal(open_descriptors(), before);
    }
    cut(w);
}

static void as_many_descriptors_as_the_kernel_takes(void **state) {
    (void)state;
    enum { MOST = 253 };
    int fds[MOST + 1], got[MOST];
    size_t count = MOST;
    char buf[8];
    hawser_sock *pair[2];
    long before = open_descriptors();
    needs_gnu_libc("musl sends no more than 1,024 bytes of control data, 252 descriptors");
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    for (size_t i = 0; i <= MOST; i++)
        fds[i] = hawser_fileno(pair[0]);
    assert_fails(hawser_send_fds(pair[0], "x", 1, fds, MOST + 1, 0), EINVAL);
    assert_sentence("send 254 descriptors: at most 253 fit one message: Invalid argument");
    assert_int_equal(assert_works(hawser_send_fds(pair[0], "x", 1, fds, MOST, 0)), 1);
    assert_int_equal(assert_works(hawser_recv_fds(pair[1], buf, sizeof buf, got, &count, 0, NULL)), 1);
    assert_int_equal(count, MOST);
    for (size_t i = 0; i < count; i++)
        close(got[i]);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    assert_int_equal(open_descriptors(), before);
}

static void flags_are_honoured(void **state) {
    (void)state;
    hawser_sock *pair[2];
    int got[2];
    size_t count = 2;
    char buf[8];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    assert_fails(hawser_recv_fds(pair[1], buf, sizeof buf, got, &count, MSG_DONTWAIT, NULL), EAGAIN);
    assert_int_equal(assert_works(hawser_send_fds(pair[0], "peek", 4, NULL, 0, MSG_DONTWAIT)), 4);
    assert_int_equal(assert_works(hawser_recv_fds(pair[1], buf, sizeof buf, got, &count, MSG_PEEK, NULL)), 4);
    assert_int_equal(count, 0);
    count = 2;
    assert_int_equal(assert_works(hawser_recv_fds(pair[1], buf, sizeof buf, got, &count, 0, NULL)), 4);
    hawser_close(pair[0]);
    count = 2;
    assert_int_equal(assert_works(hawser_recv_fds(pair[1], buf, sizeof buf, got, &count, 0, NULL)), 0);
    assert_int_equal(count, 0);
    hawser_close(pair[1]);
}

static void a_bad_descriptor_is_not_sent(void **state) {
    (void)state;
    hawser_sock *pair[2];
    char buf[8];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    hawser_settimeout(pair[1], 0);
    assert_fails(hawser_send_fds(pair[0], "x", 1, (int[]){hawser_fileno(pair[0]), -1}, 2, 0), EBADF);
    assert_fails(hawser_recv(pair[1], buf, sizeof buf), EAGAIN); /* nor were the bytes */
    hawser_close(pair[0]);
    hawser_close(pair[1]);
}

/* A TCP socket would send the bytes and drop the descriptors without a word. */
static void descriptors_travel_over_unix_sockets_only(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    assert_fails(hawser_send_fds(w.sock, "x", 1, (int[]){0}, 1, 0), EOPNOTSUPP);
    assert_int_equal(assert_works(hawser_send_fds(w.sock, "x", 1, NULL, 0, 0)), 1);
    cut(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_gathered_and_scattered),
        cmocka_unit_test(a_datagram_tells_its_sender_and_that_it_was_cut),
        cmocka_unit_test(too_many_buffers_are_EMSGSIZE),
        cmocka_unit_test(descriptors_cut_at_every_byte_arrive_whole_or_not_at_all),
        cmocka_unit_test(hop_limit_and_traffic_class_cut_at_every_byte),
        cmocka_unit_test(ancillary_data_is_sent),
        cmocka_unit_test(descriptors_pass_with_bytes_in_order_and_close_on_exec),
        cmocka_unit_test(without_bytes_one_zero_byte_carries_the_descriptors),
        cmocka_unit_test(surplus_descriptors_are_closed_and_told),
        cmocka_unit_test(as_many_descriptors_as_the_kernel_takes),
        cmocka_unit_test(flags_are_honoured),
        cmocka_unit_test(a_bad_descriptor_is_not_sent),
        cmocka_unit_test(descriptors_travel_over_unix_sockets_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

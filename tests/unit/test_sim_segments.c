/* SPDX-License-Identifier: MIT */
/* Simulated datagrams of which one call sends several (UDP_SEGMENT), and one receives several (UDP_GRO). */
#include "small_world.h"

#include "base/udp.h"

/* A receiver on RIGHT and a sender on LEFT that is connected to it. */
static void open_ends(hawser__socket *ends[2]) {
    ends[1] = open_socket(right, AF_INET, SOCK_DGRAM);
    assert_result(bind_to(ends[1], ip_of(right), 0), 0);
    ends[0] = open_socket(left, AF_INET, SOCK_DGRAM);
    assert_result(connect_to(ends[0], ip_of(right), port_of(ends[1])), 0);
}

/* TEXT in datagrams of SEGMENT bytes, as a control message of TYPE says it. */
static ssize_t say_in(hawser__socket *socket, const char *text, int type, uint16_t segment) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof segment)] = {0};
    struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    *CMSG_FIRSTHDR(&msg) = (struct cmsghdr){.cmsg_level = IPPROTO_UDP, .cmsg_type = type, .cmsg_len = CMSG_LEN(sizeof segment)};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &segment, sizeof segment);
    return hawser__socket_send(socket, &msg, 0);
}

/* What one call receives; and how large its segments are, 0 if it is not told. */
static int hear_segments(hawser__socket *socket, const char *text) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    char bytes[100];
    int segment = 0;
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    assert_result(hawser__socket_receive(socket, &msg, 0), (ssize_t)strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
    const struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    if (head && head->cmsg_level == IPPROTO_UDP && head->cmsg_type == UDP_GRO)
        memcpy(&segment, CMSG_DATA(head), sizeof segment);
    return segment;
}

static void one_call_sends_several_datagrams(void **state) {
    (void)state;
    hawser__socket *ends[2];
    open_ends(ends);
    assert_result(say_in(ends[0], "aabbc", UDP_SEGMENT, 2), 5);
    assert_hears(ends[1], "aa");
    assert_hears(ends[1], "bb");
    assert_hears(ends[1], "c");
    assert_result(say_in(ends[0], "aabb", UDP_SEGMENT, 4), 4);
    assert_hears(ends[1], "aabb");
    assert_result(set_int(ends[0], IPPROTO_UDP, UDP_SEGMENT, 3), 0);
    assert_result(say(ends[0], "aaab"), 4);
    assert_hears(ends[1], "aaa");
    assert_hears(ends[1], "b");
    assert_result(say_in(ends[0], "whole", UDP_SEGMENT, 0), 5);
    assert_hears(ends[1], "whole");
    assert_result(receive(ends[1], 10, 0), -EAGAIN);
    close_both(ends);
}

static void too_many_or_what_is_unknown_is_refused(void **state) {
    (void)state;
    hawser__socket *ends[2], *stream = open_socket(left, AF_INET, SOCK_STREAM);
    char text[130] = {0};
    open_ends(ends);
    memset(text, 'x', 129);
    assert_result(say_in(ends[0], text, UDP_SEGMENT, 1), -EINVAL);
    assert_result(receive(ends[1], 10, 0), -EAGAIN);
    text[128] = '\0';
    assert_result(say_in(ends[0], text, UDP_SEGMENT, 1), 128);
    assert_result(say_in(ends[0], "x", UDP_GRO, 1), -EINVAL);
    assert_result(set_int(ends[0], IPPROTO_UDP, UDP_SEGMENT, 65536), -EINVAL);
    assert_result(set_int(stream, IPPROTO_UDP, UDP_SEGMENT, 1), -ENOPROTOOPT);
    hawser__socket_unref(stream);
    close_both(ends);
}

static void one_call_receives_those_of_one_call(void **state) {
    (void)state;
    hawser__socket *ends[2];
    open_ends(ends);
    assert_result(set_int(ends[1], IPPROTO_UDP, UDP_GRO, 1), 0);
    assert_result(say_in(ends[0], "aabbc", UDP_SEGMENT, 2), 5);
    assert_result(say_in(ends[0], "dde", UDP_SEGMENT, 2), 3);
    assert_result(say(ends[0], "ff"), 2);
    assert_result(hawser__socket_unread(ends[1]), 5);
    assert_int_equal(hear_segments(ends[1], "aabbc"), 2);
    assert_int_equal(hear_segments(ends[1], "dde"), 2);
    assert_int_equal(hear_segments(ends[1], "ff"), 0);
    assert_result(receive(ends[1], 10, 0), -EAGAIN);
    close_both(ends);
}

static void each_part_is_lost_by_itself(void **state) {
    (void)state;
    hawser__socket *ends[2];
    size_t shorter = 0;
    set_link(&(hawser_sim_link){.latency = 0.01, .loss = 0.3});
    open_ends(ends);
    assert_result(set_int(ends[1], IPPROTO_UDP, UDP_GRO, 1), 0);
    for (int i = 0; i < 100; i++) {
        assert_result(say_in(ends[0], "aabbccdd", UDP_SEGMENT, 2), 8);
        settle();
        for (ssize_t n; (n = receive(ends[1], 100, 0)) > 0; shorter += n < 8)
            assert_non_null(strstr("aabbccdd", heard));
    }
    assert_in_range(shorter, 20, 200);
    close_both(ends);
}

static void what_is_joined_is_what_came(void **state) {
    (void)state;
    hawser__socket *ends[2];
    set_link(&(hawser_sim_link){.latency = 0.01, .reorder = 0.5});
    open_ends(ends);
    assert_result(set_int(ends[1], IPPROTO_UDP, UDP_GRO, 1), 0);
    for (int i = 0; i < 100; i++) {
        unsigned counts[UINT8_MAX + 1] = {0};
        assert_result(say_in(ends[0], "aabbccdd", UDP_SEGMENT, 2), 8);
        assert_result(say_in(ends[0], "eeffgghh", UDP_SEGMENT, 2), 8);
        settle();
        while (receive(ends[1], 100, 0) > 0)
            for (const char *at = heard; *at; at++)
                counts[(unsigned char)*at]++;
        for (const char *at = "abcdefgh"; *at; at++)
            assert_int_equal(counts[(unsigned char)*at], 2);
    }
    close_both(ends);
}

static void without_memory_what_comes_first_is_sent(void **state) {
    (void)state;
    for (unsigned nth = 1; nth < 10; nth++) {
        hawser__socket *ends[2];
        open_ends(ends);
        fault_alloc(nth);
        ssize_t n = say_in(ends[0], "aabbc", UDP_SEGMENT, 2);
        bool struck = fault_none();
        assert_true(n == 5 || n == -ENOBUFS);
        assert_int_equal(receive(ends[1], 10, 0), n == 5 ? 2 : -EAGAIN);
        assert_true(struck || receive_all(ends[1]) == 3);
        close_both(ends);
        if (!struck)
            break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(one_call_sends_several_datagrams),
        world_test(too_many_or_what_is_unknown_is_refused),
        world_test(one_call_receives_those_of_one_call),
        world_test(each_part_is_lost_by_itself),
        world_test(what_is_joined_is_what_came),
        world_test(without_memory_what_comes_first_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* world/rights: sockets in messages. The public calls are in test_sim_number.c. */
#include "small_world.h"

#include "world/descriptors.h"

#define MOST 253

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

static void open_pair_of(int type, hawser__socket *ret[2]) {
    ret[0] = open_socket(left, AF_UNIX, type);
    ret[1] = open_socket(left, AF_UNIX, type);
    assert_result(hawser__socket_pair(ret[0], ret[1]), 0);
}

static hawser__socket *at(int number) {
    const struct hawser__descriptor *descriptor = hawser__descriptor_at(left, number);
    return descriptor ? descriptor->socket : NULL;
}

/* Sends TEXT with COUNT numbers through SOCKET. */
static ssize_t hand_over(hawser__socket *socket, const char *text, const int *numbers, size_t count) {
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE((MOST + 1) * sizeof(int))];
    } control = {.space = {0}};
    struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
    size_t size = count * sizeof *numbers;
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(size)};
    control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(size)};
    memcpy(CMSG_DATA(&control.head), numbers, size);
    return hawser__socket_send(socket, &msg, 0);
}

/* What take has received: */
static int taken[MOST];
static size_t taken_count;
static int taken_flags;

/* Receives at most SIZE bytes and ROOM bytes of control. */
static ssize_t take(hawser__socket *socket, size_t size, size_t room, int flags) {
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(MOST * sizeof(int))];
    } control = {.space = {0}};
    struct iovec part = {heard, size};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = room};
    taken_count = 0;
    ssize_t n = hawser__socket_receive(socket, &msg, flags);
    taken_flags = msg.msg_flags;
    heard[n > 0 ? n : 0] = '\0';
    if (n >= 0 && msg.msg_controllen > 0) {
        assert_int_equal(control.head.cmsg_level, SOL_SOCKET);
        assert_int_equal(control.head.cmsg_type, SCM_RIGHTS);
        taken_count = (control.head.cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(taken, CMSG_DATA(&control.head), taken_count * sizeof(int));
    }
    return n;
}

#define ROOM CMSG_SPACE(MOST * sizeof(int))

/* Nobody has the other end any more. */
static bool is_deserted(hawser__socket *socket) {
    return receive(socket, 1, 0) == 0;
}

/* Sockets in messages. */

static void a_socket_is_passed_and_belongs_to_both(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        hawser__socket *ends[2], *inner[2];
        open_pair_of(types[i], ends);
        open_pair_of(SOCK_STREAM, inner);
        int number = give_number(inner[0]);
        assert_result(hand_over(ends[0], "take", &number, 1), 4);
        assert_int_equal(left->socket_count, 4);   /* what is on its way does not count */
        close_number(number);
        assert_result(receive(inner[1], 1, 0), -EAGAIN);
        assert_result(take(ends[1], 100, ROOM, 0), 4);
        assert_string_equal(heard, "take");
        assert_int_equal(taken_count, 1);
        assert_int_equal(taken_flags, 0);
        assert_ptr_equal(at(taken[0]), inner[0]);
        assert_int_equal(left->socket_count, 4);
        assert_result(say(inner[1], "mine"), 4);
        assert_hears(at(taken[0]), "mine");
        close_number(taken[0]);
        assert_true(is_deserted(inner[1]));
        hawser__socket_unref(inner[1]);
        close_both(ends);
    }
}

static void what_is_no_number_is_not_sent_nor_is_the_rest(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        hawser__socket *ends[2];
        open_pair_of(types[i], ends);
        int number = hawser__descriptor_new(ends[0]), numbers[MOST + 1];
        assert_result(hand_over(ends[0], "x", (int[]){number, number + 1}, 2), -EBADF);
        assert_result(hand_over(ends[0], "x", (int[]){0}, 1), -EBADF);
        assert_result(receive(ends[1], 1, 0), -EAGAIN);
        for (size_t j = 0; j <= MOST; j++)
            numbers[j] = number;
        assert_result(hand_over(ends[0], "x", numbers, MOST + 1), -EINVAL);
        assert_result(hand_over(ends[0], "x", numbers, MOST), 1);
        assert_result(take(ends[1], 1, ROOM, 0), 1);
        assert_int_equal(taken_count, MOST);
        close_number(number);
        for (size_t j = 0; j < MOST; j++)
            close_number(taken[j]);
        close_both(ends);
    }
}

/* As Linux: a read goes into the message with a socket, and not beyond its end; the socket comes with its first byte. */
static void a_read_of_a_stream_ends_with_the_message_that_has_a_socket(void **state) {
    (void)state;
    hawser__socket *ends[2];
    open_pair_of(SOCK_STREAM, ends);
    int number = hawser__descriptor_new(ends[0]);
    assert_result(say(ends[0], "ab"), 2);
    assert_result(hand_over(ends[0], "cdef", &number, 1), 4);
    assert_result(hand_over(ends[0], "gh", (int[]){number, number}, 2), 2);
    assert_result(say(ends[0], "ij"), 2);
    assert_result(take(ends[1], 1, ROOM, 0), 1);
    assert_int_equal(taken_count, 0);
    assert_result(take(ends[1], 2, ROOM, 0), 2);
    assert_string_equal(heard, "bc");
    assert_int_equal(taken_count, 1);
    close_number(taken[0]);
    assert_result(take(ends[1], 100, ROOM, 0), 5);   /* what is left of it goes on */
    assert_string_equal(heard, "defgh");
    assert_int_equal(taken_count, 2);
    close_number(taken[0]);
    close_number(taken[1]);
    assert_hears(ends[1], "ij");
    close_number(number);
    close_both(ends);
}

/* A socket is on its way between ENDS, and nobody else has it. The far end of its connection. */
static hawser__socket *hand_one_over(int type, hawser__socket *ends[2]) {
    hawser__socket *inner[2];
    open_pair_of(type, ends);
    open_pair_of(SOCK_STREAM, inner);
    int number = give_number(inner[0]);
    assert_result(hand_over(ends[0], "x", &number, 1), 1);
    close_number(number);
    return inner[1];
}

static void a_look_ahead_makes_numbers_of_its_own(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        hawser__socket *ends[2], *far = hand_one_over(types[i], ends);
        for (int j = 0; j < 2; j++) {
            assert_result(take(ends[1], 1, ROOM, MSG_PEEK), 1);
            assert_int_equal(taken_count, 1);
            close_number(taken[0]);
            assert_result(receive(far, 1, 0), -EAGAIN);
        }
        assert_result(take(ends[1], 1, ROOM, 0), 1);
        assert_int_equal(taken_count, 1);
        close_number(taken[0]);
        assert_true(is_deserted(far));
        hawser__socket_unref(far);
        close_both(ends);
    }
}

/* ROOM bytes of control for three sockets. How many came; the others are closed. */
static size_t pass_three(int type, size_t room, int most) {
    hawser__socket *ends[2], *inner[3][2];
    int numbers[3];
    open_pair_of(type, ends);
    for (int i = 0; i < 3; i++) {
        open_pair_of(SOCK_STREAM, inner[i]);
        numbers[i] = give_number(inner[i][0]);
    }
    assert_result(hand_over(ends[0], "x", numbers, 3), 1);
    for (int i = 0; i < 3; i++)
        close_number(numbers[i]);
    left->most_sockets = most ? left->socket_count + most : 0;
    assert_result(take(ends[1], 1, room, 0), 1);
    size_t count = taken_count;
    left->most_sockets = 0;
    assert_int_equal(!!(taken_flags & MSG_CTRUNC), count < 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(receive(inner[i][1], 1, 0), i < count ? -EAGAIN : 0);
        if (i < count)
            close_number(taken[i]);
        hawser__socket_unref(inner[i][1]);
    }
    close_both(ends);
    return count;
}

static void what_there_is_no_room_for_is_closed_and_told(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (size_t room = 0; room <= CMSG_SPACE(3 * sizeof(int)); room++) {
            size_t fit = room < CMSG_LEN(sizeof(int)) ? 0 : (room - CMSG_LEN(0)) / sizeof(int);
            assert_int_equal(pass_three(types[i], room, 0), fit < 3 ? fit : 3);
        }
        assert_int_equal(pass_three(types[i], ROOM, 1), 1);
        assert_int_equal(pass_three(types[i], ROOM, 2), 2);
    }
}

static void who_does_not_ask_for_control_gets_none_and_it_is_closed(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        hawser__socket *ends[2], *far = hand_one_over(types[i], ends);
        assert_result(receive(ends[1], 1, 0), 1);
        assert_true(is_deserted(far));
        hawser__socket_unref(far);
        close_both(ends);
    }
}

static void a_message_that_is_never_read_lets_go_at_the_end(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        hawser__socket *ends[2], *far = hand_one_over(types[i], ends);
        hawser__socket_unref(ends[0]);
        assert_result(receive(far, 1, 0), -EAGAIN);
        hawser__socket_unref(ends[1]);
        assert_true(is_deserted(far));
        hawser__socket_unref(far);
        assert_null(left->sockets);
    }
}

/* Every pair is in a message of the one around it. */
static void sockets_in_sockets_in_sockets_need_no_stack(void **state) {
    (void)state;
    hawser__socket *around[2], *inner[2];
    open_pair_of(SOCK_STREAM, around);
    for (int i = 0; i < 20000; i++) {
        open_pair_of(SOCK_STREAM, inner);
        int numbers[2] = {give_number(around[0]), give_number(around[1])};
        assert_result(hand_over(inner[0], "x", numbers, 2), 1);
        close_number(numbers[0]);
        close_number(numbers[1]);
        around[0] = inner[0];
        around[1] = inner[1];
    }
    assert_int_equal(left->socket_count, 2);
    close_both(around);
    assert_null(left->sockets);
}

/* Nobody can read the message any more that has the socket in whose queue it is; the end of the world frees it. */
static void a_socket_in_its_own_queue_is_left_to_the_end_of_the_world(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        hawser__socket *ends[2];
        open_pair_of(types[i], ends);
        int numbers[2] = {give_number(ends[0]), give_number(ends[1])};
        assert_result(hand_over(ends[0], "x", numbers, 2), 1);
        close_number(numbers[0]);
        close_number(numbers[1]);
    }
    assert_int_equal(left->socket_count, 0);
    assert_non_null(left->sockets);
}

static void open_and_pass_many(void) {
    for (int i = 0; i < 20; i++) {
        hawser__socket *ends[2], *inner[2];
        open_pair_of(types[i % 3], ends);
        open_pair_of(SOCK_STREAM, inner);
        int numbers[] = {give_number(inner[0]), give_number(inner[1]), give_number(ends[0]), give_number(ends[1])};
        assert_result(hand_over(ends[0], "x", numbers, i % 5), 1);
        assert_result(hand_over(inner[1], "x", numbers, 4), 1);
        if (i & 1)
            close_number(numbers[i % 4]);
    }
}

static void the_end_of_a_host_leaves_no_number_and_nothing_in_messages(void **state) {
    (void)state;
    for (int polite = 0; polite < 2; polite++) {
        open_and_pass_many();
        hawser__sockets_drop(left, polite);
        assert_int_equal(left->socket_count, 0);
        assert_null(left->sockets);
        assert_null(left->descriptors);
        hawser__socket *fresh = open_socket(left, AF_UNIX, SOCK_STREAM);
        assert_int_equal(hawser__descriptor_name(fresh, NULL), HAWSER__FIRST_NUMBER);
        close_number(HAWSER__FIRST_NUMBER);
    }
}

static void a_tcp_connection_lives_on_while_it_is_on_its_way(void **state) {
    (void)state;
    hawser__socket *ends[2], *tcp[2];
    connect_hosts(tcp);
    open_pair_of(SOCK_DGRAM, ends);
    int number = give_number(tcp[0]);
    assert_result(hand_over(ends[0], "x", &number, 1), 1);
    close_number(number);
    assert_result(say(tcp[1], "meanwhile"), 9);
    settle();
    assert_result(take(ends[1], 1, ROOM, 0), 1);
    assert_hears(at(taken[0]), "meanwhile");
    close_number(taken[0]);
    settle();
    assert_true(is_deserted(tcp[1]));
    hawser__socket_unref(tcp[1]);
    close_both(ends);
}

static void without_memory_nothing_is_passed_by_half(void **state) {
    (void)state;
    for (unsigned nth = 1;; nth++) {
        hawser__socket *ends[2];
        open_pair_of(SOCK_STREAM, ends);
        int number = hawser__descriptor_new(ends[0]);
        fault_alloc(nth);
        ssize_t n = hand_over(ends[0], "x", &number, 1);
        bool none = !fault_none();
        assert_true(n == 1 || (!none && (n == -ENOMEM || n == -ENOBUFS)));
        assert_result(take(ends[1], 1, ROOM, 0), n == 1 ? 1 : -EAGAIN);
        if (n == 1)
            close_number(taken[0]);
        close_number(number);
        close_both(ends);
        if (none)
            break;
        assert_true(nth < 10);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(a_socket_is_passed_and_belongs_to_both),
        world_test(what_is_no_number_is_not_sent_nor_is_the_rest),
        world_test(a_read_of_a_stream_ends_with_the_message_that_has_a_socket),
        world_test(a_look_ahead_makes_numbers_of_its_own),
        world_test(what_there_is_no_room_for_is_closed_and_told),
        world_test(who_does_not_ask_for_control_gets_none_and_it_is_closed),
        world_test(a_message_that_is_never_read_lets_go_at_the_end),
        world_test(sockets_in_sockets_in_sockets_need_no_stack),
        world_test(a_socket_in_its_own_queue_is_left_to_the_end_of_the_world),
        world_test(the_end_of_a_host_leaves_no_number_and_nothing_in_messages),
        world_test(a_tcp_connection_lives_on_while_it_is_on_its_way),
        world_test(without_memory_nothing_is_passed_by_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

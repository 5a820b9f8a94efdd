/* SPDX-License-Identifier: MIT */
/* engine/kernel: what batches of datagrams cost. */
#include "fibers.h"
#include "support.h"

#include "net/handle.h"

#include <errno.h>
#include <unistd.h>

#define MANY 8

struct batch {
    char bytes[MANY][4];
    struct iovec parts[MANY];
    struct mmsghdr messages[MANY];
};

static struct mmsghdr *lay_out(struct batch *batch) {
    for (int i = 0; i < MANY; i++) {
        batch->parts[i] = (struct iovec){batch->bytes[i], sizeof batch->bytes[i]};
        batch->messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &batch->parts[i], .msg_iovlen = 1}};
    }
    return batch->messages;
}

struct exchange {
    hawser_sock *sock;
    int far;
};

static int write_some(void *arg) {
    struct exchange *exchange = arg;
    for (int i = 0; i < 3; i++)
        EXPECT(send(exchange->far, "abc", 3, 0) == 3);
    return 0;
}

static int receive_in_batches(void *arg) {
    struct exchange *exchange = arg;
    struct batch batch;
    hawser__endpoint *endpoint = exchange->sock->endpoints[0];
    const struct hawser__engine_ops *ops = endpoint->engine->ops;
    unsigned in_ring = strcmp(port_call(), "io_uring_enter") == 0;
    for (int round = 0; round < 5; round++) {
        EXPECT(hawser_go(write_some, exchange) == 0);   /* runs when this one waits */
        if (!told_changes())
            hawser_yield();
        (void)syscalls_made();
        int came = ops->recvmmsg(endpoint, lay_out(&batch), MANY, 0, HAWSER__NEVER);
        EXPECT(came == 3 && batch.messages[2].msg_len == 3);
        if (round > 0 && told_changes())
            EXPECT(syscalls_made() <= 2 + in_ring);   /* the batch, and a look into the port, which is two calls in a ring */
    }
    hawser__deadline deadline = hawser__clock_monotonic() + (int64_t)WAIT_LIMIT * HAWSER__SECOND;
    EXPECT(hawser_go(write_some, exchange) == 0);
    EXPECT(ops->recvmmsg(endpoint, lay_out(&batch), 2, 0, deadline) == 2);   /* a full one: there may be more */
    EXPECT(ops->recvmmsg(endpoint, lay_out(&batch), MANY, 0, deadline) == 1);
    return 0;
}

static void a_batch_after_a_short_one_waits_first(void **state) {
    (void)state;
    struct exchange exchange;
    int port;
    hawser_sock *sock = exchange.sock = hawser_socket(AF_INET, SOCK_DGRAM, 0);
    assert_works(hawser_bind(sock, "127.0.0.1", 0));
    hawser_addr own;
    hawser_getsockname(sock, &own);
    exchange.far = raw_datagrams(&port);
    assert_int_equal(connect(exchange.far, (struct sockaddr *)&own.ss, own.len), 0);
    assert_works(hawser_connect(sock, "127.0.0.1", port));
    assert_runs(1, receive_in_batches, &exchange);
    assert_as_expected();
    close(exchange.far);
    hawser_close(sock);
}

/* More than the kernel takes at once: a full batch is no sign that nothing is left. */
static void more_than_the_kernel_takes_are_taken_in_parts(void **state) {
    (void)state;
    enum { MESSAGES = 1500 };
    static struct mmsghdr messages[MESSAGES];
    struct iovec part = {(char[]){'x'}, 1};
    hawser_sock *pair[2];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    for (int i = 0; i < MESSAGES; i++)
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1};
    hawser__endpoint *from = pair[0]->endpoints[0], *to = pair[1]->endpoints[0];
    int sent = from->engine->ops->sendmmsg(from, messages, MESSAGES, 0, HAWSER__NOW), came = 0;
    assert_in_range(sent, 1, 1024);
    while (came < sent) {
        int n = to->engine->ops->recvmmsg(to, messages, MESSAGES, 0, HAWSER__NOW);
        assert_true(n > 0);
        came += n;
    }
    assert_int_equal(to->engine->ops->recvmmsg(to, messages, MESSAGES, 0, HAWSER__NOW), -EAGAIN);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
}

static void an_interrupted_batch_is_tried_again(void **state) {
    (void)state;
    struct batch batch;
    hawser_sock *pair[2];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    hawser__endpoint *from = pair[0]->endpoints[0], *to = pair[1]->endpoints[0];
    fault_syscall("sendmmsg", 1, EINTR, 2);
    assert_int_equal(from->engine->ops->sendmmsg(from, lay_out(&batch), MANY, 0, HAWSER__NEVER), MANY);
    assert_true(fault_none());
    fault_syscall("recvmmsg", 1, EINTR, 2);
    assert_int_equal(to->engine->ops->recvmmsg(to, lay_out(&batch), MANY, 0, HAWSER__NEVER), MANY);
    assert_true(fault_none());
    hawser_close(pair[1]);
    assert_int_equal(from->engine->ops->sendmmsg(from, lay_out(&batch), MANY, 0, HAWSER__NEVER), -ECONNREFUSED);
    hawser_close(pair[0]);
}

static void descriptors_in_a_batch_are_close_on_exec(void **state) {
    (void)state;
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } room = {.bytes = {0}};
    char byte = 'x';
    struct iovec part = {&byte, 1};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &room}};
    message.msg_hdr.msg_controllen = sizeof room;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message.msg_hdr);
    *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    hawser_sock *pair[2];
    int fd = 0;
    assert_works(hawser_socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    hawser__endpoint *from = pair[0]->endpoints[0], *to = pair[1]->endpoints[0];
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    assert_int_equal(from->engine->ops->sendmmsg(from, &message, 1, 0, HAWSER__NOW), 1);
    assert_int_equal(to->engine->ops->recvmmsg(to, &message, 1, 0, HAWSER__NOW), 1);
    assert_int_equal(message.msg_hdr.msg_flags, 0);
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    assert_true(fd > 0 && raw_is_cloexec(fd));
    close(fd);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_after_a_short_one_waits_first),
        cmocka_unit_test(more_than_the_kernel_takes_are_taken_in_parts),
        cmocka_unit_test(an_interrupted_batch_is_tried_again),
        cmocka_unit_test(descriptors_in_a_batch_are_close_on_exec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

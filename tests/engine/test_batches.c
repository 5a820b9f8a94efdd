/* SPDX-License-Identifier: MIT */
/* Several datagrams in one call. */
#include "engine_suite.h"

#include <errno.h>
#include <signal.h>
#include <sys/uio.h>

struct batch {
    char bytes[4][8];
    struct iovec parts[4];
    struct mmsghdr messages[4];
};

static struct mmsghdr *lay_out(struct batch *batch) {
    memset(batch, 0, sizeof *batch);
    for (int i = 0; i < 4; i++) {
        batch->parts[i] = (struct iovec){batch->bytes[i], sizeof batch->bytes[i]};
        batch->messages[i].msg_hdr = (struct msghdr){.msg_iov = &batch->parts[i], .msg_iovlen = 1};
    }
    return batch->messages;
}

static struct mmsghdr *write_batch(struct batch *batch, const char *const texts[4]) {
    lay_out(batch);
    for (int i = 0; i < 4; i++)
        batch->parts[i].iov_len = (size_t)snprintf(batch->bytes[i], sizeof batch->bytes[i], "%s", texts[i]);
    return batch->messages;
}

static void datagrams_come_and_go_in_batches(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    struct batch out, in;
    const char *const texts[] = {"one", "", "three", "four"};
    open_pair(SOCK_DGRAM, pair);
    assert_int_equal(ops()->sendmmsg(pair[0], write_batch(&out, texts), 4, 0, HAWSER__NOW), 4);
    assert_int_equal(out.messages[2].msg_len, 5);
    assert_int_equal(ops()->recvmmsg(pair[1], lay_out(&in), 3, 0, in_seconds(WAIT_LIMIT)), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(in.messages[i].msg_len, strlen(texts[i]));
        assert_memory_equal(in.bytes[i], texts[i], strlen(texts[i]));
        assert_int_equal(in.messages[i].msg_hdr.msg_flags, 0);
    }
    assert_int_equal(ops()->recvmmsg(pair[1], lay_out(&in), 4, 0, in_seconds(WAIT_LIMIT)), 1);
    assert_int_equal(ops()->recvmmsg(pair[1], lay_out(&in), 4, 0, HAWSER__NOW), -EAGAIN);
    close_endpoint(pair[0]);
    close_endpoint(pair[1]);
}

/* As many as there is room for, without waiting for room for the rest. */
static void of_a_batch_goes_what_there_is_room_for(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    struct batch out;
    const char *const texts[] = {"same", "same", "same", "same"};
    open_pair(SOCK_DGRAM, pair);
    int sent, total = 0;
    while ((sent = ops()->sendmmsg(pair[0], write_batch(&out, texts), 4, 0, in_seconds(0.01))) > 0)
        total += sent;
    assert_int_equal(sent, -ETIMEDOUT);
    for (int i = 0; i < total; i++)
        assert_receives(pair[1], "same");
    assert_int_equal(ops()->recvmmsg(pair[1], lay_out(&out), 4, 0, HAWSER__NOW), -EAGAIN);
    close_endpoint(pair[0]);
    close_endpoint(pair[1]);
}

/* Single reads and batches take turns, each leaving some or none. */
static int receive_in_turns(void *unused) {
    (void)unused;
    hawser__endpoint *pair[2];
    struct batch batch;
    open_pair(SOCK_DGRAM, pair);
    for (int round = 0; round < 4; round++) {
        send_text(pair[0], "a");
        EXPECT(ops()->recvmmsg(pair[1], lay_out(&batch), 4, 0, in_seconds(WAIT_LIMIT)) == 1); /* nothing is left, then */
        send_text(pair[0], "b");
        send_text(pair[0], "c");
        if (round % 2)
            rest_a_moment();
        EXPECT(ops()->recv(pair[1], batch.bytes[0], 8, 0, in_seconds(WAIT_LIMIT)) == 1);
        EXPECT(ops()->recvmmsg(pair[1], lay_out(&batch), 4, 0, in_seconds(WAIT_LIMIT)) == 1);
        EXPECT(batch.bytes[0][0] == 'c');
        send_text(pair[0], "d");
        EXPECT(ops()->recvmsg(pair[1], &lay_out(&batch)[0].msg_hdr, 0, in_seconds(WAIT_LIMIT)) == 1);
        EXPECT(ops()->recvmmsg(pair[1], lay_out(&batch), 4, 0, in_seconds(0.001)) == -ETIMEDOUT);
        send_text(pair[0], "e");
        EXPECT(ops()->recvmmsg(pair[1], lay_out(&batch), 4, MSG_PEEK, in_seconds(WAIT_LIMIT)) >= 1);
        EXPECT(ops()->recvmmsg(pair[1], lay_out(&batch), 1, 0, in_seconds(WAIT_LIMIT)) == 1);
        EXPECT(ops()->recvmmsg(pair[1], lay_out(&batch), 1, 0, HAWSER__NOW) == -EAGAIN);
    }
    close_endpoint(pair[0]);
    close_endpoint(pair[1]);
    return 0;
}

static void batches_and_single_reads_take_turns(void **state) {
    (void)state;
    run_fibers(1, receive_in_turns, NULL);
    receive_in_turns(NULL);
    assert_as_expected();
}

/* Contract 6. The signal's action is the default one here: raised, it would end the program. */
static void a_batch_to_nobody_is_EPIPE_and_no_signal(void **state) {
    (void)state;
    hawser__endpoint *pair[2];
    struct batch out;
    const char *const texts[] = {"one", "two", "three", "four"};
    assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
    open_pair(SOCK_STREAM, pair);
    close_endpoint(pair[1]);
    assert_int_equal(ops()->sendmmsg(pair[0], write_batch(&out, texts), 4, 0, HAWSER__NOW), -EPIPE);
    close_endpoint(pair[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        engine_test(datagrams_come_and_go_in_batches),
        engine_test(of_a_batch_goes_what_there_is_room_for),
        engine_test(a_batch_to_nobody_is_EPIPE_and_no_signal),
        engine_test(batches_and_single_reads_take_turns),
    };
    return run_for_each_engine(tests, sizeof tests / sizeof *tests);
}

/* SPDX-License-Identifier: MIT */
/* engine/kernel_stash: what the engine has received ahead is had by whoever reads next, by every call, before what the kernel
 * has; and nobody gets a descriptor that has lost it. */
#include "support.h"

#include "base/mem.h"
#include "net/handle.h"
#include "sched/park.h"

#include "engine/kernel.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

static int forsaken;

static void note_end(struct hawser__kernel_stash *stash) {
    (void)stash;
    forsaken++;
}

static void add(struct hawser__kernel_stash *stash, const char *text) {
    char *buffer = hawser__alloc(HAWSER__LOAN);
    assert_non_null(buffer);
    memcpy(buffer, text, strlen(text));
    hawser__stash_add(stash, buffer, strlen(text));
}

static struct hawser__kernel_stash *stash_of(const wire *w) {
    return hawser__kernel_endpoint(w->sock->endpoints[0])->stash;
}

/* A connection with "hello" and "world" in the stash; "after" is in the kernel. */
static wire stashed_wire(void) {
    wire w = tcp_wire(false);
    struct hawser__kernel_stash *stash = hawser__zalloc(sizeof *stash);
    assert_non_null(stash);
    hawser__stash_init(stash);
    stash->forsake = note_end;
    hawser__kernel_endpoint(w.sock->endpoints[0])->stash = stash;
    add(stash, "hello");
    add(stash, "world");
    assert_true(raw_write(w.far, "after", 5));
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    return w;
}

static void assert_next(hawser_sock *sock, const char *text) {
    char got[32];
    assert_int_equal(assert_works(hawser_recv(sock, got, sizeof got)), strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

static void assert_rest(wire *w) {
    assert_next(w->sock, "world");
    assert_next(w->sock, "after");
    assert_false(hawser__stash_has(stash_of(w)));
    cut(*w);
}

static const struct hawser__engine_ops *ops_of(const wire *w) {
    return w->sock->endpoints[0]->engine->ops;
}

static bool all_has_come(void *arg) {
    const wire *w = arg;
    return ops_of(w)->unread(w->sock->endpoints[0]) == 15;
}

static void it_comes_in_its_order_before_what_the_kernel_has(void **state) {
    (void)state;
    wire w = stashed_wire();
    assert_true(wait_until(all_has_come, &w));
    char got[8];
    assert_int_equal(assert_works(hawser_recv(w.sock, got, 2)), 2);
    assert_memory_equal(got, "he", 2);
    assert_next(w.sock, "llo");   /* of one piece at a time, as reads of the kernel's are */
    assert_rest(&w);
}

static void peeking_leaves_it(void **state) {
    (void)state;
    wire w = stashed_wire();
    char got[8];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(assert_works(hawser_recv_flags(w.sock, got, sizeof got, MSG_PEEK)), 5);
        assert_memory_equal(got, "hello", 5);
    }
    assert_next(w.sock, "hello");
    assert_rest(&w);
}

static void messages_and_batches_have_it(void **state) {
    (void)state;
    wire w = stashed_wire();
    char a[3], b[9];
    struct iovec parts[2] = {{a, sizeof a}, {b, sizeof b}};
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = parts, .msg_iovlen = 2}}};
    assert_int_equal(ops_of(&w)->recvmsg(w.sock->endpoints[0], &messages[0].msg_hdr, 0, HAWSER__NOW), 5);
    assert_memory_equal(a, "hel", 3);
    assert_memory_equal(b, "lo", 2);
    add(stash_of(&w), "batch");
    assert_next(w.sock, "world");
    assert_int_equal(ops_of(&w)->recvmmsg(w.sock->endpoints[0], messages, 2, 0, HAWSER__NOW), 1);
    assert_int_equal(messages[0].msg_len, 5);
    assert_memory_equal(a, "bat", 3);
    assert_next(w.sock, "after");
    cut(w);
}

static void what_is_lent_begins_at_the_front_of_the_buffer(void **state) {
    (void)state;
    wire w = stashed_wire();
    const void *lent;
    char byte;
    void *copy;
    assert_int_equal(assert_works(hawser_recv(w.sock, &byte, 1)), 1);
    assert_int_equal(assert_works(hawser_recv_borrow(w.sock, &lent)), 4);
    assert_ptr_equal(lent, hawser__task_current()->lent);
    assert_memory_equal(lent, "ello", 4);
    assert_int_equal(ops_of(&w)->recv_lend(w.sock->endpoints[0], &copy, 2, HAWSER__NOW), 2);
    assert_memory_equal(copy, "wo", 2);
    assert_next(w.sock, "rld");
    assert_next(w.sock, "after");
    cut(w);
    drop_loan();
}

static void who_awaits_input_is_told_of_it(void **state) {
    (void)state;
    wire w = stashed_wire();
    struct hawser__interest interests[2] = {{.endpoint = w.sock->endpoints[0], .direction = HAWSER__OUT},
                                            {.endpoint = w.sock->endpoints[0], .direction = HAWSER__IN}};
    assert_int_equal(ops_of(&w)->await(interests, 2, HAWSER__NOW), 0);
    assert_false(interests[0].ready);
    assert_true(interests[1].ready);
    assert_next(w.sock, "hello");
    assert_rest(&w);
}

static void splicing_moves_it(void **state) {
    (void)state;
    wire w = stashed_wire(), to = unix_wire(SOCK_STREAM);
    char got[5];
    assert_int_equal(ops_of(&w)->splice(w.sock->endpoints[0], to.sock->endpoints[0], 100, HAWSER__NOW), 5);
    assert_true(raw_read(to.far, got, 5));
    assert_memory_equal(got, "hello", 5);
    cut(to);
    assert_rest(&w);
    drop_loan();
}

static void no_descriptor_is_given_away_without_it(void **state) {
    (void)state;
    wire w = stashed_wire();
    assert_null_fails(hawser_dup(w.sock), EBUSY);
    assert_int_equal(ops_of(&w)->detach(w.sock->endpoints[0], true), -EBUSY);
    assert_next(w.sock, "hello");
    assert_next(w.sock, "world");
    hawser_sock *copy = hawser_dup(w.sock);
    assert_non_null(copy);
    assert_next(copy, "after");
    hawser_close(copy);
    cut(w);
}

static void an_error_comes_once_after_it(void **state) {
    (void)state;
    wire w = stashed_wire();
    stash_of(&w)->error = -ECONNRESET;
    assert_next(w.sock, "hello");
    assert_next(w.sock, "world");
    char byte;
    assert_fails(hawser_recv(w.sock, &byte, 1), ECONNRESET);
    assert_next(w.sock, "after");
    cut(w);
}

static void closing_drops_what_nobody_has_read_and_tells_the_feeder(void **state) {
    (void)state;
    census before = take_census();
    wire w = stashed_wire();
    struct hawser__kernel_stash *stash = stash_of(&w);
    hawser__stash_feed(stash, true);
    forsaken = 0;
    cut(w);
    assert_int_equal(forsaken, 1);
    add(stash, "too late");
    hawser__stash_feed(stash, false);
    assert_null(compare_census(before));
}

static void out_of_memory_a_part_of_it_cannot_be_lent_and_stays(void **state) {
    (void)state;
    wire w = stashed_wire();
    void *lent;
    drop_loan();
    fault_alloc(1);
    assert_int_equal(ops_of(&w)->recv_lend(w.sock->endpoints[0], &lent, 2, HAWSER__NOW), -ENOMEM);
    assert_true(fault_none());
    assert_next(w.sock, "hello");
    assert_rest(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_in_its_order_before_what_the_kernel_has),
        cmocka_unit_test(peeking_leaves_it),
        cmocka_unit_test(messages_and_batches_have_it),
        cmocka_unit_test(what_is_lent_begins_at_the_front_of_the_buffer),
        cmocka_unit_test(who_awaits_input_is_told_of_it),
        cmocka_unit_test(splicing_moves_it),
        cmocka_unit_test(no_descriptor_is_given_away_without_it),
        cmocka_unit_test(an_error_comes_once_after_it),
        cmocka_unit_test(closing_drops_what_nobody_has_read_and_tells_the_feeder),
        cmocka_unit_test(out_of_memory_a_part_of_it_cannot_be_lent_and_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

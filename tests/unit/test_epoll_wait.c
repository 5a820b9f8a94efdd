/* SPDX-License-Identifier: MIT */
/* engine/epoll_wait: foreign descriptors that fibers wait for, where there is no room for the copy that is watched as a rule. */
#include "faults.h"
#include "fibers.h"
#include "tubes.h"

#include <errno.h>
#include <hawser.h>

static struct {
    struct tube tube;
    int waiting, woken;
} shared;

static int wait_without_a_copy(void *unused) {
    (void)unused;
    fault_syscall("dup", 1, EMFILE, 1);
    fault_everywhere();
    shared.waiting++;
    EXPECT(hawser_wait_fd(shared.tube.in, HAWSER_READABLE, WAIT_LIMIT) == HAWSER_READABLE);
    shared.woken++;
    return 0;
}

static int wait_thrice(void *unused) {
    (void)unused;
    for (int i = 0; i < 3; i++) {
        EXPECT(hawser_go(wait_without_a_copy, NULL) == 0);
        while (shared.waiting <= i)
            hawser_yield();
        EXPECT(fault_none() == told_changes());   /* poll needs no copy */
    }
    EXPECT(shared.woken == 0);
    EXPECT_FAILURE(hawser_wait_fd(shared.tube.in, HAWSER_READABLE, 0.01), ETIMEDOUT);
    type(shared.tube.out, "x");
    return 0;
}

static void without_room_for_a_copy_several_wait_for_one_descriptor_all_the_same(void **state) {
    (void)state;
    shared.tube = new_pipe();
    shared.waiting = shared.woken = 0;
    assert_runs(1, wait_thrice, NULL);
    assert_as_expected();
    assert_int_equal(shared.woken, 3);
    close_tube(shared.tube);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_room_for_a_copy_several_wait_for_one_descriptor_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* engine/epoll_wait: foreign descriptors that fibers wait for, also where there is no room for the copy that is watched as a
 * rule. */
#include "faults.h"
#include "fibers.h"
#include "tubes.h"

#include <errno.h>
#include <hawser.h>
#include <sys/socket.h>

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

static struct {
    struct tube tube;
    bool gave_up;
} full;

static int wait_for_room(void *unused) {
    (void)unused;
    EXPECT_FAILURE(hawser_wait_fd(full.tube.out, HAWSER_WRITABLE, 0.05), ETIMEDOUT);
    full.gave_up = true;
    return 0;
}

static bool gave_up(void *unused) {
    (void)unused;
    return full.gave_up;
}

static int look_at_the_wait(void *unused) {
    EXPECT(hawser_go(wait_for_room, unused) == 0);
    EXPECT(wait_until(gave_up, NULL));
    shutdown(full.tube.out, SHUT_RDWR); /* ends a wait that goes on */
    return 0;
}

/* That the peer has ended is told all the time, and is not what was asked. */
static void waiting_for_room_beside_the_end_of_input_ends_at_its_deadline(void **state) {
    (void)state;
    static const char chunk[4096];
    full.tube = new_sockets();
    full.gave_up = false;
    while (send(full.tube.out, chunk, sizeof chunk, MSG_DONTWAIT) > 0)
        ;
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(shutdown(full.tube.in, SHUT_WR), 0);
    assert_runs(1, look_at_the_wait, NULL);
    assert_true(full.gave_up);
    close_tube(full.tube);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_room_for_a_copy_several_wait_for_one_descriptor_all_the_same),
        cmocka_unit_test(waiting_for_room_beside_the_end_of_input_ends_at_its_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Connections over TCP in every situation (engine_situations.h). A SYN that a full queue has dropped is sent again by the kernel after
 * a second, so all of them are played at the same time.
 */
#include "engine_situations.h"

#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "world.h"

static const struct situation *const situations[] = {
    &looking, &now_ready, &past_ready, &becoming_ready, &becoming_ready_without_limit, &running_out, &interrupted, &cancelled,
    &evicted, &evicted_before, &being_reset, &pestered,
};

static struct play plays[MOST_PLAYS];
static size_t count;

static void add(struct play play) {
    if (!takes_long(play.scene.operation) || !can_play(&play))
        return;
    assert_true(count < MOST_PLAYS);
    plays[count++] = play;
}

static void a_connection_is_made_and_given_up_in_every_situation(void **state) {
    (void)state;
    count = 0;
    for (size_t s = 0; s < sizeof situations / sizeof *situations; s++)
        for (enum waiter waiter = 0; waiter < WAITERS; waiter++)
            for (size_t i = 0; i < operation_count; i++)
                add((struct play){.situation = situations[s], .waiter = waiter, .scene.operation = &operations[i]});
    play_together(plays, count);
}

/* Whoever looks on a machine for what listens there, or tries a port again that was another's, takes the one place in a queue
 * that a connection here waits for. So this has a network of its own, where that is allowed. */
static void leave_the_network(void) {
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (in_world() || (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0))
        return;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &loopback) < 0)
        abort();   /* nothing works there */
    close(fd);
}

int main(void) {
    leave_the_network();
    const struct CMUnitTest tests[] = {
        engine_test(a_connection_is_made_and_given_up_in_every_situation),
    };
    return run_for_each_engine(tests, sizeof tests / sizeof *tests);
}

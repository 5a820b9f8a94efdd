/* SPDX-License-Identifier: MIT */
#include "world.h"

#include "support.h"

#include "sim/simulation.h"

static const hawser__task *test_task;

bool in_world(void) {
    return hawser__simulation_here != NULL;
}

void note_test_task(void) {
    test_task = hawser__task_current();
}

void skip_in_world(const char *why) {
    if (!in_world() || hawser__task_current() != test_task)
        return;
    print_message("    not in a simulated world: %s\n", why);
    skip();
}

void *current_strand(void) {
    return hawser__simulation_here->strands.running;
}

bool strand_waits(const void *strand) {
    return ((const hawser__strand *)strand)->state == HAWSER__STRAND_WAITS;
}

void rest_until(double seconds) {
    hawser__deadline end = (hawser__deadline)(seconds * 1e9);
    bool inside = hawser__simulation_inside(true);
    while (hawser__clock_monotonic() < end)
        (void)hawser__strand_wait(end);
    hawser__simulation_inside(inside);
}

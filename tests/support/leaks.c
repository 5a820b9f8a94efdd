/* SPDX-License-Identifier: MIT */
#include "leaks.h"

#include "threads.h"
#include "world.h"

#include "sim/simulation.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_long allocations;

void count_allocation(int delta) {
    atomic_fetch_add(&allocations, delta);
}

static long entries(const char *path) {
    DIR *folder = opendir(path);
    if (!folder)
        return -1;
    long count = 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

long open_descriptors(void) {
    if (in_world())
        return hawser__simulation_here->host->socket_count;
    return entries("/proc/self/fd") - 1; /* less the one that reads the folder */
}

static long nothing(void *argument) {
    (void)argument;
    return 0;
}

static long live_threads(void) {
    return in_world() ? 0 : entries("/proc/self/task");
}

static bool has_left(void *argument) {
    runner *run = argument;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d", atomic_load(&run->tid));
    return in_world() || access(path, F_OK) < 0;
}

static long first_threads;

/* A sanitizer starts a thread of its own with the first one of the program. */
static void start_first_thread(void) {
    runner run;
    start(&run, nothing, NULL);
    finish(&run);
    (void)wait_until(has_left, &run);
    first_threads = live_threads();
}

census take_census(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_first_thread);
    return (census){atomic_load(&allocations), open_descriptors(), live_threads()};
}

bool only_first_threads(void *unused) {
    (void)unused;
    return take_census().threads <= first_threads;
}

static bool is_back(void *before) {
    census then = *(const census *)before, now = take_census();
    return now.allocations == then.allocations && now.descriptors == then.descriptors && now.threads <= then.threads;
}

/* A joined thread leaves /proc a moment later, and a look-up that was given up is freed when its helper comes to it. */
const char *compare_census(census before) {
    static char text[160];
    if (wait_until(is_back, &before))
        return NULL;
    census now = take_census();
    snprintf(text, sizeof text, "left behind: %+ld allocations, %+ld descriptors, %+ld threads",
             now.allocations - before.allocations, now.descriptors - before.descriptors, now.threads - before.threads);
    return text;
}

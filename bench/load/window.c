/* SPDX-License-Identifier: MIT */
/*
 * The window of measurement. The CPU time of the server is read from its own process clock, to the nanosecond and with all
 * its threads: /proc/PID/stat counts in ticks and tells nothing about a second.
 */
#include "load.h"

#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static int64_t cpu_of(pid_t process) {
    clockid_t clock;
    struct timespec time;
    if (process == 0)
        return 0;
    if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) < 0)
        bench_die("the server has gone");
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

void window_begin(struct window *window, pid_t server) {
    window->requests = 0;
    window->own_begin = bench_cpu();
    window->begin = bench_now();
    window->server_begin = cpu_of(server);
}

void window_end(struct window *window, pid_t server) {
    window->server_end = cpu_of(server);
    window->end = bench_now();
    window->own_end = bench_cpu();
}

void window_print(const struct window *window) {
    printf("requests=%" PRIu64 " seconds=%.6f server_cpu=%.6f own_cpu=%.6f\n", window->requests,
           (double)(window->end - window->begin) / 1e9, (double)(window->server_end - window->server_begin) / 1e9,
           (double)(window->own_end - window->own_begin) / 1e9);
    fflush(stdout);
}

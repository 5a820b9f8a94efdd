/* SPDX-License-Identifier: MIT */
/*
 * Echo with a computation of MICROSECONDS for each message, measured in CPU time of the worker: what a second worker is
 * worth.
 *
 * usage: compute [WORKERS [MICROSECONDS]]
 */
#include "serve.h"
#include "support.h"

#include <time.h>

static int64_t work; /* ns */

static int64_t thread_cpu(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void compute(void) {
    for (int64_t end = thread_cpu() + work; thread_cpu() < end;)
        ;
}

static void echo(hawser_request *r) {
    char text[512];
    ssize_t n;
    while ((n = hawser_recv(r->sock, text, sizeof text)) > 0) {
        compute();
        if (hawser_sendall(r->sock, text, (size_t)n) < 0)
            break;
    }
}

int main(int argc, char **argv) {
    work = 1000 * bench_number(argc, argv, 2, 200);
    return serve_requests(bench_number(argc, argv, 1, 1), SOCK_STREAM, echo, NULL);
}

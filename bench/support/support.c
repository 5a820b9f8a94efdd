/* SPDX-License-Identifier: MIT */
/* The common part of the programs: see support.h. libc only. */
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

_Noreturn void bench_die(const char *what) {
    if (errno)
        fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    else
        fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    exit(1);
}

long bench_number(int argc, char **argv, int i, long fallback) {
    if (i >= argc)
        return fallback;
    char *end;
    errno = 0;
    long number = strtol(argv[i], &end, 10);
    if (errno || end == argv[i] || *end || number < 0)
        bench_die(argv[i]);
    return number;
}

size_t bench_raise_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        bench_die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        bench_die("setrlimit");
    return limit.rlim_cur;
}

int bench_listen(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    inet_pton(AF_INET, BENCH_HOST, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BENCH_BACKLOG) < 0)
        bench_die("listen");
    return fd;
}

void bench_say_port(int port) {
    printf("port %d\n", port);
    fflush(stdout);
}

void bench_say_port_of(int fd) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        bench_die("getsockname");
    bench_say_port(ntohs(address.sin_port));
}

static int64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t bench_now(void) {
    return nanoseconds(CLOCK_MONOTONIC);
}

int64_t bench_cpu(void) {
    return nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
}

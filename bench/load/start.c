/* SPDX-License-Identifier: MIT */
/*
 * From nothing to the first answer: starts a program, reads the port it says, connects, and reads its greeting. The clock runs
 * from before the start to the last byte of "hello". Repeated; the best and the median are printed, in milliseconds.
 */
#include "load.h"

#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Starts PROGRAM with its standard output in *OUTPUT. */
static pid_t start_program(char **program, int *output) {
    int pipe_ends[2];
    posix_spawn_file_actions_t actions;
    pid_t process;
    if (pipe2(pipe_ends, O_CLOEXEC) < 0)
        bench_die("pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    errno = posix_spawn(&process, program[0], &actions, NULL, program, environ);
    if (errno)
        bench_die(program[0]);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    *output = pipe_ends[0];
    return process;
}

static int read_port(int output) {
    char line[64];
    size_t size = 0;
    while (size < sizeof line - 1 && !memchr(line, '\n', size)) {
        ssize_t n = read(output, line + size, sizeof line - 1 - size);
        if (n <= 0)
            bench_die("the program says no port");
        size += (size_t)n;
    }
    line[size] = 0;
    int port;
    if (sscanf(line, "port %d", &port) != 1)
        bench_die("the program says no port");
    return port;
}

static void hear_hello(const struct settings *settings, int port) {
    static const char hello[] = "hello\n";
    struct settings there = *settings;
    there.port = port;
    int fd = open_connection(&there, 0);
    char got[sizeof hello];
    if (fcntl(fd, F_SETFL, 0) < 0)
        bench_die("fcntl");
    ssize_t n = recv(fd, got, strlen(hello), MSG_WAITALL);
    if (n != (ssize_t)strlen(hello) || memcmp(got, hello, strlen(hello)) != 0)
        bench_die("the program does not say hello");
    close(fd);
}

static double once(const struct settings *settings) {
    int output;
    int64_t begin = bench_now();
    pid_t process = start_program(settings->program, &output);
    hear_hello(settings, read_port(output));
    int64_t end = bench_now();
    kill(process, SIGKILL);
    waitpid(process, NULL, 0);
    close(output);
    return (double)(end - begin) / 1e6;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void load_start(const struct settings *settings) {
    double *times = calloc(settings->times, sizeof *times);
    if (!times || !settings->program || settings->times == 0)
        bench_die("nothing to start");
    for (size_t i = 0; i < settings->times; i++)
        times[i] = once(settings);
    qsort(times, settings->times, sizeof *times, compare);
    printf("best=%.3f median=%.3f times=%zu\n", times[0], times[settings->times / 2], settings->times);
}

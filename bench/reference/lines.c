/* SPDX-License-Identifier: MIT */
/*
 * The server of lines to be measured against: every line is answered with "OK..." before it, and all answers to what one read
 * brought go out with one write. Edge-triggered, registered once, two large buffers for all connections.
 *
 * A line that a read cut in two waits in memory of the connection's own; so do answers that the kernel did not take, and
 * nothing is read from such a connection before they have gone. A line longer than LINE_MAX_SIZE ends the connection.
 */
#include "loop.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT 65536
#define LINE_MAX_SIZE 8192
#define PREFIX "OK..."
#define PREFIX_SIZE (sizeof PREFIX - 1)

struct connection {
    char *part; /* the beginning of a line; NULL = none */
    char *left; /* answers not yet taken; NULL = none */
    uint32_t part_size;
    uint32_t start, size; /* of what is left */
    bool ended;
};

static struct connection *connections; /* by descriptor */
static char input[LINE_MAX_SIZE + INPUT];
static char output[(PREFIX_SIZE + 1) * sizeof input]; /* the most that lines of one byte make of it */

static void end(int fd) {
    struct connection *connection = &connections[fd];
    free(connection->part);
    free(connection->left);
    *connection = (struct connection){0};
    close(fd);
}

/* A copy of SIZE bytes in *RET. */
static bool keep(char **ret, const char *data, size_t size) {
    *ret = malloc(size);
    if (*ret)
        memcpy(*ret, data, size);
    return *ret != NULL;
}

static bool answer(int fd, size_t size) {
    struct connection *connection = &connections[fd];
    ssize_t n = send(fd, output, size, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        return false;
    size_t sent = n < 0 ? 0 : (size_t)n;
    if (sent == size)
        return true;
    connection->start = 0;
    connection->size = (uint32_t)(size - sent);
    return keep(&connection->left, output + sent, size - sent);
}

static bool flush(int fd) {
    struct connection *connection = &connections[fd];
    while (connection->start < connection->size) {
        ssize_t n = send(fd, connection->left + connection->start, connection->size - connection->start, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        connection->start += (uint32_t)n;
    }
    free(connection->left);
    connection->left = NULL;
    return true;
}

/* Answers the lines in the first SIZE bytes of the input and keeps the beginning of the last. */
static bool answer_lines(int fd, size_t size) {
    const char *at = input, *stop = input + size, *newline;
    char *out = output;
    while ((newline = memchr(at, '\n', (size_t)(stop - at)))) {
        size_t line = (size_t)(newline + 1 - at);
        out = mempcpy(mempcpy(out, PREFIX, PREFIX_SIZE), at, line);
        at += line;
    }
    struct connection *connection = &connections[fd];
    connection->part_size = (uint32_t)(stop - at);
    if (connection->part_size > LINE_MAX_SIZE || (at < stop && !keep(&connection->part, at, (size_t)(stop - at))))
        return false;
    return out == output || answer(fd, (size_t)(out - output));
}

/* What the connection had kept of a line, at the beginning of the input; its size. */
static size_t take_part(struct connection *connection) {
    size_t size = connection->part ? connection->part_size : 0;
    if (size)
        memcpy(input, connection->part, size);
    free(connection->part);
    connection->part = NULL;
    return size;
}

/* One read and its answers. True: there may be more. */
static bool read_once(int fd) {
    struct connection *connection = &connections[fd];
    size_t before = take_part(connection);
    ssize_t n = recv(fd, input + before, INPUT, 0);
    bool later = n < 0 && errno == EAGAIN;
    if (later && (!before || keep(&connection->part, input, before)))
        return false;
    if (n <= 0 || !answer_lines(fd, before + (size_t)n)) {
        end(fd);
        return false;
    }
    return !connection->left && (n == INPUT || connection->ended);
}

static void serve(int fd, uint32_t events) {
    struct connection *connection = &connections[fd];
    if (events & LOOP_ENDED)
        connection->ended = true;
    if (connection->left && !flush(fd)) {
        end(fd);
        return;
    }
    while (!connection->left && read_once(fd))
        ;
}

int main(void) {
    connections = calloc(bench_raise_files(), sizeof *connections);
    if (!connections)
        bench_die("memory");
    loop_run(serve);
}

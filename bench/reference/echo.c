/* SPDX-License-Identifier: MIT */
/*
 * The echo server to be measured against: an edge-triggered state machine by hand, on libc alone.
 *
 *  1. A connection is registered once; no system call is spent on asking for readiness again.
 *  2. One large buffer serves all: what is read is written at once. Only what the kernel does not take is kept, in memory of
 *     the connection's own, and nothing more is read from it before that has gone.
 *  3. A read that did not fill the buffer emptied the socket, so the read that would say EAGAIN is saved; unless the end is
 *     near, which comes without a further edge and is therefore remembered.
 *
 * usage: echo [BUFFER]    bytes of the shared buffer, 131072 unless given
 */
#include "loop.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    char *left;           /* what the kernel did not take yet; NULL = nothing */
    uint32_t start, size; /* of it: already taken, and in all */
};

static struct connection *connections; /* by descriptor */
static bool *ended;
static char *shared;
static size_t shared_size;

static void end(int fd) {
    free(connections[fd].left);
    connections[fd].left = NULL;
    ended[fd] = false;
    close(fd);
}

/* Keeps SIZE bytes for later. */
static bool keep(struct connection *connection, const char *data, size_t size) {
    connection->left = malloc(size);
    if (!connection->left)
        return false;
    memcpy(connection->left, data, size);
    connection->start = 0;
    connection->size = (uint32_t)size;
    return true;
}

/* Writes what has just been read; false: the connection is broken. */
static bool answer(int fd, const char *data, size_t size) {
    size_t sent = 0;
    while (sent < size) {
        ssize_t n = send(fd, data + sent, size - sent, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN && keep(&connections[fd], data + sent, size - sent);
        sent += (size_t)n;
    }
    return true;
}

/* Writes what was kept; false: the connection is broken. */
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

static void serve(int fd, uint32_t events) {
    struct connection *connection = &connections[fd];
    if (events & LOOP_ENDED)
        ended[fd] = true;
    if (connection->left && !flush(fd)) {
        end(fd);
        return;
    }
    while (!connection->left) {
        ssize_t n = recv(fd, shared, shared_size, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0 || !answer(fd, shared, (size_t)n)) {
            end(fd);
            return;
        }
        if ((size_t)n < shared_size && !ended[fd])
            return;
    }
}

int main(int argc, char **argv) {
    size_t files = bench_raise_files();
    shared_size = (size_t)bench_number(argc, argv, 1, 131072);
    shared = malloc(shared_size);
    connections = calloc(files, sizeof *connections);
    ended = calloc(files, sizeof *ended);
    if (!shared || !connections || !ended)
        bench_die("memory");
    loop_run(serve);
}

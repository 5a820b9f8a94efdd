/* SPDX-License-Identifier: MIT */
#include "tubes.h"

#include <fcntl.h>
#include <pty.h>
#include <unistd.h>

struct tube new_pipe(void) {
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    return (struct tube){.in = fds[0], .out = fds[1]};
}

struct tube new_sockets(void) {
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    return (struct tube){.in = fds[0], .out = fds[1]};
}

struct tube new_terminal(void) {
    int master, slave;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    return (struct tube){.in = slave, .out = master};
}

void close_tube(struct tube tube) {
    close(tube.in);
    close(tube.out);
}

void type(int fd, const char *text) {
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

hawser_file *open_fd(int fd, const char *mode, double timeout) {
    hawser_file *file = hawser_file_from_fd(fd, mode);
    assert_non_null(file);
    assert_works(hawser_file_settimeout(file, timeout));
    return file;
}

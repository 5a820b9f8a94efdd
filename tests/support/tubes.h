/* SPDX-License-Identifier: MIT */
/* Foreign descriptors in pairs: what is written to one end can be read from the other. All of them block. */
#ifndef TESTS_TUBES_H
#define TESTS_TUBES_H

#include "files.h"

struct tube {
    int in, out; /* read from, write to */
};

struct tube new_pipe(void);
struct tube new_sockets(void);
/* IN is the program's end, where lines are edited; OUT is the keyboard and the screen. */
struct tube new_terminal(void);
void close_tube(struct tube tube);

/* Writes TEXT in one piece. */
void type(int fd, const char *text);

/* A file on FD with that timeout. */
hawser_file *open_fd(int fd, const char *mode, double timeout);

#endif

/* SPDX-License-Identifier: MIT */
/* What the tests of files share: lines, and the plain end of a wire. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include "support.h"

/* The next line of FILE is TEXT (its first SIZE bytes, where it has NULs); "" = the end. */
#define assert_line(file, text) check_line((file), (text), strlen(text), __FILE__, __LINE__)
#define assert_line_bytes(file, text, size) check_line((file), (text), (size), __FILE__, __LINE__)

/* What arrives at the descriptor FD is TEXT, and nothing more yet. It is read. */
#define assert_arrives(fd, text) check_arrives((fd), (text), strlen(text), __FILE__, __LINE__)
#define assert_arrives_bytes(fd, text, size) check_arrives((fd), (text), (size), __FILE__, __LINE__)

/* Bytes at a descriptor that nobody read. */
int unread(int fd);

/* Writes TEXT at the far end. */
void give(wire w, const char *text);
void give_bytes(wire w, const void *data, size_t size);
/* Closes the far end. */
void end_input(wire *w);
/* Waits until the library's end has input. Loopback delivers soon, which is not the same as before the next call. */
void await_input(wire w);

/* Bytes in which a shift, a loss or a repetition shows. */
void fill_pattern(char *data, size_t size);

/* A file that has to be there. */
hawser_file *open_file(wire w, const char *mode);
/* Closes it, which has to work, and the wire. */
void done(hawser_file *file, wire w);

void check_line(hawser_file *file, const char *text, size_t size, const char *source, int line);
void check_arrives(int fd, const char *text, size_t size, const char *source, int line);

#endif

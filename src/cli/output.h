/* SPDX-License-Identifier: MIT */
/*
 * Standard output and error, byte for byte: no buffer, no allocation, no change of their flags. A descriptor that somebody else
 * made non-blocking is waited for.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stddef.h>

/* Writes all SIZE bytes. 0, or -1 with errno. */
int output_all(int fd, const void *data, size_t size);

/* Opens /dev/null in the place of standard streams that are closed, so that no socket is taken for one of them. Writing to a
 * closed standard output fails, as it should. */
void output_prepare(void);

/* Closes standard output: 0, or why something written to it is lost. */
int output_close(void);

#endif

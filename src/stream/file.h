/* SPDX-License-Identifier: MIT */
/*
 * The inside of a hawser_file.
 *
 *  1. The reading half (in, piece, tie_failed) is touched by the task that reads, the writing half (out) by the one that
 *     writes; nothing else changes after the file is made, except by hawser_file_setbuf and hawser_file_tie.
 *  2. Bytes leave `in` only when a call hands them out and says so by its result or in hawser_moved(). Bytes leave `out` only
 *     when the source has taken them.
 *  3. The end of the stream is not remembered: the source is asked again, since a terminal may go on after its end.
 */
#ifndef HAWSER__FILE_H
#define HAWSER__FILE_H

#include "base/buffer.h"
#include "stream/source.h"

#include <hawser/file.h>

/* The maximum of a buffer until it is set, and the longest line of an unbuffered file. */
#define HAWSER__FILE_MAX 65536
/* What is asked of the source first, and again when less comes. */
#define HAWSER__FILE_PIECE HAWSER__BUFFER_KEPT

struct hawser_file {
    struct hawser__source source;
    bool readable, writable;
    size_t max;                    /* bytes taken ahead or held back; 0 = unbuffered */
    size_t piece;                  /* bytes asked of the source at a time: grows while they all come */
    struct hawser__buffer in, out; /* each may hold one byte more than max: see file_read.c and file_write.c */
    hawser_file *tied;             /* flushed before this one waits */
    bool tie_failed;               /* the last failure to read was one to flush `tied` */
};

/* The file for sentences; ADDR may hold the text. */
const char *hawser__file_name(hawser_file *file, hawser_addr *addr);

/* Fails the public call for a file that was not opened for it; VERB is "read from" or "write to". */
int hawser__file_refuse(hawser_file *file, const char *verb);

/* Sends what is buffered, by the earlier of DEADLINE and the file's own. 0 or a negative code; *MOVED is what went out. */
int hawser__file_flush(hawser_file *file, hawser__deadline deadline, size_t *moved);

/* Fails the public call that was to write to FILE. */
int hawser__file_fail_write(hawser_file *file, int code, size_t moved);

#endif

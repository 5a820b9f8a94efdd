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
#include "base/error.h"
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
    bool line_too_long;            /* a line was, once */
    hawser__task *gatherer;        /* whose writes are held back until it waits; NULL = it flushes when it is full */
    struct hawser__held held;      /* in that task's list when `listed` */
    bool listed;
    int failed;                    /* what sending behind the writer's back failed with, still to be told */
    size_t unsent;                 /* how many bytes that concerned */
};

/* A file in memory of the caller's, around a source that the caller opens. MAX is that of both buffers. */
void hawser__file_init(hawser_file *file, bool readable, bool writable, size_t max);
/* The end of that: the buffers are freed, nothing is flushed or closed. */
void hawser__file_done(hawser_file *file);

/* Gives an empty BUFFER of a file the memory that a dialogue needs, which it had not: 0 or -ENOMEM. */
int hawser__file_equip(struct hawser__buffer *buffer);
/* Takes an empty buffer's memory away: nobody needs it while the task waits. */
void hawser__file_rest(struct hawser__buffer *buffer);

/* From now on the calling task's writes to FILE go out when it waits: see request.h. */
void hawser__file_gather(hawser_file *file);

/* 0; -1: FILE is not for reading, or there is an earlier failure to tell, which this call does. The same for writing. */
HAWSER__COLD int hawser__file_refuse_read(hawser_file *file);
HAWSER__COLD int hawser__file_refuse_write(hawser_file *file);
static inline bool hawser__file_is_readable(const hawser_file *file) {
    return file->readable && !(file->tied && file->tied->failed);
}
static inline int hawser__file_may_read(hawser_file *file) {
    return hawser__file_is_readable(file) ? 0 : hawser__file_refuse_read(file);
}
static inline int hawser__file_may_write(hawser_file *file) {
    return file->writable && !file->failed ? 0 : hawser__file_refuse_write(file);
}

/* Something was held back: in a file that gathers, the task is made to send it in time. 0 or a negative code (another task's
 * write goes out at once). */
int hawser__file_enlist(hawser_file *file);
static inline int hawser__file_list(hawser_file *file) {
    return file->gatherer && !file->listed ? hawser__file_enlist(file) : 0;
}
void hawser__file_unlist(hawser_file *file);

/* The file for sentences; ADDR may hold the text. */
const char *hawser__file_name(hawser_file *file, hawser_addr *addr);

/* Fails the public call for a file that was not opened for it; VERB is "read from" or "write to". */
int hawser__file_refuse(hawser_file *file, const char *verb);

/* Sends what is buffered, by the earlier of DEADLINE and the file's own. 0 or a negative code; *MOVED is what went out. */
int hawser__file_flush(hawser_file *file, hawser__deadline deadline, size_t *moved);

/* Fails the public call that was to write to FILE. */
int hawser__file_fail_write(hawser_file *file, int code, size_t moved);

#endif

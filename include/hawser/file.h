/* SPDX-License-Identifier: MIT */
/*
 * Files: buffered reading and writing, line by line or byte by byte, on a socket or a foreign descriptor.
 *
 * Each direction has a buffer of its own that grows when needed, up to a maximum (64 KiB unless set). One task reads and one
 * writes; tasks do not share a direction. Reads and writes wait like those of io.h, within the socket's timeout.
 *
 * Nothing is lost by a failure: what a timed-out or interrupted read had received stays in the buffer, and the next call
 * goes on from there; what a failed flush could not send stays too.
 * Python: the object that sock.makefile returns. (Python refuses to read on after one timeout, and loses input when one file
 * both reads and writes; here both work.)
 */
#ifndef HAWSER_FILE_H
#define HAWSER_FILE_H

#include <hawser/sock.h>

HAWSER_BEGIN

typedef struct hawser_file hawser_file;

/* A file on SOCK. MODE: "r", "w" or "rw", a "b" is accepted and means nothing. The connection ends when the socket and all its
 * files are closed. Without a socket (NULL) there is no file, and the failure of the call that gave none is left as it is, so
 * that calls can be nested. NULL with EINVAL (mode), EBADF, EOPNOTSUPP (a listener on two addresses), ENOMEM.
 * Python: sock.makefile. */
hawser_file *hawser_makefile(hawser_sock *sock, const char *mode);

/* A file on FD: terminal, pipe, device, regular file, or a socket of somebody else. Its flags stay as they are (reads wait for
 * readiness first), and closing the file leaves FD open: whoever opened it closes it. NULL with EBADF, EINVAL, ENOMEM. */
hawser_file *hawser_file_from_fd(int fd, const char *mode);

/* Bounds each read and flush of a file on a foreign descriptor, as hawser_settimeout does for a socket's (which such a file
 * follows: EINVAL). */
int hawser_file_settimeout(hawser_file *file, double seconds);

/* The maximum of each buffer, in bytes; also the longest line. 0 = unbuffered: writes go out at once, reads take no more from
 * the socket than they return (slow for lines, which may still have 64 KiB). EBUSY when more than that is waiting in a buffer.
 * Python: makefile's buffering. */
int hawser_file_setbuf(hawser_file *file, size_t size);

/* Whenever R must wait for input, W is flushed first: prompts and replies go out before the answer is awaited. W must
 * outlive R or be untied with NULL; the task that reads R is then the one that may write W. */
void hawser_file_tie(hawser_file *r, hawser_file *w);

/* Reads SIZE bytes, fewer only at the end of the stream; 0 at the end. -1 on failure: hawser_moved() bytes are in BUF and
 * consumed, which is 0 whenever SIZE fits the buffer (the rest waits there). Python: file.read(n), file.readinto. */
ssize_t hawser_read(hawser_file *file, void *buf, size_t size);

/* Reads what is there, at least one byte and at most SIZE; waits only when nothing is buffered. Python: file.read1. */
ssize_t hawser_read1(hawser_file *file, void *buf, size_t size);

/* Reads exactly SIZE bytes: SIZE; 0 when the stream ended before the first; -1 with HAWSER_EEOF in the middle (hawser_moved()
 * bytes are in BUF), or as hawser_read. */
ssize_t hawser_read_exactly(hawser_file *file, void *buf, size_t size);

/* Reads a line up to and including "\n" (a "\r" before it is kept) into BUF, always NUL-terminated. Returns the count
 * without that NUL (a line may contain NULs of its own), 0 at the end; a last line without "\n" comes as it is. A line of
 * more than SIZE - 1 bytes, or longer than the buffer's maximum, is -1 with HAWSER_ETOOLONG and nothing is consumed:
 * hawser_read or hawser_skip_line goes on. SIZE 0 is EINVAL. The bytes of BUF behind the NUL mean nothing.
 * Python: file.readline. */
ssize_t hawser_readline(hawser_file *file, char *buf, size_t size);

/* Drops input up to and including the next "\n". The bytes dropped, 0 at the end; -1 on failure, hawser_moved() dropped. */
ssize_t hawser_skip_line(hawser_file *file);

/* The bytes in the read buffer: what can be read without waiting. */
size_t hawser_buffered(const hawser_file *file);

/* Writes SIZE bytes: into the buffer, and on when it is full. SIZE; -1 when sending failed: hawser_moved() bytes of this call
 * were taken, the rest was not. Python: file.write. */
ssize_t hawser_write(hawser_file *file, const void *data, size_t size);
/* Writes TEXT up to its NUL. The count or -1. */
ssize_t hawser_puts(hawser_file *file, const char *text);
/* Writes formatted text. The count or -1 (ENOMEM, EOVERFLOW, or as hawser_write). Python: file.write(f"...").*/
ssize_t hawser_printf(hawser_file *file, const char *format, ...) HAWSER_FORMAT(2, 3);
ssize_t hawser_vprintf(hawser_file *file, const char *format, va_list args) HAWSER_FORMAT(2, 0);

/* Sends what is buffered. 0; -1: hawser_moved() bytes went out, the rest stays. Python: file.flush. */
int hawser_flush(hawser_file *file);

/* Flushes, closes and frees; NULL is fine. 0; -1 when the flush failed (closed all the same, the rest is lost: flush first
 * where that matters). Python: file.close. */
int hawser_file_close(hawser_file *file);

HAWSER_END

#endif

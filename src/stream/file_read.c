/* SPDX-License-Identifier: MIT */
/*
 * Reading. Whatever comes from the source while a call waits is kept in `in`, so a call that fails can be made again; only
 * requests larger than the buffer go straight into the caller's memory, and they say in hawser_moved() how much is there.
 *
 * Whether the longest line that is allowed ends the stream or is too long shows in the byte after it, or in there being none:
 * the one byte of `in` beyond the file's maximum is for that.
 */
#include "stream/file.h"

#include "base/bytes.h"
#include "base/error.h"
#include "sched/lend.h"

#include <string.h>

/* From here on the memory is kept instead of copied. */
#define MUCH (HAWSER__LOAN / 4)
/* Up to here a line is looked for while it is copied. */
#define SHORT_LINE 64

static int fail_read(hawser_file *file, int code, size_t moved) {
    hawser_addr addr;
    bool tie_failed = file->tie_failed;
    file->tie_failed = false;
    if (tie_failed)
        return hawser__file_fail_write(file->tied, code, moved);
    return hawser__fail_moved(code, moved, "read from %s", hawser__file_name(file, &addr));
}

static hawser__deadline deadline_of(hawser_file *file) {
    return file->source.ops->deadline(&file->source);
}

/* One read from the source, the tied file flushed before it. Looking for input first would now and then save a flush, and cost
 * a system call before each wait.
 * When the flush fails, what came already is still read: a peer that says why it hangs up makes the next write fail, too. Only
 * where the read would wait for the answer to something that never went out does it fail with the flush's failure. */
static ssize_t take_into(hawser_file *file, void **memory, size_t size, hawser__deadline deadline) {
    size_t moved = 0;
    int flushed = file->tied ? hawser__file_flush(file->tied, deadline, &moved) : 0;
    if (flushed < 0)
        deadline = HAWSER__NOW;
    else if (file->tied)
        hawser__file_rest(&file->tied->out);
    ssize_t n = *memory ? file->source.ops->read(&file->source, *memory, size, deadline)
                        : file->source.ops->lend(&file->source, memory, size, deadline);
    if (flushed == 0 || n != -EAGAIN)
        return n;
    file->tie_failed = true;
    return flushed;
}

static ssize_t take(hawser_file *file, void *buf, size_t size, hawser__deadline deadline) {
    return take_into(file, &buf, size, deadline);
}

/* The next read asks for twice as much while all that was asked for comes: bulk input then costs few calls, and a dialogue
 * little memory. */
static void tune(hawser_file *file, size_t asked, size_t came) {
    if (came < asked)
        file->piece = file->max < HAWSER__FILE_PIECE ? file->max : HAWSER__FILE_PIECE;
    else if (came >= file->piece)
        file->piece = file->piece < file->max / 2 ? 2 * file->piece : file->max;
}

/* What was lent becomes the content of the buffer, which has no memory: much of it with the memory that it is in, which spares
 * the copy; as does little when there is no memory to copy it to, so that nothing is lost. */
static void keep(struct hawser__buffer *in, void *lent, size_t size) {
    if (size >= MUCH || (size <= HAWSER__PIECE && hawser__file_equip(in) < 0) || hawser__buffer_append(in, lent, size) < 0)
        hawser__buffer_adopt(in, hawser__lend_keep(), HAWSER__LOAN, size);
}

/* As fill, for an empty buffer, which has no memory while the task waits. */
static ssize_t fill_empty(hawser_file *file, size_t goal, hawser__deadline deadline) {
    void *lent = NULL;
    hawser__file_rest(&file->in);
    ssize_t n = take_into(file, &lent, file->max > goal ? file->max : goal, deadline);
    if (n > 0)
        keep(&file->in, lent, (size_t)n);
    return n;
}

/* One read into the buffer, towards GOAL bytes in it, which is more than it has. Takes ahead what else is there, unless the
 * file is unbuffered. The count, 0 at the end. */
static ssize_t fill(hawser_file *file, size_t goal, hawser__deadline deadline) {
    struct hawser__buffer *in = &file->in;
    if (hawser__buffer_used(in) == 0 && file->source.ops->lend)
        return fill_empty(file, goal, deadline);
    size_t wanted = goal < file->piece ? file->piece : goal;
    int result = hawser__buffer_reserve(in, wanted - hawser__buffer_used(in));
    if (result < 0)
        return result;
    size_t most = file->max > goal ? file->max : goal;
    size_t asked = hawser__buffer_room(in);
    if (asked > most - hawser__buffer_used(in))
        asked = most - hawser__buffer_used(in);
    ssize_t n = take(file, hawser__buffer_end(in), asked, deadline);
    if (n > 0) {
        hawser__buffer_commit(in, (size_t)n);
        tune(file, asked, (size_t)n);
    }
    return n;
}

/* Moves at most SIZE bytes from the buffer to the caller. */
static size_t hand_out(hawser_file *file, void *buf, size_t size) {
    size_t n = size < hawser__buffer_used(&file->in) ? size : hawser__buffer_used(&file->in);
    if (n > 0)
        memcpy(buf, hawser__buffer_data(&file->in), n);
    hawser__buffer_consume(&file->in, n);
    return n;
}

/* All or nothing, by way of the buffer. As read_up_to. */
static int read_gathered(hawser_file *file, char *buf, size_t size, size_t *moved) {
    hawser__deadline deadline = deadline_of(file);
    while (hawser__buffer_used(&file->in) < size) {
        ssize_t n = fill(file, size, deadline);
        if (n < 0)
            return (int)n;
        if (n == 0)
            break;
    }
    *moved = hand_out(file, buf, size);
    return 0;
}

/* What is buffered, then straight into the caller's memory. As read_up_to. */
static int read_straight(hawser_file *file, char *buf, size_t size, size_t *moved) {
    hawser__deadline deadline = deadline_of(file);
    *moved = hand_out(file, buf, size);
    while (*moved < size) {
        ssize_t n = take(file, buf + *moved, size - *moved, deadline);
        if (n <= 0)
            return (int)n;
        *moved += (size_t)n;
    }
    return 0;
}

/* SIZE bytes, fewer only at the end. 0 or a negative code; *MOVED bytes are in BUF and consumed. */
static int read_up_to(hawser_file *file, char *buf, size_t size, size_t *moved) {
    if (size <= hawser__buffer_used(&file->in)) {
        *moved = hand_out(file, buf, size);
        return 0;
    }
    return size <= file->max ? read_gathered(file, buf, size, moved) : read_straight(file, buf, size, moved);
}

ssize_t hawser_read(hawser_file *file, void *buf, size_t size) {
    size_t moved = 0;
    if (hawser__file_may_read(file) < 0)
        return -1;
    int result = read_up_to(file, buf, size, &moved);
    return result < 0 ? fail_read(file, result, moved) : (ssize_t)moved;
}

ssize_t hawser_read_exactly(hawser_file *file, void *buf, size_t size) {
    size_t moved = 0;
    if (hawser__file_may_read(file) < 0)
        return -1;
    int result = read_up_to(file, buf, size, &moved);
    if (result == 0 && moved > 0 && moved < size)
        result = -HAWSER_EEOF;
    return result < 0 ? fail_read(file, result, moved) : (ssize_t)moved;
}

/* Small requests go by way of the buffer, so that a program that reads byte by byte does not ask the source for each. */
ssize_t hawser_read1(hawser_file *file, void *buf, size_t size) {
    if (hawser__file_may_read(file) < 0)
        return -1;
    if (size == 0 || hawser__buffer_used(&file->in) > 0)
        return (ssize_t)hand_out(file, buf, size);
    hawser__deadline deadline = deadline_of(file);
    bool straight = size >= HAWSER__FILE_PIECE || size >= file->max;
    ssize_t n = straight ? take(file, buf, size, deadline) : fill(file, 1, deadline);
    if (n < 0)
        return fail_read(file, (int)n, 0);
    return straight ? n : (ssize_t)hand_out(file, buf, size);
}

/* The length of the line at the front of the buffer with its "\n", looking from byte SEEN on; 0 when more input has to say. */
static ssize_t line_length(const struct hawser__buffer *in, size_t limit, size_t seen) {
    const char *data = hawser__buffer_data(in);
    size_t end = hawser__buffer_used(in) < limit ? hawser__buffer_used(in) : limit;
    const char *newline = memchr(data + seen, '\n', end - seen);
    if (newline)
        return newline - data + 1;
    return hawser__buffer_used(in) > limit ? -HAWSER_ETOOLONG : 0;
}

/* The same, when the first look found none: waits for the line. At the end of the stream, what there is. */
static ssize_t await_line(hawser_file *file, size_t limit) {
    hawser__deadline deadline = deadline_of(file);
    ssize_t length = 0;
    while (length == 0) {
        size_t seen = hawser__buffer_used(&file->in);
        ssize_t n = fill(file, seen + 1, deadline);
        if (n < 0)
            return n;
        if (n == 0)
            return (ssize_t)seen;
        length = line_length(&file->in, limit, seen);
    }
    return length;
}

static ssize_t fail_line(hawser_file *file, int code, size_t limit) {
    hawser_addr addr;
    if (code != -HAWSER_ETOOLONG)
        return fail_read(file, code, 0);
    const char *name = hawser__file_name(file, &addr);
    file->line_too_long = true;
    return hawser__fail_sentence(code, "read a line from %s: it is longer than %zu bytes", name, limit);
}

/* Without room for the final NUL there is no way to give even an empty line. */
static ssize_t fail_no_room(hawser_file *file) {
    hawser_addr addr;
    return hawser__fail(EINVAL, "read a line from %s into 0 bytes", hawser__file_name(file, &addr));
}

static ssize_t hand_out_line(hawser_file *file, char *buf, size_t length) {
    memcpy(buf, hawser__buffer_data(&file->in), length);
    buf[length] = '\0';
    hawser__buffer_consume(&file->in, length);
    return (ssize_t)length;
}

static ssize_t wait_for_line(hawser_file *file, char *buf, size_t limit) {
    ssize_t length = await_line(file, limit);
    buf[0] = '\0';
    return length < 0 ? fail_line(file, (int)length, limit) : hand_out_line(file, buf, (size_t)length);
}

/* Out of line: most lines are there already. */
__attribute__((noinline)) static ssize_t readline_slowly(hawser_file *file, char *buf, size_t size) {
    if (hawser__file_may_read(file) < 0)
        return -1;
    if (size == 0)
        return fail_no_room(file);
    size_t longest = file->in.max - 1;
    size_t limit = size - 1 < longest ? size - 1 : longest;
    ssize_t length = line_length(&file->in, limit, 0);
    if (length > 0)
        return hand_out_line(file, buf, (size_t)length);
    if (length == 0)
        return wait_for_line(file, buf, limit);
    buf[0] = '\0';
    return fail_line(file, (int)length, limit);
}

ssize_t hawser_readline(hawser_file *file, char *buf, size_t size) {
    struct hawser__buffer *in = &file->in;
    size_t used = hawser__buffer_used(in), most = used < size ? used : size;
    if (most > SHORT_LINE)
        most = SHORT_LINE;
    bool there = most >= HAWSER__CHUNK && hawser__file_is_readable(file);
    size_t length = there ? hawser__copy_line(buf, in->memory + in->start, most) : 0;
    if (length == 0 || length == size || length >= in->max)
        return readline_slowly(file, buf, size);
    buf[length] = '\0';
    hawser__buffer_consume(in, length);
    return (ssize_t)length;
}

static int drop_line(hawser_file *file, size_t *dropped) {
    hawser__deadline deadline = deadline_of(file);
    for (;;) {
        ssize_t length = line_length(&file->in, hawser__buffer_used(&file->in), 0);
        size_t n = length > 0 ? (size_t)length : hawser__buffer_used(&file->in);
        hawser__buffer_consume(&file->in, n);
        *dropped += n;
        if (length > 0)
            return 0;
        ssize_t came = fill(file, 1, deadline);
        if (came <= 0)
            return (int)came;
    }
}

ssize_t hawser_skip_line(hawser_file *file) {
    size_t dropped = 0;
    if (hawser__file_may_read(file) < 0)
        return -1;
    int result = drop_line(file, &dropped);
    return result < 0 ? fail_read(file, result, dropped) : (ssize_t)dropped;
}

size_t hawser_buffered(const hawser_file *file) {
    return hawser__buffer_used(&file->in);
}

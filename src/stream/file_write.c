/* SPDX-License-Identifier: MIT */
/*
 * Writing. What fits is held back in `out`; what does not fit sends that first. A call with more than a whole buffer goes
 * straight to the source, so that bytes are copied at most once.
 *
 * Memory is a convenience here: when the buffer cannot grow, the bytes go straight out as well.
 */
#include "stream/file.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "stream/format.h"

#include <stdio.h>
#include <string.h>

/* Counts up to 1 GiB are safe to ask of every system. */
#define MOST_AT_ONCE ((size_t)1 << 30)

int hawser__file_fail_write(hawser_file *file, int code, size_t moved) {
    hawser_addr addr;
    return hawser__fail_moved(code, moved, "write to %s", hawser__file_name(file, &addr));
}

static ssize_t put_some(hawser_file *file, const char *data, size_t size, hawser__deadline deadline) {
    return file->source.ops->write(&file->source, data, size < MOST_AT_ONCE ? size : MOST_AT_ONCE, deadline);
}

static int send_all(hawser_file *file, hawser__deadline deadline, size_t *moved) {
    struct hawser__buffer *out = &file->out;
    hawser__deadline own = file->source.ops->deadline(&file->source);
    if (own < deadline)
        deadline = own;
    while (hawser__buffer_used(out) > 0) {
        ssize_t n = put_some(file, hawser__buffer_data(out), hawser__buffer_used(out), deadline);
        if (n < 0)
            return (int)n;
        hawser__buffer_consume(out, (size_t)n);
        *moved += (size_t)n;
    }
    return 0;
}

/* A wait in here has nothing to send, and once it is all gone nobody holds the file: others may write to it. */
int hawser__file_flush(hawser_file *file, hawser__deadline deadline, size_t *moved) {
    bool mine = file->listed && file->gatherer == hawser__task_current();
    if (mine)
        hawser__file_unlist(file);
    int result = hawser__buffer_used(&file->out) > 0 ? send_all(file, deadline, moved) : 0;
    if (mine && result < 0 && hawser__buffer_used(&file->out) > 0)
        (void)hawser__file_list(file);
    return result;
}

/* 0 when the bytes are held back, else why not. */
static int hold_back(hawser_file *file, const void *data, size_t size) {
    return size > file->max - hawser__buffer_used(&file->out) ? -ENOBUFS : hawser__buffer_append(&file->out, data, size);
}

/* Everything that does not fit the buffer as it is. *MOVED counts the bytes of DATA that were taken. */
static int put_through(hawser_file *file, const char *data, size_t size, size_t *moved) {
    hawser__deadline deadline = file->source.ops->deadline(&file->source);
    size_t earlier = 0;
    int flushed = hawser__file_flush(file, deadline, &earlier);
    if (flushed < 0)
        return flushed;
    if (earlier > 0 && hold_back(file, data, size) == 0) {
        *moved = size;
        return 0;
    }
    while (*moved < size) {
        ssize_t n = put_some(file, data + *moved, size - *moved, deadline);
        if (n < 0)
            return (int)n;
        *moved += (size_t)n;
    }
    return 0;
}

/* Lets what fits be added to `out` without a further question, until that is sent: the file is for writing, owes no failure,
 * and will be sent in time. True: there is more room than before. */
__attribute__((noinline)) static bool make_ready(hawser_file *file) {
    struct hawser__buffer *out = &file->out;
    size_t before = out->ready;
    if (!file->writable || file->failed || file->max == 0 ||
        (file->gatherer && file->gatherer != hawser__task_current()) ||
        (!out->memory && hawser__file_equip(out) < 0))
        return false;
    (void)hawser__file_list(file);   /* the gatherer's own: it cannot fail */
    size_t most = out->start + file->max;
    out->ready = most < out->capacity ? most : out->capacity;
    return out->ready > before;
}

__attribute__((noinline)) static ssize_t write_all(hawser_file *file, const void *data, size_t size) {
    size_t moved = 0;
    if (hawser__file_may_write(file) < 0)
        return -1;
    bool held = hold_back(file, data, size) == 0;
    int result = held ? 0 : put_through(file, data, size, &moved);
    if (held)
        moved = size;
    if (result == 0 && hawser__buffer_used(&file->out) > 0)
        result = hawser__file_list(file);
    if (held && result == 0 && size > 0)
        (void)make_ready(file);
    return result < 0 ? hawser__file_fail_write(file, result, moved) : (ssize_t)size;
}

static bool can_be_ready(hawser_file *file, size_t size) {
    return file->out.memory && make_ready(file) && hawser__buffer_is_ready(&file->out, size);
}

ssize_t hawser_write(hawser_file *file, const void *data, size_t size) {
    struct hawser__buffer *out = &file->out;
    if (size == 0 || (!hawser__buffer_is_ready(out, size) && !can_be_ready(file, size)))
        return write_all(file, data, size);
    hawser__copy_few(out->memory + out->stop, data, size);
    hawser__buffer_commit(out, size);
    return (ssize_t)size;
}

ssize_t hawser_puts(hawser_file *file, const char *text) {
    return hawser_write(file, text, strlen(text));
}

int hawser_flush(hawser_file *file) {
    size_t moved = 0;
    if (file->failed && hawser__file_may_write(file) < 0)
        return -1;
    int result = hawser__file_flush(file, HAWSER__NEVER, &moved);
    return result < 0 ? hawser__file_fail_write(file, result, moved) : 0;
}

/* Formats into the room that the buffer has. The length of the whole text, which is in the buffer only if it fits; or a
 * negative code. The room for the final NUL is the one byte that the buffer has beyond the file's maximum. errno is kept, for
 * a "%m" that is formatted a second time. */
static int print_in_place(hawser_file *file, const char *format, va_list args) {
    struct hawser__buffer *out = &file->out;
    size_t room = file->max + 1 - hawser__buffer_used(out);
    if (room > hawser__buffer_room(out))
        room = hawser__buffer_room(out);
    int saved = errno;
    int length = vsnprintf(hawser__buffer_end(out), room, format, args);
    int code = errno;
    errno = saved;
    if (length >= 0 && (size_t)length < room)
        hawser__buffer_commit(out, (size_t)length);
    return length < 0 ? -code : length;
}

/* Formats into memory of its own: for text longer than the buffer may get. */
static int print_apart(hawser_file *file, size_t length, const char *format, va_list args, size_t *moved) {
    char *text = hawser__alloc(length + 1);
    if (!text)
        return -ENOMEM;
    vsnprintf(text, length + 1, format, args);
    int result = put_through(file, text, length, moved);
    hawser__free(text);
    return result;
}

/* Makes room for LENGTH bytes, by growing or by sending what is there, and formats again. */
static int print_again(hawser_file *file, size_t length, const char *format, va_list args, size_t *moved) {
    size_t earlier = 0;
    if (length > file->max)
        return print_apart(file, length, format, args, moved);
    int result = 0;
    if (length > file->max - hawser__buffer_used(&file->out))
        result = hawser__file_flush(file, HAWSER__NEVER, &earlier);
    if (result == 0)
        result = hawser__buffer_reserve(&file->out, length + 1);
    return result < 0 ? result : print_in_place(file, format, args);
}

/* What any libc can print. */
__attribute__((noinline)) static ssize_t print_all(hawser_file *file, const char *format, va_list args) {
    va_list again;
    size_t moved = 0;
    if (hawser__file_may_write(file) < 0)
        return -1;
    if (file->max > 0 && !file->out.memory)
        (void)hawser__file_equip(&file->out); /* a failure only costs a second pass */
    va_copy(again, args);
    size_t held = hawser__buffer_used(&file->out);
    int length = print_in_place(file, format, args);
    int result = length;
    if (length > 0 && hawser__buffer_used(&file->out) == held)
        result = print_again(file, (size_t)length, format, again, &moved);
    va_end(again);
    if (result > 0 && hawser__buffer_used(&file->out) > 0) {
        moved = (size_t)length;
        result = hawser__file_list(file);
    }
    return result < 0 ? hawser__file_fail_write(file, result, moved) : length;
}

/* What servers print, into room that is ready. -1: it has to be done in another way, from the start. */
__attribute__((always_inline)) static inline ssize_t print_ready(struct hawser__buffer *out, const char *format,
                                                                struct hawser__arguments *arguments) {
    if (!hawser__buffer_is_ready(out, 0))
        return -1;
    char *at = out->memory + out->stop, *end = hawser__format(at, out->memory + out->ready, format, arguments);
    if (!end)
        return -1;
    hawser__buffer_commit(out, (size_t)(end - at));
    return end - at;
}

__attribute__((noinline)) static ssize_t print_slowly(hawser_file *file, const char *format, va_list args) {
    struct hawser__arguments arguments;
    va_copy(arguments.list, args);
    ssize_t length = make_ready(file) ? print_ready(&file->out, format, &arguments) : -1;
    va_end(arguments.list);
    return length < 0 ? print_all(file, format, args) : length;
}

ssize_t hawser_vprintf(hawser_file *file, const char *format, va_list args) {
    struct hawser__arguments arguments;
    va_copy(arguments.list, args);
    ssize_t length = print_ready(&file->out, format, &arguments);
    va_end(arguments.list);
    return length < 0 ? print_slowly(file, format, args) : length;
}

ssize_t hawser_printf(hawser_file *file, const char *format, ...) {
    struct hawser__arguments arguments;
    va_start(arguments.list, format);
    ssize_t length = print_ready(&file->out, format, &arguments);
    va_end(arguments.list);
    if (length < 0) {
        va_start(arguments.list, format);
        length = print_slowly(file, format, arguments.list);
        va_end(arguments.list);
    }
    return length;
}

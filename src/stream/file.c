/* SPDX-License-Identifier: MIT */
/* Files: making, tuning and closing them. Reading is in file_read.c, writing in file_write.c. */
#include "stream/file.h"

#include "base/error.h"
#include "base/mem.h"
#include "net/handle.h"
#include "net/timeout.h"
#include "sched/lend.h"

#include <stdio.h>
#include <string.h>

/* The letters in any order, as in Python; each once, so that a mistyped mode does not pass. */
static bool parse_mode(const char *mode, bool *ret_readable, bool *ret_writable) {
    static const char letters[] = "rwb";
    bool seen[3] = {false};
    for (const char *at = mode; at && *at; at++) {
        const char *letter = strchr(letters, *at);
        if (!letter || seen[letter - letters])
            return false;
        seen[letter - letters] = true;
    }
    *ret_readable = seen[0];
    *ret_writable = seen[1];
    return seen[0] || seen[1];
}

/* An empty buffer is remade, so that no memory beyond the new maximum stays. */
static void set_max(struct hawser__buffer *buffer, size_t max) {
    if (hawser__buffer_used(buffer) == 0)
        hawser__buffer_done(buffer);
    buffer->max = max;
    buffer->ready = 0;
}

static void set_maxima(hawser_file *file, size_t max) {
    file->max = max;
    file->piece = max < HAWSER__FILE_PIECE ? max : HAWSER__FILE_PIECE;
    set_max(&file->in, (max ? max : HAWSER__FILE_MAX) + 1);
    set_max(&file->out, max + 1);
}

void hawser__file_init(hawser_file *file, bool readable, bool writable, size_t max) {
    file->readable = readable;
    file->writable = writable;
    file->in = file->out = (struct hawser__buffer){0};
    set_maxima(file, max);
    file->tied = NULL;
    file->tie_failed = file->line_too_long = file->listed = false;
    file->gatherer = NULL;
    file->failed = 0;
}

int hawser__file_equip(struct hawser__buffer *buffer) {
    if (buffer->max < HAWSER__PIECE)
        return hawser__buffer_reserve(buffer, 1);
    void *piece = hawser__piece_take();
    if (!piece)
        return -ENOMEM;
    hawser__buffer_adopt(buffer, piece, HAWSER__PIECE, 0);
    return 0;
}

void hawser__file_rest(struct hawser__buffer *buffer) {
    if (hawser__buffer_used(buffer) > 0 || !buffer->memory)
        return;
    bool is_piece = buffer->capacity == HAWSER__PIECE;
    void *memory = hawser__buffer_give_up(buffer);
    if (is_piece)
        hawser__piece_return(memory);
    else
        hawser__free(memory);
}

void hawser__file_done(hawser_file *file) {
    hawser__file_unlist(file);
    hawser__buffer_done(&file->in);
    hawser__buffer_done(&file->out);
}

/* A file without a source. */
static int new_file(const char *mode, hawser_file **ret) {
    bool readable, writable;
    if (!parse_mode(mode, &readable, &writable))
        return -EINVAL;
    hawser_file *file = hawser__zalloc(sizeof *file);
    if (!file)
        return -ENOMEM;
    hawser__file_init(file, readable, writable, HAWSER__FILE_MAX);
    *ret = file;
    return 0;
}

static hawser_file *no_file(hawser_file *half, int code, const char *mode, const char *where) {
    hawser__free(half);
    hawser__fail(code, "make a file with mode \"%s\" on %s", mode ? mode : "", where);
    return NULL;
}

hawser_file *hawser_makefile(hawser_sock *sock, const char *mode) {
    hawser_file *file = NULL;
    hawser_addr addr;
    if (!sock)
        return NULL;
    int result = new_file(mode, &file);
    if (result == 0)
        result = hawser__source_open_sock(&file->source, sock);
    return result < 0 ? no_file(file, result, mode, hawser__peer_text(sock, &addr)) : file;
}

hawser_file *hawser_file_from_fd(int fd, const char *mode) {
    hawser_file *file = NULL;
    char where[32];
    int result = new_file(mode, &file);
    if (result == 0)
        result = hawser__source_open_fd(&file->source, fd, file->readable, file->writable);
    snprintf(where, sizeof where, "descriptor %d", fd);
    return result < 0 ? no_file(file, result, mode, where) : file;
}

const char *hawser__file_name(hawser_file *file, hawser_addr *addr) {
    return file->source.ops->name(&file->source, addr);
}

int hawser_file_settimeout(hawser_file *file, double seconds) {
    hawser_addr addr;
    int64_t ns = hawser__timeout_checked(seconds);
    int result = ns < 0 ? (int)ns : file->source.ops->settimeout(&file->source, ns);
    if (result < 0)
        return hawser__fail(result, "set the timeout of a file on %s to %g s", hawser__file_name(file, &addr), seconds);
    return 0;
}

int hawser_file_setbuf(hawser_file *file, size_t size) {
    hawser_addr addr;
    bool holds_more = size < hawser__buffer_used(&file->in) || size < hawser__buffer_used(&file->out);
    int code = size >= PTRDIFF_MAX ? EINVAL : holds_more ? EBUSY : 0;
    if (code)
        return hawser__fail(code, "set the buffers of a file on %s to %zu bytes", hawser__file_name(file, &addr), size);
    set_maxima(file, size);
    return 0;
}

void hawser_file_tie(hawser_file *r, hawser_file *w) {
    r->tied = w;
}

int hawser__file_refuse(hawser_file *file, const char *verb) {
    hawser_addr addr;
    return hawser__fail_sentence(EBADF, "%s %s: the file was not opened for that", verb, hawser__file_name(file, &addr));
}

int hawser_file_close(hawser_file *file) {
    if (!file)
        return 0;
    size_t moved = 0;
    int result = hawser__file_flush(file, HAWSER__NEVER, &moved);
    if (result < 0)
        hawser__file_fail_write(file, result, moved);
    file->source.ops->close(&file->source);
    hawser__file_done(file);
    hawser__free(file);
    return result < 0 ? -1 : 0;
}

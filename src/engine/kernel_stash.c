/* SPDX-License-Identifier: MIT */
#include "engine/kernel_stash.h"

#include "base/mem.h"
#include "base/task.h"

#include <errno.h>
#include <string.h>

void hawser__stash_init(struct hawser__kernel_stash *stash) {
    stash->generation = hawser__fork_generation();
}

static char *buffer_of(struct hawser__kernel_piece *piece) {
    return (char *)piece - HAWSER__PIECE_ROOM;
}

/* The pieces of STASH, which has none any more. */
static struct hawser__kernel_piece *empty(struct hawser__kernel_stash *stash) {
    struct hawser__kernel_piece *all = stash->first;
    stash->first = stash->last = NULL;
    atomic_store(&stash->size, 0);
    atomic_store(&stash->error, 0);
    return all;
}

static void free_all(struct hawser__kernel_piece *piece) {
    while (piece) {
        struct hawser__kernel_piece *next = piece->next;
        hawser__free(buffer_of(piece));
        piece = next;
    }
}

static void end(struct hawser__kernel_stash *stash) {
    free_all(empty(stash));
    hawser__free(stash);
}

void hawser__stash_feed(struct hawser__kernel_stash *stash, bool feeds) {
    hawser__lock_take(&stash->lock);
    atomic_store(&stash->fed, feeds);
    bool last = !feeds && stash->forsaken;
    hawser__lock_drop(&stash->lock);
    if (last)
        end(stash);
}

/* The feeder frees it, if there is one, who is told to stop; `forsaken` comes last, for with that it may be gone. */
void hawser__stash_leave(struct hawser__kernel_stash *stash) {
    stash->forsake(stash);
    hawser__lock_take(&stash->lock);
    struct hawser__kernel_piece *left = empty(stash);
    bool last = !atomic_load(&stash->fed);
    stash->forsaken = true;
    hawser__lock_drop(&stash->lock);
    free_all(left);
    if (last)
        end(stash);
}

void hawser__stash_renew(struct hawser__kernel_stash *stash) {
    unsigned generation = hawser__fork_generation();
    if (stash->generation == generation)
        return;
    stash->generation = generation;
    stash->lock = (hawser__lock){0};
    atomic_store(&stash->fed, false);
}

void hawser__stash_add(struct hawser__kernel_stash *stash, void *buffer, size_t size) {
    struct hawser__kernel_piece *piece = (struct hawser__kernel_piece *)((char *)buffer + HAWSER__PIECE_ROOM);
    *piece = (struct hawser__kernel_piece){.size = (uint32_t)size};
    hawser__lock_take(&stash->lock);
    bool wanted = !stash->forsaken;
    if (wanted) {
        *(stash->last ? &stash->last->next : &stash->first) = piece;
        stash->last = piece;
        atomic_fetch_add(&stash->size, size);
    }
    hawser__lock_drop(&stash->lock);
    if (!wanted)
        hawser__free(buffer);
}

/* Takes COUNT bytes off the first piece, which is PIECE. True: nothing is left of it, and it is the caller's. */
static bool consume(struct hawser__kernel_stash *stash, struct hawser__kernel_piece *piece, size_t count) {
    atomic_fetch_sub(&stash->size, count);
    piece->start += (uint32_t)count;
    piece->size -= (uint32_t)count;
    if (piece->size > 0)
        return false;
    stash->first = piece->next;
    if (!stash->first)
        stash->last = NULL;
    return true;
}

/* The error that was kept for when there is nothing before it; -EAGAIN: none. */
static ssize_t take_error(struct hawser__kernel_stash *stash, int flags) {
    int error = flags & MSG_PEEK ? atomic_load(&stash->error) : atomic_exchange(&stash->error, 0);
    return error ? error : -EAGAIN;
}

static void scatter(const struct iovec *parts, size_t n, const char *from, size_t count) {
    for (size_t i = 0; i < n && count > 0; i++) {
        size_t some = parts[i].iov_len < count ? parts[i].iov_len : count;
        memcpy(parts[i].iov_base, from, some);
        from += some;
        count -= some;
    }
}

/* MSG_TRUNC drops the bytes of a TCP socket instead of copying them. */
static ssize_t recv_parts(struct hawser__kernel_stash *stash, const struct iovec *parts, size_t n, int flags) {
    struct hawser__kernel_piece *done = NULL;
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += parts[i].iov_len;
    hawser__lock_take(&stash->lock);
    struct hawser__kernel_piece *piece = stash->first;
    ssize_t result = piece ? 0 : take_error(stash, flags);
    if (piece) {
        count = count < piece->size ? count : piece->size;
        if (!(flags & MSG_TRUNC))
            scatter(parts, n, buffer_of(piece) + piece->start, count);
        if (!(flags & MSG_PEEK) && consume(stash, piece, count))
            done = piece;
        result = (ssize_t)count;
    }
    hawser__lock_drop(&stash->lock);
    if (done)
        hawser__free(buffer_of(done));
    return result;
}

ssize_t hawser__stash_recv(struct hawser__kernel_stash *stash, void *buf, size_t size, int flags) {
    struct iovec part = {.iov_base = buf, .iov_len = size};
    return recv_parts(stash, &part, 1, flags);
}

ssize_t hawser__stash_recvmsg(struct hawser__kernel_stash *stash, struct msghdr *msg, int flags) {
    ssize_t n = recv_parts(stash, msg->msg_iov, msg->msg_iovlen, flags);
    if (n >= 0)
        msg->msg_namelen = 0, msg->msg_controllen = 0, msg->msg_flags = 0;
    return n;
}

/* A whole piece is lent as it is; its bytes come to the front, where those who keep the buffer look for them. */
ssize_t hawser__stash_lend(struct hawser__kernel_stash *stash, void **ret, size_t size) {
    hawser__lock_take(&stash->lock);
    struct hawser__kernel_piece *piece = stash->first;
    size_t count = piece ? piece->size : 0, start = piece ? piece->start : 0;
    bool whole = piece && count <= size;
    ssize_t result = piece ? (ssize_t)count : take_error(stash, 0);
    if (whole)
        (void)consume(stash, piece, count);
    hawser__lock_drop(&stash->lock);
    if (whole) {
        *ret = hawser__task_current()->lent = buffer_of(piece);
        memmove(*ret, (char *)*ret + start, count);
        return result;
    }
    if (!piece)
        return result;
    *ret = hawser__lend_take();
    return *ret ? hawser__stash_recv(stash, *ret, size, 0) : -ENOMEM;
}

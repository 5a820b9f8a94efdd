/* SPDX-License-Identifier: MIT */
/*
 * Connections that all actors share: any of them opens, closes, reads and writes any of them at any time, so descriptor numbers are
 * used again all the time while others wait on them.
 *
 * Every byte that travels on a connection is its mark. A byte with another mark came from another connection: a stale event or a
 * descriptor number that changed hands under a call.
 */
#include "stress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PLACES 48
#define MOST 6000

static struct place {
    hawser_mutex *lock;
    hawser_sock *ends[2];
    unsigned char mark;
} places[PLACES];

void open_table(void) {
    for (int i = 0; i < PLACES; i++)
        MUST((places[i].lock = hawser_mutex_new()) != NULL);
}

static void empty(struct place *place) {
    hawser_sock *ends[2];
    MUST(hawser_mutex_lock(place->lock) == 0);
    memcpy(ends, place->ends, sizeof ends);
    memset(place->ends, 0, sizeof place->ends);
    MUST(hawser_mutex_unlock(place->lock) == 0);
    hawser_close(ends[0]);
    hawser_close(ends[1]);
}

void close_table(void) {
    for (int i = 0; i < PLACES; i++) {
        empty(&places[i]);
        hawser_mutex_free(places[i].lock);
    }
}

static void fill(actor *self, struct place *place) {
    hawser_sock *made[2];
    if (!make_pair(self, made))
        return;
    MUST(hawser_mutex_lock(place->lock) == 0);
    bool taken = place->ends[0] != NULL;
    if (!taken) {
        memcpy(place->ends, made, sizeof made);
        place->mark = (unsigned char)draw(self, 256);
    }
    MUST(hawser_mutex_unlock(place->lock) == 0);
    if (taken) {
        hawser_close(made[0]);
        hawser_close(made[1]);
    }
}

/* A reference to one end, and its mark; NULL when the place is empty. */
static hawser_sock *borrow(actor *self, struct place *place, unsigned char *mark) {
    MUST(hawser_mutex_lock(place->lock) == 0);
    hawser_sock *sock = place->ends[draw(self, 2)];
    if (sock)
        hawser_ref(sock);
    *mark = place->mark;
    MUST(hawser_mutex_unlock(place->lock) == 0);
    return sock;
}

static void check_marks(const unsigned char *bytes, ssize_t n, unsigned char mark) {
    for (ssize_t i = 0; i < n; i++)
        if (bytes[i] != mark)
            wrong("a byte of this connection");
}

/* What may come of a call under a deadline of SECONDS that began at BEGAN. */
static void check_failure(double began, double seconds) {
    if (errno == ETIMEDOUT)
        MUST(hawser_now() - began >= seconds);
    else if (errno == EAGAIN)
        MUST(seconds == 0);
    else
        MUST(errno == EBADF || errno == EBUSY || errno == ECONNRESET || errno == EPIPE || errno == ENOMEM);
}

static double some_time(actor *self) {
    return draw(self, 3) == 0 ? 0 : (double)draw(self, 3000) / 1e6;
}

static void receive(actor *self, hawser_sock *sock, unsigned char mark) {
    unsigned char bytes[MOST];
    const void *lent = bytes;
    double began = hawser_now(), seconds = some_time(self);
    int64_t outer = hawser_deadline_push(seconds);
    ssize_t n = draw(self, 2) ? hawser_recv_borrow(sock, &lent) : hawser_recv(sock, bytes, 1 + draw(self, sizeof bytes));
    if (n < 0)
        check_failure(began, seconds);
    else
        check_marks(lent, n, mark);
    hawser_deadline_pop(outer);
}

static void transmit(actor *self, hawser_sock *sock, unsigned char mark) {
    unsigned char bytes[MOST];
    size_t size = 1 + draw(self, sizeof bytes);
    double began = hawser_now(), seconds = some_time(self);
    int64_t outer = hawser_deadline_push(seconds);
    memset(bytes, mark, size);
    int result = draw(self, 2) ? hawser_sendall(sock, bytes, size) : hawser_send(sock, bytes, size) < 0 ? -1 : 0;
    if (result < 0)
        check_failure(began, seconds);
    hawser_deadline_pop(outer);
}

static void end_one_direction(hawser_sock *sock) {
    if (hawser_shutdown(sock, SHUT_WR) < 0)
        MUST(errno == EBADF || errno == ENOTCONN || errno == EPIPE);
}

void act_on_table(actor *self) {
    struct place *place = &places[draw(self, PLACES)];
    unsigned char mark;
    hawser_sock *sock = borrow(self, place, &mark);
    uint64_t what = draw(self, 100);
    step(self);
    if (!sock)
        fill(self, place);
    else if (what < 4)
        empty(place);
    else if (what < 6)
        end_one_direction(sock);
    else if (what < 53)
        receive(self, sock, mark);
    else
        transmit(self, sock, mark);
    hawser_unref(sock);
}

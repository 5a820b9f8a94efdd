/* SPDX-License-Identifier: MIT */
/*
 * Requests: what a handler of a server gets (server.h).
 *
 * On a stream server a request is a connection, on a datagram server one datagram. The handler is straight-line code; it reads,
 * writes and waits as it likes, and when it returns the server sends what is left in wfile, ends the connection in the polite
 * way (hawser_close_linger), and closes. The same source runs in every mode of concurrency.
 *
 *     static void talk(hawser_request *r) {
 *         char line[1024];
 *         while (hawser_readline(r->rfile, line, sizeof line) > 0)
 *             hawser_printf(r->wfile, "OK...%s", line);
 *     }
 *
 * Writes to wfile are gathered. They go out before the handler waits for anything (input, sleep, a lock, a channel, an
 * offloaded call), before it sends on sock itself, at wbufsize, with hawser_flush, and when it returns: a client that sends
 * many lines at once gets all answers with one system call. When that fails, the next call on wfile or rfile does, once, and
 * its sentence says how many bytes were not sent. A wait outside of this library (pthread_cond_wait, read(2)) is not seen:
 * flush before it. What other tasks write to wfile goes out at once, and only while the handler does not write itself: it
 * flushes before it lets them. What could not be sent in time stays, and goes at the latest with what is written next, with
 * the next read of rfile, or at the end. Python: socketserver.StreamRequestHandler, DatagramRequestHandler.
 */
#ifndef HAWSER_REQUEST_H
#define HAWSER_REQUEST_H

#include <hawser/file.h>

HAWSER_BEGIN

typedef struct hawser_server hawser_server;
typedef struct hawser_request hawser_request;

/* The record lives for one call of setup, handle and finish; what is to last longer is for `user`. All that it points to
 * belongs to the server: the handler closes none of it. */
struct hawser_request {
    hawser_sock *sock;        /* the connection; on a datagram server, the server's own socket. Python: request, connection */
    hawser_addr peer;         /* who sent it; behind a proxy (proxy_from), who the proxy says. Python: client_address */
    hawser_file *rfile;       /* what comes: the connection, or the datagram */
    hawser_file *wfile;       /* the answer; that to a datagram goes back as one datagram at the end, if there is any */
    const void *data;         /* a datagram's bytes, `size` of them, which rfile reads; NULL for a connection */
    size_t size;
    bool truncated;           /* the datagram was longer than max_packet_size: the rest of it is lost */
    hawser_server *server;    /* Python: server */
    hawser_sock *listener;    /* the socket of the server that it came by */
    void *user;               /* the handler's own, from setup to finish; NULL at first. hawser_server_user has the server's */
    void *reserved[4];        /* the server's */
};

typedef void (*hawser_handler)(hawser_request *r);

/* From the handler of a connection that has answered: it is to be called again when more input comes. When it has returned the
 * connection costs no fiber, no stack and no buffer until then. wfile is flushed; if rfile still holds a byte the call comes at
 * once (a handler that needs a whole line waits for the rest of it in hawser_readline). `user` and the peer are kept, setup and
 * finish run once for the connection; what the handler deferred runs at the end of each call, and idle_timeout counts in
 * between. At the peer's end the handler is not called again, except that a system may tell of input just before it tells of
 * the end: then that is what the call reads. On a datagram server it does nothing. */
void hawser_keep(hawser_request *r);

/* Marks the request as failed, with a sentence for the log; the handler then returns. finish runs all the same, after it
 * handle_error with the sentence, and the server goes on. The first failure is the one that counts. Python: an exception that
 * leaves the handler. */
void hawser_request_fail(hawser_request *r, const char *format, ...) HAWSER_FORMAT(2, 3);
void hawser_request_vfail(hawser_request *r, const char *format, va_list args) HAWSER_FORMAT(2, 0);

/* The sentence of the failure; NULL without one. */
const char *hawser_request_error(const hawser_request *r);

HAWSER_END

#endif

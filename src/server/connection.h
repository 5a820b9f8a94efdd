/* SPDX-License-Identifier: MIT */
/*
 * A connection of a server, from accept to close, and one call of its handler.
 *
 * The record is all that a connection costs between two calls, so it is small; what a call needs besides is on the stack of the
 * task that makes it. The socket refers to the record as long as a call of anybody may be inside, so it has two owners: the
 * server until hawser__connection_leave, and the socket until it is released.
 */
#ifndef HAWSER__CONNECTION_H
#define HAWSER__CONNECTION_H

#include "server/server.h"
#include "stream/file.h"

#include <hawser/io.h>

/* Why the handler's task goes on. */
enum hawser__reason { HAWSER__NEW, HAWSER__INPUT, HAWSER__PEER_ENDED, HAWSER__TIMED_OUT, HAWSER__STOPPED };

/* What a wait for the peer ended with. */
enum hawser__cause { HAWSER__NO_CAUSE, HAWSER__PEER_GONE, HAWSER__PEER_IDLE, HAWSER__PEER_SLOW };

struct hawser__connection {
    hawser__watch watch;
    hawser_server *server;
    hawser_sock *sock;
    void *user;
    struct hawser__connection *next, **previous;   /* in a list of its shard, or of those that linger */
    int64_t since;                   /* when it was put there */
    _Atomic uint32_t in, out;        /* bytes not yet counted in the tally: never more than one call moves, and a bit */
    atomic_uchar owners;
    uint8_t reason, cause;           /* enum hawser__reason, hawser__cause */
    bool proxied : 1;                /* a header comes first */
    bool admitted : 1;               /* it has passed all checks */
    bool counted : 1;                /* in the table of peers */
    bool refused : 1;                /* only its end is left */
    bool set_up : 1;
    bool listed : 1;                 /* kept, in its shard's list */
    bool first : 1;                  /* its first byte is awaited */
    bool cut : 1;
    bool placed : 1;                 /* it has a shard */
    bool released : 1;               /* the reference that the handler was given is gone */
    uint8_t peer_len, peer_room;     /* of `peer` */
    uint16_t listener, shard;        /* numbers */
    char peer[];                     /* the address, less what is always 0; behind it, with min_rate, a struct hawser__rate */
};

/* One call of the handler: what the public record is part of. */
struct hawser__call {
    hawser_request request;
    struct hawser__connection *connection;   /* NULL: a datagram */
    hawser_file rfile, wfile;
    bool open;                       /* the files are, and the call has a share of the connection */
    bool keep, failed;
    bool handed_over;                /* CONNECTION is not this call's any more */
    bool offered;                    /* process_request has it, and has not started it elsewhere: it ends when that returns */
    char sentence[256];              /* of the failure */
};

static inline struct hawser__call *hawser__call_of(const hawser_request *r) {
    return (struct hawser__call *)(uintptr_t)r;
}

/* connection.c */
/* A record for SOCK, which it takes over, from PEER. NULL = ENOMEM; SOCK is the caller's then. */
struct hawser__connection *hawser__connection_new(hawser_server *server, const hawser_request *r);
void hawser__connection_unref(struct hawser__connection *connection);
/* Everything is over: the socket is closed if it is not yet, the room is free for another. */
void hawser__connection_leave(struct hawser__connection *connection);
/* The whole life of a connection, or its next part: in the task that it is to run in. */
int hawser__connection_run(void *connection);
/* Whether there is anything left for the handler to do: it is called for input, and not for an end or a stop without any. */
/* 1: there is input; 0: the end; -EAGAIN: neither; or another code. */
ssize_t hawser__connection_peek(struct hawser__connection *connection);
bool hawser__connection_goes_on(struct hawser__connection *connection);
/* The bytes that it moved go into the tally. */
void hawser__connection_count(struct hawser__connection *connection);
void hawser__connection_peer(const struct hawser__connection *connection, hawser_addr *ret);
void hawser__connection_set_peer(struct hawser__connection *connection, const hawser_addr *peer);
/* The polite end, now and here; closes. */
void hawser__connection_linger(struct hawser__connection *connection);
/* Closes at once, if the server has not yet. */
void hawser__connection_close(struct hawser__connection *connection);
/* The program's code has run, and may have closed what it was given. */
void hawser__connection_look(struct hawser__connection *connection);

/* transport.c: counts what moves and holds it to min_rate. */
extern const struct hawser__transport hawser__counting_transport;
#define HAWSER__RATE_GRANTED 30.0   /* seconds, at first and at most */
struct hawser__rate {
    double credit;                   /* seconds that the peer may still take */
};
/* The bytes that a record needs behind a peer of LEN bytes. */
static inline size_t hawser__rate_offset(size_t len) {
    return (offsetof(struct hawser__connection, peer) + len + 7) & ~(size_t)7;
}

/* call.c */
/* CALL for CONNECTION, which nobody else is at. Its files are opened when first needed; closing them sends what is held back.
 * */
void hawser__call_begin(struct hawser__call *call, struct hawser__connection *connection);
void hawser__call_close_files(struct hawser__call *call);
/* close_request, for a connection whose end was awaited elsewhere. */
void hawser__call_close(struct hawser__connection *connection);
void hawser__call_fail(struct hawser__call *call, const char *sentence);
/* A hook has failed: the sentence of the task's last failure, else that of errno, else OTHERWISE. Both were clear before the
 * hook. */
void hawser__call_fail_as_told(struct hawser__call *call, const char *otherwise);
/* The hook setup. False: it failed, and nothing else is to be called. */
bool hawser__call_set_up(struct hawser__call *call);
/* Tells handle_error of the failure, if there is one. */
void hawser__call_report(struct hawser__call *call);
/* The handler, and how long it took. */
void hawser__call_handle(struct hawser__call *call);

/* admission.c */
/* Whether the options allow and deny let PEER in. */
bool hawser__is_allowed(const hawser_server *server, const hawser_addr *peer);
/* Whether CONNECTION, whose peer is now known, is let in; what is not is counted and logged. R is a call's or a mere record. */
bool hawser__admit(struct hawser__connection *connection, hawser_request *r);
/* get_request, which waits for one or only looks. 0; -1 with errno. */
int hawser__get_request(hawser_request *r, bool waits);
/* The hook process_request, for a request of which the caller still has the server: R may be gone when it returns. */
int hawser__process_request(hawser_request *r);
/* Takes a connection from the listener of that number and sees to the rest. 0; 1: it was refused; -1 with errno: nothing was
 * taken. */
int hawser__take_request(hawser_server *server, size_t listener, bool waits);

/* peers.c */
struct hawser__peers *hawser__peers_new(void);
void hawser__peers_free(struct hawser__peers *peers);
/* Counts ADDR: false when there are MOST already, or there is no memory. */
bool hawser__peers_add(struct hawser__peers *peers, const hawser_addr *addr, size_t most);
void hawser__peers_remove(struct hawser__peers *peers, const hawser_addr *addr);

/* kept.c */
/* CONNECTION waits without a task: 1, and it is not the caller's any more. 0: there is a reason to go on at once, which it has.
 * -1: no way here to wait without one. */
int hawser__keep(struct hawser__connection *connection);
/* Waits in the calling task; the reason to go on is in CONNECTION. */
void hawser__keep_here(struct hawser__connection *connection);
/* Takes those out of all lists whose time has come by NOW and has them ended; all of them when the server is stopping. When to
 * come again. */
hawser__deadline hawser__kept_expire(hawser_server *server, int64_t now);

/* How the next part of a connection is started: front.c, pool.c, children.c. 0; -1 with errno: it is the caller's still. */
int hawser__start(struct hawser__connection *connection);
/* The same where nobody can wait: what cannot be started now is later. */
void hawser__start_or_starve(struct hawser__connection *connection);
/* Somewhere that is not on the way of others, CONNECTION's end is awaited and it is left: true. False: the caller has to. */
bool hawser__linger_elsewhere(struct hawser__connection *connection);
/* The rest of CONNECTION's lingering, in a fiber of the run that now serves. */
void hawser__linger_in_fiber(struct hawser__connection *connection);

#endif

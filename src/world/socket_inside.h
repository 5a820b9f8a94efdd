/* SPDX-License-Identifier: MIT */
/*
 * The inside of simulated sockets, for the files that make them up:
 *
 *   socket.c     birth, references, end          names.c      bind, ports, who hears what
 *   place.c      IP addresses                     files.c      files of a host
 *   packet.c     the wire                         message.c    buffers of callers, input queues, control messages
 *   connect.c    connections of TCP begin         segment.c    what arrives for them
 *   stream.c     their bytes, both ways           patience.c   their timers
 *   reset.c      their end                        datagram.c   UDP; spread.c: to many at once
 *   unix.c       Unix sockets; unix_send.c        sockopt.c    options
 *   transfer.c   bytes of any of them                rights.c     sockets in messages
 *   descriptors.c   numbers that stand for them
 *
 * 1. A socket's memory stays while somebody has it: REFS (the program; a message that it is in) or HOLDS (a peer, a packet).
 *    Its state is GONE from the moment at which it is on no list of its host any more; then it has no timers, no input, no
 *    peer.
 * 2. Nothing is delivered inside of a call that sends: packets for this very moment wait on the wire (packet.c) until the
 *    function that came from outside runs it. So nothing calls itself, and a socket does not change under the hands of who
 *    sends.
 * 3. Every function of socket.h, and every event, ends with hawser__wire_run.
 */
#ifndef HAWSER__SOCKET_INSIDE_H
#define HAWSER__SOCKET_INSIDE_H

#include "base/clock.h"
#include "base/udp.h"
#include "world/packet.h"
#include "world/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#define HAWSER__OPTIONS 48            /* entries of the table in sockopt.c */
#define HAWSER__GROUPS 20             /* multicast groups of one socket, as Linux has it */

enum hawser__socket_state {
    HAWSER__CLOSED,                   /* fresh, or no longer connected */
    HAWSER__LISTENS,
    HAWSER__CONNECTING,
    HAWSER__ANSWERED,                 /* a listener's, half open */
    HAWSER__CONNECTED,                /* datagram sockets: have a peer */
    HAWSER__GONE,
};

/* What connect has come to, as the caller sees it: it learns of the end of an attempt only when it asks again. */
enum hawser__trial {
    HAWSER__UNTRIED, HAWSER__TRYING, HAWSER__MADE,
    HAWSER__SPOILT,                   /* it failed, and was shut before the caller asked: connects no more */
};

struct hawser__unix_name {
    uint8_t len;                      /* 0 = none; of a path without its NUL */
    char bytes[sizeof((struct sockaddr_un *)0)->sun_path];
};

struct hawser__options {
    int kept[HAWSER__OPTIONS];
    struct linger linger;
    struct timeval timeouts[2];       /* kept and given back; waiting is the engine's */
    size_t receive, send;             /* bytes that the socket holds */
};

/* Packets that wait for the program. */
struct hawser__input {
    hawser__packet *first, *last;
    size_t count, bytes;
};

/* A piece of what a stream sends. */
struct hawser__piece {
    struct hawser__piece *next;
    struct hawser__block *block;
    uint64_t at;                      /* position of its first byte in the stream */
};

/* One TCP connection as one of its ends sees it. Positions count bytes from 0; the end (FIN) has the one behind the last. */
struct hawser__flow {
    /* Sending: acked <= sent <= written, all but an end that was sent. */
    uint64_t acked, sent, written;
    uint64_t edge;                    /* the peer takes bytes before this */
    bool ending, end_acked;           /* an end is to be sent, has arrived */
    bool ended_first;                 /* before the peer */
    bool quiet;                       /* ended on both sides: an end that comes again is answered as before */
    struct hawser__piece *first, *last, *cursor;   /* CURSOR: where SENT is; NULL = at WRITTEN */
    int64_t arrival;                  /* of what was sent last: nothing overtakes it */
    unsigned tries;                   /* without an answer */
    unsigned patience;                /* how often the time until the next try has doubled */
    int64_t unanswered;               /* since when; 0 = not at all */
    int64_t delay;                    /* of what was sent last */
    int64_t smoothed, deviation;      /* of round trips */
    uint64_t timed;                   /* the position whose answer is timed */
    int64_t timed_at;                 /* 0 = none is */
    int64_t took;                     /* on its way: what came of the handshake */
    /* Receiving. */
    uint64_t got, offered;            /* the next byte; the window's edge that we have told */
    bool end_got;
    size_t held, opening;             /* read, but not offered again yet (read_rate); of which the next to be */
    int64_t open_at;
    /* Timers: points in time, 0 = off; the event is at the first of them. */
    int64_t retry_at, keep_at, leave_at;
    int64_t heard_at;
    unsigned probes;                  /* keep-alive probes without an answer */
    hawser__event timer, reset;
    bool black_hole, refused;         /* what the model has in store for the attempt */
    unsigned attempt;
    uint64_t name;                    /* in the trace: c1 ... */
    bool client;
};

struct hawser__socket {
    struct hawser__attendance attendance;   /* first: socket.h */
    hawser__host *host;
    hawser__socket *next, **link;     /* in the list of its host */
    unsigned refs, holds;
    int family, type, proto;
    enum hawser__socket_state state;
    enum hawser__trial attempt;
    bool bound, port_chosen, address_chosen, crashed;
    bool accepted;                    /* just now: its peer's name may be asked once whatever has become of it */
    bool no_receive, no_send;         /* shut down */
    bool ended;                       /* nothing more will come in */
    bool blocking;                    /* for who has its number: the program's own calls */
    int error;                        /* pending, positive, told once */
    struct hawser__options options;
    hawser__place own, remote;        /* IP */
    struct hawser__unix_name name;
    uint64_t file;                    /* of a Unix path */
    hawser__socket *peer;             /* held */
    struct hawser__input input;
    /* A listener's: those that can be accepted, and (Unix) those that wait for room; linked by BEHIND. */
    hawser__socket *ready, *ready_last, *line, *line_last;
    int backlog, queued, half_open;
    hawser__socket *listener, *behind;   /* whose queue or line this one is in */
    struct hawser__flow flow;
    /* Unix: bytes sent that nobody has read; the receiver that was full. */
    size_t outstanding;
    hawser__socket *blocked_on;       /* held */
    bool blocks;                      /* somebody may be blocked on this one */
    hawser__place groups[HAWSER__GROUPS];
    unsigned group_count;
    struct ucred credentials;         /* the peer's */
};

/* socket.c */
hawser__socket *hawser__sock_new(hawser__host *host, int family, int type, int proto);   /* no reference */
void hawser__sock_hold(hawser__socket *socket);
void hawser__sock_release(hawser__socket *socket);                /* NULL is fine */
void hawser__sock_pin(hawser__socket *socket);                    /* held, and open: on its way in a message */
void hawser__sock_unpin(hawser__socket *socket);
void hawser__sock_set_peer(hawser__socket *socket, hawser__socket *peer);   /* NULL = none */
void hawser__sock_vanish(hawser__socket *socket);                 /* off its host; frees what nobody holds */
void hawser__sock_tell(hawser__socket *socket);                   /* the world's `changed`, if it is the program's */
int hawser__sock_take_error(hawser__socket *socket);              /* 0 or -errno, once */
static inline bool hawser__sock_is_tcp(const hawser__socket *socket) {
    return socket->family != AF_UNIX && socket->type == SOCK_STREAM;
}
static inline bool hawser__sock_is_udp(const hawser__socket *socket) {
    return socket->family != AF_UNIX && socket->type == SOCK_DGRAM;
}
/* The program has closed it, or never had it. */
static inline bool hawser__sock_is_orphan(const hawser__socket *socket) {
    return socket->refs == 0 && !socket->listener;
}
void hawser__queue_put(hawser__socket **first, hawser__socket **last, hawser__socket *socket);
void hawser__queue_remove(hawser__socket **first, hawser__socket **last, hawser__socket *socket);

/* names.c */
int hawser__sock_bind_any(hawser__socket *socket, const hawser__place *towards);   /* a free port, if it has none yet */
void hawser__sock_give_up_port(hawser__socket *socket);          /* that it did not choose; its name stays to be seen */
hawser__place hawser__sock_meaning(const hawser__socket *socket, const hawser__place *to);   /* the wildcard: loopback */
hawser__socket *hawser__listener_for(hawser__host *host, const hawser__place *to);
bool hawser__sock_covers(const hawser__socket *socket, const hawser__place *to);   /* by address, wildcards included */
hawser__socket *hawser__receiver_for(hawser__host *host, const hawser__place *to, const hawser__place *from);

/* connect.c */
int hawser__tcp_connect(hawser__socket *socket, const struct sockaddr *sa, socklen_t len);
void hawser__tcp_syn(hawser__socket *socket);                     /* once more: of either side */
void hawser__tcp_syn_arrives(hawser__packet *packet);
void hawser__tcp_established(hawser__socket *socket);
void hawser__tcp_dissolve(hawser__socket *socket);
void hawser__listener_close(hawser__socket *listener);
int hawser__listener_limit(int backlog);

/* segment.c */
void hawser__tcp_arrives(hawser__packet *packet);
void hawser__tcp_say(hawser__socket *socket, enum hawser__kind kind, uint64_t at, struct hawser__block *block, size_t offset,
                   size_t size);
void hawser__tcp_answer(hawser__socket *socket);                  /* an acknowledgement, with the window */
const char *hawser__tcp_name(const hawser__socket *socket, char out[32]);

/* stream.c */
ssize_t hawser__tcp_send(hawser__socket *socket, const struct msghdr *msg, int flags);
ssize_t hawser__tcp_receive(hawser__socket *socket, struct msghdr *msg, int flags);
void hawser__tcp_push(hawser__socket *socket);                    /* what may be sent is */
void hawser__tcp_acked(hawser__socket *socket, uint64_t ack, uint64_t edge);
void hawser__tcp_forget_sent(hawser__socket *socket);
uint64_t hawser__tcp_window(hawser__socket *socket);              /* the edge to offer now */
void hawser__tcp_read(hawser__socket *socket, size_t size);       /* the program has taken this much */
size_t hawser__tcp_room(const hawser__socket *socket);

/* patience.c */
void hawser__tcp_timer(hawser__socket *socket);                   /* sets it for the first of its points in time */
void hawser__tcp_timer_happens(hawser__event *event);
void hawser__tcp_await(hawser__socket *socket);                   /* an answer is expected from now on */
void hawser__tcp_heard(hawser__socket *socket);                   /* one has come */
void hawser__tcp_settle(hawser__socket *socket);                  /* the first one: it is connected */
void hawser__tcp_keepalive(hawser__socket *socket);               /* its options have changed */
void hawser__tcp_quiet(hawser__socket *socket);                   /* all timers off */
static inline int64_t hawser__tcp_mark(void) {                      /* now, where 0 means never */
    return hawser__world_now() > 0 ? hawser__world_now() : 1;
}

/* reset.c */
void hawser__tcp_fails(hawser__socket *socket, int error);        /* it is no connection any more; the peer learns nothing */
void hawser__tcp_reset(hawser__socket *socket, int error);        /* the same, and the peer is told */
void hawser__tcp_refuse(hawser__packet *packet);                  /* a reset for the one who sent PACKET */
void hawser__tcp_reset_arrives(hawser__packet *packet);
void hawser__tcp_close(hawser__socket *socket);                   /* the program has let go of it */
int hawser__tcp_shutdown(hawser__socket *socket, int how);
void hawser__tcp_end_sending(hawser__socket *socket);               /* the end (FIN) goes behind the last byte */
void hawser__tcp_finish(hawser__socket *socket);                  /* if both ends have arrived */
void hawser__tcp_fate(hawser__socket *socket);                    /* draws when the model resets the connection */

/* datagram.c, spread.c */
ssize_t hawser__udp_send(hawser__socket *socket, const struct msghdr *msg, int flags);
ssize_t hawser__udp_receive(hawser__socket *socket, struct msghdr *msg, int flags);
int hawser__udp_connect(hawser__socket *socket, const struct sockaddr *sa, socklen_t len);
int hawser__udp_shutdown(hawser__socket *socket, int how);
int hawser__udp_transmit(hawser__packet *packet);                 /* by the model: lost, twice, late */
void hawser__udp_deliver(hawser__socket *socket, hawser__packet *packet);
bool hawser__place_is_many(const hawser__place *place);           /* broadcast or multicast */
int hawser__udp_spread(hawser__socket *socket, hawser__packet *packet);
void hawser__udp_spread_arrives(hawser__packet *packet);
int hawser__udp_group(hawser__socket *socket, int level, int name, const void *value, socklen_t size);

/* unix.c, unix_send.c */
int hawser__unix_bind(hawser__socket *socket, const struct sockaddr *sa, socklen_t len);
int hawser__unix_connect(hawser__socket *socket, const struct sockaddr *sa, socklen_t len);
int hawser__unix_find(hawser__socket *socket, const struct sockaddr *sa, socklen_t len, hawser__socket **ret);
int hawser__unix_listen(hawser__socket *socket, int backlog);
void hawser__unix_admit_waiting(hawser__socket *listener);
void hawser__unix_unlisten(hawser__socket *listener);
void hawser__unix_leave_line(hawser__socket *socket);
void hawser__unix_join(hawser__socket *a, hawser__socket *b);
void hawser__unix_turn(hawser__socket *socket, hawser__socket *peer);   /* datagram sockets: to another peer, NULL = none */
void hawser__unix_close(hawser__socket *socket);
int hawser__unix_shutdown(hawser__socket *socket, int how);
ssize_t hawser__unix_send(hawser__socket *socket, const struct msghdr *msg, int flags);
ssize_t hawser__unix_receive(hawser__socket *socket, struct msghdr *msg, int flags);
bool hawser__unix_writable(hawser__socket *socket);
void hawser__unix_unblock(hawser__socket *receiver);              /* there is room, or never will be */
int hawser__unix_check_name(const struct sockaddr *sa, socklen_t len);
void hawser__unix_name_out(const struct hawser__unix_name *name, struct sockaddr *sa, socklen_t *len);

/* sockopt.c */
void hawser__options_init(hawser__socket *socket);
int hawser__option(const hawser__socket *socket, int level, int name);   /* the value of one that is kept */
void hawser__option_keep(hawser__socket *socket, int level, int name, int value);

/* message.c */
size_t hawser__message_size(const struct msghdr *msg);            /* SIZE_MAX = too much */
size_t hawser__scatter(const struct msghdr *msg, size_t at, const unsigned char *data, size_t size);
struct hawser__block *hawser__gather(const struct msghdr *msg, size_t at, size_t size);
bool hawser__short(uint32_t probability, size_t *size);           /* the model's: less than all of it */
void hawser__input_put(hawser__socket *socket, hawser__packet *packet);
void hawser__input_drop(hawser__socket *socket);                  /* the first */
void hawser__input_clear(hawser__socket *socket);
ssize_t hawser__input_bytes(hawser__socket *socket, struct msghdr *msg, size_t wanted, int flags);   /* of a stream */
ssize_t hawser__input_message(hawser__socket *socket, struct msghdr *msg, int flags);
void hawser__input_taken(hawser__socket *socket, hawser__packet *packet, size_t size);
void hawser__control_give(struct msghdr *msg, size_t room, int level, int type, const void *data, size_t size);
int hawser__control_source(const hawser__socket *socket, const struct msghdr *msg, hawser__place *source);
void hawser__control_arrival(const hawser__socket *socket, const hawser__packet *packet, struct msghdr *msg, size_t room);

/* rights.c */
int hawser__rights_take(const hawser__socket *socket, const struct msghdr *msg, struct hawser__rights **ret);
void hawser__rights_drop(struct hawser__rights *rights);          /* NULL is fine. Not while packets are looked at */
void hawser__rights_discard(hawser__packet *packet);              /* if it has any */
/* Numbers of the receiver for those of PACKET (NULL: none), as far as ROOM bytes of control go; PACKET keeps its own. */
void hawser__rights_give(const hawser__packet *packet, struct msghdr *msg, size_t room);

/* files.c */
hawser__sim_file *hawser__file_at(const hawser__host *host, const char *path);
uint64_t hawser__file_make(hawser__host *host, const char *path, bool is_socket);   /* 0 = no memory */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The inside of a server.
 *
 *   server.c, options.c    birth and end              front.c      the loop of fibers and threads: a fiber that minds the rest
 *   listeners.c            where it listens           acceptor.c   fibers that accept
 *   admission.c            who is let in              loop.c       the loop of one task: sequential, forks, handle_request
 *   connection.c, call.c   a connection, and one      pool.c       threads       children.c   processes
 *                          call of its handler        datagrams.c  batches of datagrams
 *   kept.c                 connections between calls  stop.c       asking it to stop, and waiting for that
 *
 * `active` counts the connections (and datagrams) that are not done with; stopping means to wait until it is 0. Whoever brings
 * it there rings the bell, a pair of sockets that the loop of the server waits at: asking to stop rings it as well, which a
 * signal handler may.
 */
#ifndef HAWSER__SERVER_H
#define HAWSER__SERVER_H

#include "base/error.h"
#include "base/lock.h"
#include "net/handle.h"
#include "sched/run.h"
#include "server/address.h"
#include "server/networks.h"
#include "server/tally.h"

#include <hawser/server.h>
#include <hawser/sync.h>

struct hawser__connection;
struct hawser__peers;
struct hawser__pool;
struct hawser__handover;

struct hawser__listener {
    struct hawser__address address;
    hawser_sock *sock;               /* NULL: not bound */
    bool datagrams;
    bool activated;                  /* it came bound and listening */
    struct receiver *receiver;       /* datagrams, while it serves: see datagrams.c */
};

/* What one worker of the run has of the server. */
struct hawser__shard {
    hawser__lock lock;               /* guards the lists */
    struct hawser__connection *kept[2], **kept_end[2];   /* who was kept longest first: see enum hawser__patience */
    _Atomic size_t connections;
    char apart[64];                  /* so that no two workers write to one cache line */
};

/* Kept connections wait for their first byte, or between two calls. */
enum hawser__patience { HAWSER__FIRST_BYTE, HAWSER__IDLE };

/* Times in nanoseconds, HAWSER__NEVER = none. */
struct hawser__limits {
    int64_t patience[2];             /* by enum hawser__patience */
    int64_t request, linger, proxy, drain, timeout, poll_interval;
};

struct hawser_server {
    hawser_server_options options;   /* defaults filled in; hooks never NULL, except those that do nothing by default */
    hawser_run_options run_options;
    hawser_handler handle;
    struct hawser__limits limits;
    struct hawser__networks allow, deny, proxy_from;
    struct hawser__tally *tally;
    hawser__engine *engine;
    struct hawser__listener **listeners;
    size_t listener_count;

    hawser_sock *bell[2];            /* the loop reads [0] */
    int bell_fd;                     /* of [1], for signal handlers; -1 = on another machine */
    atomic_bool serving;
    atomic_bool stopping;            /* asked to */
    _Atomic int64_t cut_at;          /* when what is left is cut */
    atomic_size_t active;
    hawser_mutex *mutex;             /* guards the rest of this part */
    hawser_cond *quiet;              /* told when a turn of serving has ended */
    unsigned turns;                  /* of serving that have ended */
    bool cancelled;                  /* the fiber that serves was: told to its caller at the end */
    hawser_server_result result;     /* of the last of them */

    hawser_semaphore *room;          /* a permit for each connection that may be open */
    hawser_semaphore *relief;        /* released when somebody waits for a descriptor and one was closed */
    atomic_int short_of;             /* how many wait so */
    int spare;                       /* a descriptor to close when there is no other left; -1 = it is in use */
    double pause;                    /* the next one of an acceptor that is short of something */
    _Atomic int64_t next_complaint;  /* when a shortage may be logged again */
    struct hawser__peers *peers;     /* NULL: max_per_peer is off */
    struct hawser__handover *handover;
    struct hawser__failure failure;  /* why serving ended by itself */

    /* While it serves. */
    hawser_group *requests, *acceptors;
    atomic_size_t accepting;         /* acceptors and receivers that are left */
    struct hawser__shard *shards;    /* one for each worker; NULL = kept connections wait in their own task */
    size_t shard_count;
    struct hawser__pool *pool;       /* threads */
    struct hawser__loop *loop;       /* the loop of one task */
    struct hawser__connection *starved;   /* to be started when there is memory again; under the first shard's lock */
    bool is_child;                   /* of a fork */
};

/* options.c */
/* Checks OPTIONS and fills in SERVER's. 0; -1 with errno and a sentence. */
int hawser__options_take(hawser_server *server, const hawser_server_options *options);
void hawser__options_drop(hawser_server *server);
size_t hawser__descriptor_limit(void);

/* listeners.c */
/* 0; -1 with errno and a sentence. */
int hawser__listeners_add(hawser_server *server, const struct hawser__address *address);
int hawser__listeners_bind(hawser_server *server);
int hawser__listeners_activate(hawser_server *server);
void hawser__listeners_close(hawser_server *server);

/* stop.c */
void hawser__bell_ring(hawser_server *server);
/* Waits at the bell until it rings, or DEADLINE; takes all rings. 0, or a code of the wait. */
int hawser__bell_wait(hawser_server *server, hawser__deadline deadline);
/* Serving begins: 0; -1 with EBUSY; 1: it was to stop before it began. */
int hawser__turn_begin(hawser_server *server);
void hawser__turn_end(hawser_server *server);
/* The counts when the stop was asked for become the base of the result. */
void hawser__result_begin(hawser_server *server);
void hawser__result_end(hawser_server *server);
void hawser__signals_drop(hawser_server *server);
/* In the child of a fork: the signals are what they were. */
void hawser__signals_in_child(hawser_server *server);
/* The task's last failure ends the turn: it is what hawser_serve_forever fails with. */
void hawser__give_up(hawser_server *server);
static inline bool hawser__stopping(const hawser_server *server) {
    return atomic_load_explicit(&server->stopping, memory_order_acquire);
}
/* The time for what is left has passed. */
static inline bool hawser__is_cut(const hawser_server *server) {
    return hawser__stopping(server) && server->engine->ops->now(server->engine) >= atomic_load(&server->cut_at);
}
/* From now on the calling task counts as one of SERVER's: it cannot wait for its end. What it was before, for
 * hawser__serves_not. */
const void *hawser__serves(const hawser_server *server);
void hawser__serves_not(const void *before);

/* front.c, loop.c, pool.c */
int hawser__front_serve(hawser_server *server);
int hawser__loop_serve(hawser_server *server);

/* log.c */
void hawser__log(hawser_server *server, hawser_log_level level, const char *format, ...) HAWSER_FORMAT(3, 4);
/* The task's last failure, after WHAT. */
/* "READY=1" or the like goes to the service manager, if there is one. */
void hawser__tell_manager(hawser_server *server, const char *state);
void hawser__log_failure(hawser_server *server, hawser_log_level level, const char *what);

static inline int64_t hawser__server_now(const hawser_server *server) {
    return server->engine->ops->now(server->engine);
}

#endif

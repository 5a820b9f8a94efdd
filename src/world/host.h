/* SPDX-License-Identifier: MIT */
/* A simulated host: a name, addresses, a program that runs or does not, and what it has: threads, sockets, files, memory. */
#ifndef HAWSER__HOST_H
#define HAWSER__HOST_H

#include "base/error.h"
#include "sched/engine.h"
#include "world/world.h"

#include <hawser/addr.h>

#define HAWSER__HOST_NAME 64

typedef struct hawser__strand hawser__strand;
typedef struct hawser__sim_file hawser__sim_file;

/* A task that waits for the end of a host's program; the record is on its stack. */
struct hawser__joiner {
    hawser__task *task;
    hawser__host *host;                     /* its own */
    bool over;                              /* and off the list; */
    int result;                             /* then what the program left: it may have been started again */
    struct hawser__failure failure;
    struct hawser__joiner *next;
};

struct hawser__host {
    hawser__engine engine;                  /* of its sockets and workers: engine.c */
    hawser__host *next;
    int number;                             /* 0 ... */
    char name[HAWSER__HOST_NAME];
    hawser_addr four, six;                  /* its addresses, port 0 */
    hawser_fn program;
    void *arg;
    bool up;                                /* its program runs */
    bool dark;                              /* it lost power, and has not been started since: socket.c */
    unsigned life;                          /* counts its starts: what was sent to an earlier life is answered by a reset */
    int result;                             /* of the program that ran last */
    struct hawser__failure failure;
    hawser__strand *strands;                /* its threads */
    hawser__strand *main;                   /* the one that runs the program */
    struct hawser__joiner *joiners;         /* who wait for its end */
    hawser__socket *sockets;                /* those that exist, the newest first: socket.c */
    int socket_count;                       /* what a process would have as descriptors: references that the program has */
    int most_sockets;                       /* 0 = no limit */
    struct hawser__descriptor *descriptors; /* numbers that the program knows: descriptors.h */
    int descriptor_room;
    hawser__sim_file *files;                /* Unix socket files and others: files.c. They outlive a crash, as on a disk */
    uint64_t next_file;
    uint16_t next_port;
    uint64_t next_name;                     /* of abstract Unix names */
    int64_t skew;                           /* nanoseconds that its wall clock is wrong by */
    int32_t drift;                          /* millionths that its monotonic clock runs too fast by */
    uint32_t allocation_fails;              /* millionths */
    struct hawser__sim_endpoint *endpoints; /* engine.c */
    struct hawser__process *process;        /* what is one of a kind in a process: base/machine.h */
    struct sigaction *actions;              /* by signal number; NULL = no signal was asked for */
    hawser__event fate;                     /* its next crash, or start */
    bool side;                              /* of a partition of the model's */
};

/* Time of HOST's own clock when the world's is AT, and the other way, rounded up. */
int64_t hawser__host_clock(const hawser__host *host, int64_t at);
int64_t hawser__host_to_world(const hawser__host *host, int64_t clock);

#endif

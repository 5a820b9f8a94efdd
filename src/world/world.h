/* SPDX-License-Identifier: MIT */
/*
 * A simulated world: its clock, what is going to happen, its chance, its hosts and the paths between them. All of it lives on
 * one thread, the one that called hawser_sim_run, so nothing here is locked.
 */
#ifndef HAWSER__WORLD_H
#define HAWSER__WORLD_H

#include "world/chance.h"
#include "world/event.h"

#include <hawser/sim.h>

typedef struct hawser__host hawser__host;
typedef struct hawser__socket hawser__socket;

/* From one host to another. */
typedef struct hawser__path {
    int64_t latency, jitter;                 /* nanoseconds */
    uint32_t loss, duplicate, reorder;       /* millionths */
    int64_t bandwidth;                       /* bytes a second; 0 = no limit */
    bool cut;                                /* by the scenario or its link; */
    bool parted;                             /* and by a partition of the model's, which heals by itself */
    int64_t free_at;                         /* when the last byte that was sent will have left */
} hawser__path;

/* The model in whole numbers: nanoseconds, millionths, bytes. */
struct hawser__limits {
    size_t buffer;
    int processors;
    uint32_t short_reads, short_writes, refuse, black_hole, half_open, lookup_fails, allocation_fails;
    int64_t reset_every, read_rate, crash_every, crash_time, partition_every, partition_time;
    int64_t offload_time, lookup_time, clock_skew, time_limit;
    int32_t clock_drift;
};

#define HAWSER__HOSTS_MOST 4096
#define HAWSER__PROCESSORS_MOST 64

typedef struct hawser__world {
    int64_t now;
    hawser__events events;
    hawser__chance chance;
    struct hawser__limits limits;
    hawser_sim_model model;
    hawser__host *hosts;                     /* host 0 first */
    hawser__path *paths;                     /* from host F to host T: [F * path_room + T] */
    int host_count, path_room;
    uint64_t connections;                    /* of TCP, begun so far: their names in the trace */
    void (*changed)(hawser__socket *socket); /* who waits at it is to be woken. Cheap when nobody does */
    void (*put_line)(const char *line);      /* of the trace; NULL = nobody traces */
    bool broken;
} hawser__world;

/* The world that the calling thread simulates; NULL = none. */
extern _Thread_local hawser__world *hawser__world_here __attribute__((tls_model("initial-exec")));

static inline int64_t hawser__world_now(void) {
    return hawser__world_here->now;
}

static inline hawser__chance *hawser__world_chance(void) {
    return &hawser__world_here->chance;
}

/* A world without anything in it. 0; -EINVAL: the model, *FAULT is the name of the field; -ENOMEM. */
int hawser__world_open(hawser__world *world, uint64_t seed, const hawser_sim_model *model, const char **fault);
/* Its hosts have been taken down. */
void hawser__world_close(hawser__world *world);
/* The next event happens. False: there is none. */
bool hawser__world_step(hawser__world *world);

/* EVENT is to happen at AT, or in DELAY nanoseconds. When there is no memory for it, it is forgotten, and `broken` is set. */
void hawser__world_at(hawser__event *event, int64_t at);
void hawser__world_after(hawser__event *event, int64_t delay);
void hawser__world_forget(hawser__event *event);

/* A host that does not run anything yet. 0; -EEXIST, -EINVAL (the name), -ENOMEM, -ENOSPC (too many). */
int hawser__host_add(hawser__world *world, const char *name, hawser__host **ret);
/* Why no host can be called NAME; NULL = one can. */
const char *hawser__host_name_fault(const char *name);
hawser__host *hawser__host_number(const hawser__world *world, int number);   /* NULL = there is none */
hawser__host *hawser__host_named(const hawser__world *world, const char *name);

/* The path between two hosts, which may be the same: that one is perfect. Never NULL. */
hawser__path *hawser__path_between(const hawser__host *from, const hawser__host *to);
/* Makes it as LINK says. -EINVAL: *FAULT is the name of the field. */
int hawser__path_set(hawser__path *path, const hawser_sim_link *link, const char **fault);

/* Whether a packet of SIZE bytes gets to the other end, *DELAY nanoseconds from now. It has used the path either way. */
bool hawser__path_carries(hawser__path *path, size_t size, int64_t *delay);

/* A line of the trace: virtual time, the host's name ("-" for NULL), and the text. Nothing that differs between two builds
 * may be in it: no address of memory, no descriptor. Costs nothing when nobody traces. */
#define hawser__trace(host, ...)                                                                                              \
    do {                                                                                                                      \
        if (hawser__world_here->put_line)                                                                                     \
            hawser__trace_line(host, __VA_ARGS__);                                                                            \
    } while (0)
HAWSER_FORMAT(2, 3) void hawser__trace_line(const hawser__host *host, const char *format, ...);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Situations that a waiting operation can get into, the tasks that wait in them, and those that bring them about.
 *
 * Every situation is played with all operations (engine_operations.h) at the same time: each has a task of its own that makes the
 * call, and when all of them wait something is done to each. So a situation lasts as long as its slowest operation does.
 */
#ifndef TESTS_ENGINE_SITUATIONS_H
#define TESTS_ENGINE_SITUATIONS_H

#include "engine_operations.h"

/* Who makes the call. */
enum waiter {
    WAITER_THREAD,   /* a plain thread */
    WAITER_FIBER,
    WAITER_STRANGER, /* a fiber, after one of another worker has waited for the same in vain */
    WAITERS
};
extern const char *const waiter_names[WAITERS];

/* Who does something to the one that waits. */
enum actor {
    ACTOR_THREAD,  /* the test itself */
    ACTOR_BESIDE,  /* a fiber of the same worker; of a plain thread: a fiber */
    ACTOR_ANOTHER, /* a fiber of another worker */
    ACTORS
};

struct play;

struct situation {
    const char *name;
    double time;                                    /* seconds that the call has; 0: no limit */
    bool (*fits)(const struct play *play);          /* NULL: all */
    void (*before)(struct play *play);              /* by the test, before the task is there; NULL: nothing */
    int64_t (*body)(struct play *play);             /* by the task; NULL: the call, once */
    bool prepares;                                  /* the body does something first, and calls unhold by itself */
    void (*act)(struct play *play);                 /* by the actor, when the task waits; NULL: it need not wait */
    int64_t (*expected)(const struct play *play);   /* what the body gives; NULL: what the operation gives when ready */
    bool alone;                                     /* one operation after the other */
};

/* One operation in one situation. */
struct play {
    const struct situation *situation;
    enum waiter waiter;
    enum actor actor;
    struct scene scene;
    runner run;
    hawser__deadline deadline;
    int signal;                       /* of its own */
    hawser_group *group;              /* of the fiber that waits */
    const char *wrong;                /* noticed on the way */
    int64_t result;
    struct play_end *end;             /* the waiter's, for its host */
};

/* The call of PLAY's operation. */
int64_t call(struct play *play, hawser__deadline deadline);

/* Plays SITUATION with each operation that fits. */
void play_all(const struct situation *situation, enum waiter waiter, enum actor actor);

/* The same for COUNT plays that differ in all; each has situation, waiter and actor, and its scene's operation. */
#define MOST_PLAYS 128
void play_together(struct play *plays, size_t count);
/* Whether the operation can get into the situation, in the engine under test. */
bool can_play(const struct play *play);

/* Signals that hit a task in pestered_to_the_end. */
long hits_so_far(void);

extern const struct situation looking, now_ready, past_ready, becoming_ready, becoming_ready_without_limit, running_out,
    pestered, pestered_to_the_end, interrupted, cancelled, evicted, evicted_before, being_reset;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Fibers: a function that runs beside others on the same thread, and whose waits cost nobody else anything.
 *
 * hawser_run starts workers, one thread a CPU, and runs the first fiber on worker 1; hawser_go starts another one beside it.
 * Inside a fiber every call of this library that waits parks the fiber only, and its worker runs the next. A fiber stays on
 * the worker that it was started on, so thread-local data (errno too) is its own between two calls that can wait, and fibers
 * of one worker need no lock for what they do between such calls.
 *
 * What holds a worker up is code that waits elsewhere: a computation, a lock of pthreads, a read(2) of the disk. hawser_yield
 * cuts the first into pieces, sync.h has locks that park, offload.h takes the rest elsewhere.
 *
 * Fibers are owned: each belongs to a group (group.h), and hawser_run returns when all have ended.
 */
#ifndef HAWSER_RUN_H
#define HAWSER_RUN_H

#include <hawser/common.h>

HAWSER_BEGIN

/* What a fiber, a run and an offloaded job execute. 0 (or more) is success; -1 with errno set is failure, where somebody
 * asks. */
typedef int (*hawser_fn)(void *arg);

/* A fiber that has kept its worker from all others for too long. */
typedef struct hawser_stall {
    int worker;             /* 1 ... */
    uint64_t fiber;         /* its number, as in hawser_dump */
    const char *name;       /* valid during the call */
    double seconds;         /* how long by now */
} hawser_stall;

/* Zeroed, or NULL for it, means defaults. */
typedef struct hawser_run_options {
    int workers;            /* threads; 0: one for each CPU that the process may use */
    const char *engine;     /* how workers wait: "epoll", "poll", or "uring": io_uring, or epoll where the system refuses that;
                             * NULL: the environment's HAWSER_ENGINE, else the best */
    size_t stack_size;      /* bytes of a fiber's stack; 0: 65536. Rounded up to a power of two; see hawser_run */
    size_t max_fibers;      /* of each worker; more fail with EAGAIN; 0: no limit */
    double stall_after;     /* seconds after which on_stall is called; 0: 0.1 */
    void (*on_stall)(const hawser_stall *stall, void *arg);   /* on a thread of its own, once a stall; NULL: nobody looks */
    void *stall_arg;
    bool no_overflow_report;   /* leave SIGSEGV and SIGBUS alone; see hawser_run */
} hawser_run_options;

/* Runs FN(ARG) as the first fiber on workers of its own and waits until it and every fiber started under it have ended. The
 * calling thread is worker 1. What FN returned; -1 with errno when the run could not start: EINVAL (an option; no such engine),
 * ENOMEM, EMFILE, EBUSY (called in a fiber).
 *
 * When a fiber overflows its stack the process ends by SIGSEGV as it must, after one line on standard error that names the
 * fiber and its start function. For that, SIGSEGV and SIGBUS are handled while a run lasts, unless the program handles them
 * already or says no_overflow_report. Python: asyncio.run. */
int hawser_run(hawser_fn fn, void *arg, const hawser_run_options *options);

/* Starts FN(ARG) as a fiber of the calling fiber's worker and group. It runs when the caller next waits or yields. 0; -1
 * with ENOMEM, EAGAIN (max_fibers), ECANCELED (the group, or the run, is cancelled), EINVAL (the caller is no fiber: see
 * hawser_run). Python: asyncio.create_task. */
int hawser_go(hawser_fn fn, void *arg);

#define HAWSER_ANY_WORKER (-1)
/* The same on WORKER (1 to hawser_workers()), or on HAWSER_ANY_WORKER: the one with the fewest fibers. */
int hawser_go_on(int worker, hawser_fn fn, void *arg);

typedef struct hawser_group hawser_group;

/* Zeroed, or NULL for it, means defaults. */
typedef struct hawser_go_options {
    const char *name;       /* copied, cut at 31 bytes; NULL: the name of FN where it can be found */
    int worker;             /* as in hawser_go_on; 0: the caller's */
    size_t stack_size;      /* bytes; 0: as the run's */
    hawser_group *group;    /* NULL: the caller's */
} hawser_go_options;

/* The same, as OPTIONS say. With a group, a plain thread may start fibers as well. */
int hawser_go_with(const hawser_go_options *options, hawser_fn fn, void *arg);

/* Lets the other fibers of the worker run that can. A plain thread gives way to other threads. Python: await
 * asyncio.sleep(0). */
void hawser_yield(void);

/* The worker of the calling fiber, 1 to hawser_workers(); 0 on a plain thread. */
int hawser_worker(void);
/* The workers of the calling fiber's run; 0 on a plain thread. */
int hawser_workers(void);

/* Cancels every fiber of the calling fiber's run, the caller included: see group.h. Does nothing on a plain thread. */
void hawser_run_cancel(void);

/* Has FN(ARG) called when the calling fiber ends, however it ends; in the handler of a server (server.h), fiber or not, when
 * that returns. The last that was asked for is called first. 0; -1 with ENOMEM, EINVAL (a plain thread): FN will then not be
 * called. */
int hawser_defer(void (*fn)(void *arg), void *arg);

/* The name of the calling fiber, for hawser_dump and reports; NAME is copied and cut at 31 bytes. Does nothing on a plain
 * thread. */
void hawser_fiber_setname(const char *name);
/* Valid until the fiber is named again; "" on a plain thread. */
const char *hawser_fiber_name(void);

/* Bytes of its stack that the calling fiber has used at most so far, to the page; 0 on a plain thread. */
size_t hawser_fiber_stack_used(void);

/* Writes to FD a line for each worker of the calling fiber's run and each of its fibers: number, name, what it waits for and
 * since when. On a plain thread: of every run of the process. A worker that is held up by a fiber is reported as that. Parks
 * the task until all workers have answered, at most a second. 0; -1 with errno of the write (ETIMEDOUT: FD takes nothing for a
 * second), ENOMEM, ECANCELED, or ETIMEDOUT of the task's own deadline. */
int hawser_dump(int fd);

HAWSER_END

#endif

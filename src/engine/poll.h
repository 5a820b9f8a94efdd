/* SPDX-License-Identifier: MIT */
/* Shared between the files of the poll engine, and by no one else. */
#ifndef HAWSER__POLL_H
#define HAWSER__POLL_H

#include "base/task.h"
#include "sched/engine.h"

#include <pthread.h>

/* Where a task waits on an endpoint. */
enum hawser__direction { HAWSER__IN, HAWSER__OUT };

struct hawser__poll_endpoint {
    hawser__endpoint base;
    int fd;
    atomic_bool shared;            /* adopted, or duplicated: O_NONBLOCK may be off, and is not ours to change */
    bool is_unix;                  /* messages may bring descriptors */
    atomic_uint generation;        /* the fork generation that lock and waiters belong to */
    pthread_mutex_t lock;          /* guards waiters: who wakes a task holds it, so the task cannot leave meanwhile */
    hawser__task *waiters[2];
    struct sockaddr_storage retry; /* connect to a Unix listener whose queue is full: the address to try again */
    socklen_t retry_len;           /* 0 = no such connect under way */
    int retry_result;              /* how the last try of it ended; 0 or negative */
};

struct hawser__poll_endpoint *hawser__poll_endpoint(hawser__endpoint *endpoint);

/* Takes the lock; in the child of a fork a new one, with nobody waiting. */
void hawser__poll_lock(struct hawser__poll_endpoint *self);

/* One lock for the process, new in the child of a fork: for what two endpoints may share. */
void hawser__poll_lock_process(void);
void hawser__poll_unlock_process(void);

/* Whether calls that have no MSG_DONTWAIT could block the thread. */
bool hawser__poll_may_block(struct hawser__poll_endpoint *self);

/* Birth, options and the end: poll_endpoint.c */
int hawser__poll_wrap(hawser__engine *engine, int fd, bool is_unix, hawser__endpoint **ret);
int hawser__poll_open(hawser__engine *engine, int family, int type, int proto, hawser__endpoint **ret);
int hawser__poll_adopt(hawser__engine *engine, int fd, hawser__endpoint **ret);
int hawser__poll_pair(hawser__engine *engine, int family, int type, int proto, hawser__endpoint *ret[2]);
int hawser__poll_dup(hawser__endpoint *endpoint, hawser__endpoint **ret);
int hawser__poll_bind(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len);
int hawser__poll_listen(hawser__endpoint *endpoint, int backlog);
int hawser__poll_shutdown(hawser__endpoint *endpoint, int how);
int hawser__poll_getsockopt(hawser__endpoint *endpoint, int level, int name, void *value, socklen_t *size);
int hawser__poll_setsockopt(hawser__endpoint *endpoint, int level, int name, const void *value, socklen_t size);
int hawser__poll_getsockname(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len);
int hawser__poll_getpeername(hawser__endpoint *endpoint, struct sockaddr *sa, socklen_t *len);
ssize_t hawser__poll_unread(hawser__endpoint *endpoint);
int hawser__poll_descriptor(hawser__endpoint *endpoint);
void hawser__poll_evict(hawser__endpoint *endpoint);
void hawser__poll_close(hawser__endpoint *endpoint);
int hawser__poll_detach(hawser__endpoint *endpoint, bool blocking);

/* Waiting: poll_wait.c. All give 0 or more when it is worth trying again, else a negative code. */
/* ROUND counts the times that an operation has waited before, and was told "ready", in vain. 1 = nothing more will come in. */
int hawser__poll_wait(hawser__endpoint *endpoint, enum hawser__direction direction, hawser__deadline deadline, unsigned round);
int hawser__poll_wait_any(hawser__endpoint *const *endpoints, size_t n, enum hawser__direction direction,
                          hawser__deadline deadline, bool *ret_ready);
/* Waits on the endpoints' account without watching them: 0 at UNTIL or when woken. */
int hawser__poll_pause(hawser__endpoint *const *endpoints, size_t n, enum hawser__direction direction, hawser__deadline until);
int hawser__poll_wait_fd(hawser__engine *engine, hawser__endpoint *account, int fd, int events, hawser__deadline deadline);
int hawser__poll_sleep(hawser__engine *engine, hawser__deadline deadline);

/* Connections: poll_connect.c */
int hawser__poll_accept(hawser__endpoint *const *listeners, size_t n, struct sockaddr *peer, socklen_t *len,
                        hawser__deadline deadline, hawser__endpoint **ret);
int hawser__poll_connect_begin(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len);
int hawser__poll_connect_wait(hawser__endpoint *const *endpoints, size_t n, hawser__deadline deadline);
int hawser__poll_connect_result(hawser__endpoint *endpoint);

#endif

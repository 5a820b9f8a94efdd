/* SPDX-License-Identifier: MIT */
/* The operations of the simulated engine that are not in engine.c: move.c has those that move bytes in other ways,
 * services.c what a host is asked for beside its sockets, number.c what there is about numbers. */
#ifndef HAWSER__SIM_ENGINE_H
#define HAWSER__SIM_ENGINE_H

#include "sched/engine.h"
#include "world/world.h"

/* The world's `changed`: wakes whoever waits at SOCKET. */
void hawser__sim_changed(hawser__socket *socket);

/* Waits, inside, for a change at one of N sockets, or endpoints: 0, or a negative code. NUMBER, or -1, is for dumps. */
int hawser__sim_wait_at(hawser__socket *const *sockets, size_t n, const char *what, int number, hawser__deadline deadline);
int hawser__sim_wait_at_endpoints(hawser__endpoint *const *endpoints, size_t n, const char *what, hawser__deadline deadline);

ssize_t hawser__sim_recv_lend(hawser__endpoint *endpoint, void **ret, size_t size, hawser__deadline deadline);
void hawser__sim_give_back(hawser__endpoint *endpoint, void *lent);
ssize_t hawser__sim_sendfile(hawser__endpoint *endpoint, int fd, int64_t *offset, size_t count, hawser__deadline deadline);
ssize_t hawser__sim_splice(hawser__endpoint *from, hawser__endpoint *to, size_t size, hawser__deadline deadline);
int hawser__sim_await(struct hawser__interest *interests, size_t n, hawser__deadline deadline);

int hawser__sim_adopt(hawser__engine *engine, int fd, hawser__endpoint **ret);
int hawser__sim_descriptor(hawser__endpoint *endpoint);
int hawser__sim_detach(hawser__endpoint *endpoint, bool blocking);
int hawser__sim_wait_fd(hawser__engine *engine, hawser__endpoint *account, int fd, int events, hawser__deadline deadline);
int hawser__sim_sleep(hawser__engine *engine, hawser__deadline deadline);
int64_t hawser__sim_now(hawser__engine *engine);
int64_t hawser__sim_time(hawser__engine *engine);
int hawser__sim_random_bytes(hawser__engine *engine, void *buf, size_t size);
int hawser__sim_unix_claim(hawser__engine *engine, struct hawser__unix_file *file, hawser__deadline deadline);
void hawser__sim_unix_settle(hawser__engine *engine, struct hawser__unix_file *file, bool bound);
void hawser__sim_unix_remove(hawser__engine *engine, struct hawser__unix_file *file);

#endif

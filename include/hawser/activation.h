/* SPDX-License-Identifier: MIT */
/*
 * What a service manager (systemd) and the process that it starts tell each other: sockets that it has opened, and that the
 * service is ready. Servers do both by themselves (server.h); these are for programs that serve in another way.
 */
#ifndef HAWSER_ACTIVATION_H
#define HAWSER_ACTIVATION_H

#include <hawser/sock.h>

HAWSER_BEGIN

/* The sockets that this process was handed (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES), at most N of them into OUT, with NAME only
 * those called so. Each belongs to the caller and can be taken once; descriptors are close-on-exec from now on. How many were
 * written; 0 when there are none; -1 with EINVAL (the variables make no sense), EBADF, ENOMEM. Not for two threads at once.
 * systemd: sd_listen_fds_with_names. */
ssize_t hawser_listen_fds(const char *name, hawser_sock **out, size_t n);

/* Sends STATE, such as "READY=1" or "STOPPING=1", to the service manager. 1; 0 when there is none (NOTIFY_SOCKET is not set);
 * -1 with errno. Never waits. systemd: sd_notify. */
int hawser_notify(const char *state);

HAWSER_END

#endif

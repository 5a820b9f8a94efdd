/* SPDX-License-Identifier: MIT */
/*
 * Restarts without downtime: the server that serves, and the one that is to follow it, talk over a Unix socket.
 *
 *   the follower                              the server
 *   connects, sends "take"          ------->
 *                                   <-------  each listener: its address as text, and its descriptor
 *   uses those that it wants, serves
 *   sends "serving"                 ------->  stops: accepts no more, ends what it has
 *                                   <-------  closes the path and says "yours"
 *   listens on the path itself
 *
 * Both accept from the same queues from "serving" on, so none is ever without a server; when the follower dies before that,
 * nothing has changed. Only processes of the same user are answered.
 *
 * A follower that finds the path refusing claims its file, as who wants to listen there does: that waits for a server that has
 * bound it and is about to listen, and removes it when there is none. So a path that could not be listened at fails here, and
 * not only when the follower serves.
 */
#ifndef HAWSER__HANDOVER_H
#define HAWSER__HANDOVER_H

#include "server/server.h"

/* The follower asks at the option's path, if it is set; nobody being there is no failure. 0, or -1 with errno and a sentence.
 * Waits some seconds at most, and not beyond the task's deadline. */
int hawser__handover_ask(hawser_server *server);
/* The listener that was handed over for ADDRESS and PORT; NULL: there is none, bind it. */
hawser_sock *hawser__handover_take(hawser_server *server, const struct hawser__address *address, int port);
/* SERVER is serving: whoever did before is told to stop, and the path becomes this one's. Starts what answers there. */
int hawser__handover_serve(hawser_server *server);
/* Serving ends. */
void hawser__handover_stop(hawser_server *server);
void hawser__handover_free(hawser_server *server);

#endif

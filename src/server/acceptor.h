/* SPDX-License-Identifier: MIT */
/* The fibers that take requests from the listeners: one for each. */
#ifndef HAWSER__ACCEPTOR_H
#define HAWSER__ACCEPTOR_H

#include "server/server.h"

/* 0; -1 with errno: those that were started end with the group of acceptors. */
int hawser__acceptors_start(hawser_server *server);

/* Taking a connection failed with errno. True: it is worth trying again, after the wait that the failure asks for, which is
 * over. */
bool hawser__bear(hawser_server *server);

/* The descriptor that is given up when there is no other; simulated hosts have none. */
void hawser__spare_open(hawser_server *server);

/* max_connections keeps the server from accepting: counted, and told once in a while. */
void hawser__note_pause(hawser_server *server);

#endif

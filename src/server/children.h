/* SPDX-License-Identifier: MIT */
/*
 * Processes for requests. Each child has one end of a pair of sockets, which its end closes: so the loop notices it without a
 * handler for SIGCHLD, which belongs to the program; and only our own children are waited for.
 */
#ifndef HAWSER__CHILDREN_H
#define HAWSER__CHILDREN_H

#include "server/connection.h"
#include "server/datagrams.h"
#include "server/loop.h"

/* A child for CONNECTION or LETTER, which is then the child's. 0; -1 with errno. Waits when there are max_children. */
int hawser__children_start(hawser_server *server, struct hawser__connection *connection);
int hawser__children_start_letter(hawser_server *server, struct hawser__letter *letter);

/* Adds the children's ends, at most N of them, to INTERESTS. How many. */
size_t hawser__children_interests(const hawser_server *server, struct hawser__interest *interests, size_t n);
/* Looks which have ended. */
void hawser__children_reap(hawser_server *server);
/* Asks them all to end, or makes them. */
void hawser__children_signal(hawser_server *server, int signo);

#endif

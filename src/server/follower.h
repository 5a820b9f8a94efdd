/* SPDX-License-Identifier: MIT */
/*
 * Shared between the two sides of a handover: follower.c, the server that follows, and handover.c, the one that is followed.
 * A message is a packet; those with a listener carry its descriptors, two for "localhost".
 */
#ifndef HAWSER__FOLLOWER_H
#define HAWSER__FOLLOWER_H

#include "server/handover.h"

#include "base/thread.h"

#define HAWSER__HANDOVER_PATIENCE 5.0             /* for a peer that is at it, in seconds */
#define HAWSER__HANDOVER_TEXT (HAWSER_ADDR_TEXT + 64)
#define HAWSER__TAKE "hawser handover 1: take"
#define HAWSER__SERVING "serving"
#define HAWSER__YOURS "yours"
#define HAWSER__END "end"

/* A listener that was handed over. */
struct hawser__handed {
    struct hawser__handed *next;
    hawser_sock *sock;           /* NULL: it has been taken */
    char name[HAWSER__HANDOVER_TEXT];
};

struct hawser__handover {
    struct hawser__handed *handed;
    hawser_sock *before;         /* the line to the server that serves still; NULL = there is none */
    hawser_sock *listener;       /* at the path, while this one serves: closed by who takes it; under the lock */
    hawser_sock *accepting;      /* the same, for the thread that answers; its own reference */
    hawser_sock *follower;       /* who is being answered; under the lock */
    bool given;                  /* that one has, or is about to have, all listeners; under the lock */
    hawser__lock lock;
    bool running, over;
    hawser__thread thread;
};

/* What both sides call a listener: the port, asked for or as it turned out, and the rest as it was asked for. */
void hawser__handover_name(char name[static HAWSER__HANDOVER_TEXT], const struct hawser__address *address, int64_t port);
/* PATH, with or without "unix:", as a host. */
void hawser__handover_host(char host[static HAWSER__HANDOVER_TEXT], const char *path);
/* Somebody of another user could hand over a listener of his own, or take ours. */
bool hawser__handover_is_ours(hawser_sock *peer);

/* The server before this one, if there is one, is told that this one serves, and has closed the path or is gone. */
void hawser__follower_relieve(hawser_server *server);
/* Closes what was handed over and not taken. */
void hawser__follower_drop(struct hawser__handover *handover);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Numbers that stand for sockets in place of descriptors, from HAWSER__FIRST_NUMBER on, the lowest that is free first: a table
 * for each host. A number has a reference of its socket. It may have an owner, of whom this knows nothing but that there is
 * one: then the reference is the owner's, who counts once against the host's limit together with its number.
 */
#ifndef HAWSER__DESCRIPTORS_H
#define HAWSER__DESCRIPTORS_H

#include "base/machine.h"
#include "world/socket.h"

struct hawser__descriptor {
    hawser__socket *socket;                  /* NULL = free */
    const void *owner;                       /* NULL = nobody: the program has the bare number */
    bool inheritable;
};

/* Good until the next number is made. NULL: there is none such. */
struct hawser__descriptor *hawser__descriptor_at(const hawser__host *host, int number);

/* A number with a reference of its own. -EMFILE (the host's limit), -ENOMEM. */
int hawser__descriptor_new(hawser__socket *socket);
/* A number for the reference that OWNER has. -ENOMEM. */
int hawser__descriptor_name(hawser__socket *socket, const void *owner);
/* The number is no more; the reference is its owner's. */
void hawser__descriptor_forget(hawser__host *host, int number);
/* The bare number is no more, nor its reference. 0; -EBADF (there is none such), -EBUSY (it has an owner). */
int hawser__descriptor_close(hawser__host *host, int number);
/* All of HOST; its sockets have been dropped. */
void hawser__descriptors_drop(hawser__host *host);

#endif

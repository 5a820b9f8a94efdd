/* SPDX-License-Identifier: MIT */
#include "world/descriptors.h"

#include "base/mem.h"
#include "world/socket_inside.h"

#define ROOM 16                              /* of the first table; the next ones are twice as large */

struct hawser__descriptor *hawser__descriptor_at(const hawser__host *host, int number) {
    if (number < HAWSER__FIRST_NUMBER || number - HAWSER__FIRST_NUMBER >= host->descriptor_room)
        return NULL;
    struct hawser__descriptor *at = &host->descriptors[number - HAWSER__FIRST_NUMBER];
    return at->socket ? at : NULL;
}

static int grow(hawser__host *host) {
    int room = host->descriptor_room ? 2 * host->descriptor_room : ROOM;
    struct hawser__descriptor *more = hawser__realloc(host->descriptors, (size_t)room * sizeof *more);
    if (!more)
        return -ENOMEM;
    memset(more + host->descriptor_room, 0, (size_t)(room - host->descriptor_room) * sizeof *more);
    host->descriptors = more;
    host->descriptor_room = room;
    return 0;
}

static int enter(hawser__socket *socket, const void *owner) {
    hawser__host *host = socket->host;
    int i = 0;
    while (i < host->descriptor_room && host->descriptors[i].socket)
        i++;
    if (i == host->descriptor_room && grow(host) < 0)
        return -ENOMEM;
    host->descriptors[i] = (struct hawser__descriptor){.socket = socket, .owner = owner};
    return HAWSER__FIRST_NUMBER + i;
}

int hawser__descriptor_new(hawser__socket *socket) {
    int result = hawser__socket_ref(socket);
    if (result < 0)
        return result;
    result = enter(socket, NULL);
    if (result < 0)
        hawser__socket_unref(socket);
    return result;
}

int hawser__descriptor_name(hawser__socket *socket, const void *owner) {
    return enter(socket, owner);
}

void hawser__descriptor_forget(hawser__host *host, int number) {
    *hawser__descriptor_at(host, number) = (struct hawser__descriptor){0};
}

int hawser__descriptor_close(hawser__host *host, int number) {
    struct hawser__descriptor *at = hawser__descriptor_at(host, number);
    if (!at || at->owner)
        return at ? -EBUSY : -EBADF;
    hawser__socket *socket = at->socket;
    hawser__descriptor_forget(host, number);
    hawser__socket_unref(socket);
    return 0;
}

void hawser__descriptors_drop(hawser__host *host) {
    hawser__free(host->descriptors);
    host->descriptors = NULL;
    host->descriptor_room = 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Packets, and the wire that carries them. A packet that takes no time waits on the wire until hawser__wire_run, in the order
 * of sending; another is an event of the world. Either way it belongs to the wire until its `arrive` is called, which owns it
 * then.
 */
#ifndef HAWSER__PACKET_H
#define HAWSER__PACKET_H

#include "world/place.h"

#include <sys/types.h>

/* Bytes that were sent: shared by whoever still needs them. */
struct hawser__block {
    unsigned refs;
    size_t size;
    unsigned char bytes[];
};

/* Of packets of TCP. */
enum hawser__kind { HAWSER__SYN, HAWSER__SYN_ACK, HAWSER__DATA, HAWSER__FIN, HAWSER__ACK, HAWSER__PROBE, HAWSER__RST };

typedef struct hawser__packet hawser__packet;
struct hawser__packet {
    hawser__event event;                     /* first */
    hawser__packet *next;
    void (*arrive)(hawser__packet *packet);
    hawser__socket *from, *to;               /* held; TO may be NULL: whoever has the address on arrival */
    hawser__host *source_host, *host;        /* where it comes from, where it goes */
    hawser__place source, target;
    enum hawser__kind kind;
    bool again, marked;                      /* sent before; marked by the model: refuse it */
    bool truncated;
    unsigned attempt;
    uint64_t at, ack, edge;
    int64_t sent, took;                      /* of a handshake: when it left; how long what it answers took */
    struct hawser__block *block;
    size_t offset, size;
    size_t segment;                          /* of datagrams of one block: the size of each but the last; 0 = it is alone */
    struct hawser__rights *rights;           /* of Unix messages: rights.c; never copied, and gone before the packet is freed */
};

struct hawser__block *hawser__block_new(size_t size);                    /* one reference */
void hawser__block_drop(struct hawser__block *block);                    /* NULL is fine */

/* From FROM to TO (both may be NULL) on HOST, SIZE bytes of BLOCK from OFFSET on. NULL = no memory: as if it were lost. */
hawser__packet *hawser__packet_new(hawser__socket *from, hawser__socket *to, hawser__host *host, struct hawser__block *block,
                               size_t offset, size_t size);
hawser__packet *hawser__packet_copy(const hawser__packet *packet);
void hawser__packet_free(hawser__packet *packet);

/* Whether the path between its hosts carries it, and how long it takes. */
bool hawser__packet_travels(hawser__packet *packet, int64_t *delay);
/* It arrives in DELAY. */
void hawser__wire_put(hawser__packet *packet, int64_t delay);
/* All that takes no time arrives, and what that brings about. Does nothing inside of itself. */
void hawser__wire_run(void);
/* The end of a world, when no host has sockets any more: frees what is under way. Nothing is going to happen after it. */
void hawser__wire_clear(void);

#endif

/* SPDX-License-Identifier: MIT */
#include "server/batch.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/udp.h"

#include <errno.h>
#include <string.h>

#define MESSAGES 64
#define MOST_JOINED 65535

struct hawser__batch {
    atomic_uint owners;
    size_t room;                     /* bytes for a message */
    int count;
    int next;                        /* the message that is to be read, */
    size_t offset;                   /* and where in it, when the kernel has joined several */
    struct mmsghdr messages[MESSAGES];
    struct iovec pieces[MESSAGES];
    struct sockaddr_storage names[MESSAGES];
    _Alignas(struct cmsghdr) char controls[MESSAGES][HAWSER__LETTER_CONTROL];
    char data[];                     /* pages that no datagram reaches are never touched */
};

static struct hawser__batch *new_batch(size_t room) {
    struct hawser__batch *batch = hawser__alloc(sizeof *batch + MESSAGES * room);
    if (!batch)
        return NULL;
    batch->owners = 1;
    batch->room = room;
    batch->count = batch->next = 0;
    batch->offset = 0;
    return batch;
}

struct hawser__batch *hawser__batch_ref(struct hawser__batch *batch) {
    atomic_fetch_add(&batch->owners, 1);
    return batch;
}

void hawser__batch_unref(struct hawser__batch *batch) {
    if (batch && atomic_fetch_sub(&batch->owners, 1) == 1)
        hawser__free(batch);
}

/* The kernel joins datagrams up to its own limit, whatever that of one of them is. */
int hawser__batch_have(struct hawser__batch **batch, const hawser_server *server) {
    if (*batch && atomic_load(&(*batch)->owners) == 1)
        return 0;
    hawser__batch_unref(*batch);
    *batch = new_batch(server->options.segmentation ? MOST_JOINED : server->options.max_packet_size);
    return *batch ? 0 : -ENOMEM;
}

static void prepare(struct hawser__batch *batch) {
    for (int i = 0; i < MESSAGES; i++) {
        batch->pieces[i] = (struct iovec){.iov_base = batch->data + (size_t)i * batch->room, .iov_len = batch->room};
        batch->messages[i].msg_hdr = (struct msghdr){.msg_name = &batch->names[i],
                                                     .msg_namelen = sizeof batch->names[i],
                                                     .msg_iov = &batch->pieces[i],
                                                     .msg_iovlen = 1,
                                                     .msg_control = batch->controls[i],
                                                     .msg_controllen = sizeof batch->controls[i]};
    }
}

int hawser__batch_read(struct hawser__batch *batch, hawser_sock *sock, hawser__deadline deadline) {
    batch->count = batch->next = 0;
    batch->offset = 0;
    int n = hawser__enter(sock, HAWSER__RECEIVER);
    if (n < 0)
        return n;
    hawser__endpoint *endpoint = sock->endpoints[0];
    prepare(batch);
    n = endpoint->engine->ops->recvmmsg(endpoint, batch->messages, MESSAGES, 0, deadline);
    hawser__leave(sock, HAWSER__RECEIVER);
    batch->count = n > 0 ? n : 0;
    return n;
}

uint64_t hawser__batch_size(const struct hawser__batch *batch) {
    uint64_t bytes = 0;
    for (int i = 0; i < batch->count; i++)
        bytes += batch->messages[i].msg_len;
    return bytes;
}

/* What the kernel says of how it has joined. */
static size_t segment_size(const struct msghdr *message, size_t whole) {
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR((struct msghdr *)(uintptr_t)message, part)) {
        int size;
        if (part->cmsg_level != IPPROTO_UDP || part->cmsg_type != UDP_GRO)
            continue;
        memcpy(&size, CMSG_DATA(part), sizeof size);
        return size > 0 && (size_t)size < whole ? (size_t)size : whole;
    }
    return whole;
}

/* A Unix socket without a name has no address. */
static void take_envelope(struct hawser__letter *letter, const struct msghdr *message) {
    hawser_addr *peer = &letter->call.request.peer;
    peer->ss.ss_family = AF_UNSPEC;
    peer->text[0] = '\0';
    peer->len = message->msg_namelen;
    hawser__copy_few((char *)&peer->ss, message->msg_name, message->msg_namelen);
    letter->control_size = message->msg_controllen;
    if (message->msg_controllen > 0)
        memcpy(letter->control, message->msg_control, message->msg_controllen);
}

bool hawser__batch_next(struct hawser__batch *batch, struct hawser__letter *letter) {
    hawser_request *r = &letter->call.request;
    const hawser_server_options *options = &r->server->options;
    if (batch->next == batch->count)
        return false;
    const struct mmsghdr *message = &batch->messages[batch->next];
    size_t whole = message->msg_len, left = whole - batch->offset;
    size_t segment = options->segmentation ? segment_size(&message->msg_hdr, whole) : whole;
    size_t size = left < segment ? left : segment;
    take_envelope(letter, &message->msg_hdr);
    r->data = batch->data + (size_t)batch->next * batch->room + batch->offset;
    r->size = size < options->max_packet_size ? size : options->max_packet_size;
    r->truncated = (message->msg_hdr.msg_flags & MSG_TRUNC) || size > options->max_packet_size;
    batch->offset += size;
    if (batch->offset >= whole) {
        batch->offset = 0;
        batch->next++;
    }
    return true;
}

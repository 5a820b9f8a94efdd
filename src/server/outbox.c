/* SPDX-License-Identifier: MIT */
/*
 * Answers to datagrams. Those of a batch are copied one behind the other and go out with one system call; neighbours of one
 * size for one peer go as one message that the kernel cuts, where it can.
 *
 * An answer never waits: a peer that does not take it, on a Unix socket, would hold up all the others. It is counted and
 * dropped.
 */
#include "server/datagrams.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/udp.h"

#include <hawser/message.h>

#include <errno.h>
#include <string.h>

#define MESSAGES 64
#define SEGMENTS 64
#define ARENA ((size_t)128 * 1024)
#define MOST_JOINED 65000

/* What every answer has comes first: it is one or two cache lines of each, and there are many. */
struct slot {
    struct iovec piece;
    size_t segment;              /* the size of each answer in it */
    unsigned segments;
    unsigned control_size;       /* without what says the size */
    struct sockaddr_storage to;
    _Alignas(struct cmsghdr) char control[HAWSER__LETTER_CONTROL + CMSG_SPACE(sizeof(uint16_t))];
};

struct hawser__outbox {
    hawser_server *server;
    hawser_sock *sock;
    bool joins;
    size_t count, used;
    struct mmsghdr messages[MESSAGES];
    struct slot slots[MESSAGES];
    char arena[ARENA];
};

struct hawser__outbox *hawser__outbox_new(hawser_server *server, hawser_sock *sock) {
    struct hawser__outbox *outbox = hawser__alloc(sizeof *outbox);
    if (!outbox)
        return NULL;
    outbox->server = server;
    outbox->sock = sock;
    outbox->joins = server->options.segmentation && hawser_family(sock) != AF_UNIX;
    outbox->count = outbox->used = 0;
    return outbox;
}

void hawser__outbox_free(struct hawser__outbox *outbox) {
    hawser__free(outbox);
}

/* The interface is the kernel's to choose, except for addresses that mean nothing without it. */
static void free_interface(struct cmsghdr *part) {
    if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo *info = (struct in6_pktinfo *)(void *)CMSG_DATA(part);
        if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
            info->ipi6_ifindex = 0;
    } else {
        ((struct in_pktinfo *)(void *)CMSG_DATA(part))->ipi_ifindex = 0;
    }
}

static bool is_destination(const struct cmsghdr *part) {
    return (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) ||
           (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO);
}

size_t hawser__answer_control(char *control, size_t size) {
    struct msghdr message = {.msg_control = control, .msg_controllen = size};
    size_t used = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&message), *next; part; part = next) {
        size_t space = CMSG_ALIGN(part->cmsg_len);
        next = CMSG_NXTHDR(&message, part);
        if (!is_destination(part))
            continue;
        free_interface(part);
        memmove(control + used, part, part->cmsg_len);
        used += space;
    }
    return used < size ? used : size;
}

static void count_sent(hawser_server *server, size_t bytes) {
    hawser__tally_add(&server->tally->bytes_out, bytes);
}

static void count_lost(hawser_server *server, size_t answers) {
    hawser__tally_add(&server->tally->datagrams_unanswered, answers);
}

/* Where it was sent to may be no address to answer from: a broadcast, a group. */
static ssize_t send_message(hawser_sock *sock, struct msghdr *message) {
    ssize_t n = hawser_sendmsg(sock, message, MSG_DONTWAIT);
    if (n >= 0 || message->msg_controllen == 0 || (errno != EINVAL && errno != EADDRNOTAVAIL && errno != ENETUNREACH))
        return n;
    message->msg_control = NULL;
    message->msg_controllen = 0;
    return hawser_sendmsg(sock, message, MSG_DONTWAIT);
}

/* One at a time, and each by itself where several were joined: after a failure of the faster way. */
static void send_apart(struct hawser__outbox *outbox, struct slot *slot) {
    char *at = slot->piece.iov_base;
    for (size_t left = slot->piece.iov_len; left > 0;) {
        size_t size = left < slot->segment ? left : slot->segment;
        struct iovec piece = {.iov_base = at, .iov_len = size};
        struct msghdr message = outbox->messages[slot - outbox->slots].msg_hdr;
        message.msg_iov = &piece;
        message.msg_control = slot->control_size ? slot->control : NULL;
        message.msg_controllen = slot->control_size;
        if (send_message(outbox->sock, &message) < 0)
            count_lost(outbox->server, 1);
        else
            count_sent(outbox->server, size);
        at += size;
        left -= size;
    }
}

static void write_control(struct hawser__outbox *outbox, size_t i) {
    struct slot *slot = &outbox->slots[i];
    struct msghdr *message = &outbox->messages[i].msg_hdr;
    size_t size = slot->control_size;
    if (slot->segments > 1) {
        struct cmsghdr *part = (struct cmsghdr *)(void *)(slot->control + size);
        uint16_t segment = (uint16_t)slot->segment;
        *part = (struct cmsghdr){.cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof segment)};
        memcpy(CMSG_DATA(part), &segment, sizeof segment);
        size += CMSG_SPACE(sizeof segment);
    }
    message->msg_control = size ? slot->control : NULL;
    message->msg_controllen = size;
}

static int send_some(struct hawser__outbox *outbox, size_t first) {
    hawser_sock *sock = outbox->sock;
    int n = hawser__enter(sock, HAWSER__SENDER);
    if (n < 0)
        return n;
    hawser__endpoint *endpoint = sock->endpoints[0];
    n = endpoint->engine->ops->sendmmsg(endpoint, outbox->messages + first, (unsigned)(outbox->count - first), MSG_DONTWAIT,
                                        HAWSER__NOW);
    hawser__leave(sock, HAWSER__SENDER);
    return n;
}

void hawser__outbox_flush(struct hawser__outbox *outbox) {
    size_t bytes = 0;
    for (size_t i = 0; i < outbox->count; i++)
        write_control(outbox, i);
    for (size_t first = 0; first < outbox->count;) {
        int n = send_some(outbox, first);
        for (size_t i = first; n > 0 && i < first + (size_t)n; i++)
            bytes += outbox->slots[i].piece.iov_len;
        if (n <= 0)
            send_apart(outbox, &outbox->slots[first]);
        first += n > 0 ? (size_t)n : 1;
    }
    if (bytes > 0)
        count_sent(outbox->server, bytes);
    outbox->count = outbox->used = 0;
}

/* Whether an answer of SIZE bytes can be joined to the one before it: same peer, same size or the last and smaller one. */
static bool joins_last(const struct hawser__outbox *outbox, const struct hawser__letter *letter, size_t size) {
    const hawser_addr *peer = &letter->call.request.peer;
    const struct slot *last = &outbox->slots[outbox->count - 1];
    return outbox->joins && size > 0 && size <= last->segment && last->piece.iov_len == last->segment * last->segments &&
           last->segments < SEGMENTS && last->piece.iov_len + size <= MOST_JOINED &&
           outbox->messages[outbox->count - 1].msg_hdr.msg_namelen == peer->len && memcmp(&last->to, &peer->ss, peer->len) == 0;
}

static void begin_slot(struct hawser__outbox *outbox, const struct hawser__letter *letter, size_t size) {
    const hawser_addr *peer = &letter->call.request.peer;
    struct slot *slot = &outbox->slots[outbox->count];
    hawser__copy_few((char *)&slot->to, (const char *)&peer->ss, peer->len);
    slot->piece = (struct iovec){.iov_base = outbox->arena + outbox->used, .iov_len = size};
    slot->segment = size;
    slot->segments = 1;
    slot->control_size = 0;
    if (letter->control_size > 0) {
        memcpy(slot->control, letter->control, letter->control_size);
        slot->control_size = (unsigned)hawser__answer_control(slot->control, letter->control_size);
    }
    outbox->messages[outbox->count++] = (struct mmsghdr){
        .msg_hdr = {.msg_name = &slot->to, .msg_namelen = peer->len, .msg_iov = &slot->piece, .msg_iovlen = 1}};
}

void hawser__outbox_add(struct hawser__outbox *outbox, const struct hawser__letter *letter, const void *data, size_t size) {
    if (outbox->used + size > ARENA)
        hawser__outbox_flush(outbox);
    bool joined = outbox->count > 0 && joins_last(outbox, letter, size);
    if (!joined && outbox->count == MESSAGES)
        hawser__outbox_flush(outbox);
    if (joined) {
        outbox->slots[outbox->count - 1].piece.iov_len += size;
        outbox->slots[outbox->count - 1].segments++;
    } else {
        begin_slot(outbox, letter, size);
    }
    memcpy(outbox->arena + outbox->used, data, size);
    outbox->used += size;
}

void hawser__answer_now(const struct hawser__letter *letter, const void *data, size_t size) {
    const hawser_request *r = &letter->call.request;
    _Alignas(struct cmsghdr) char control[HAWSER__LETTER_CONTROL];
    memcpy(control, letter->control, letter->control_size);
    size_t control_size = hawser__answer_control(control, letter->control_size);
    struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
    struct msghdr message = {.msg_name = (void *)(uintptr_t)&r->peer.ss, .msg_namelen = r->peer.len, .msg_iov = &piece,
                             .msg_iovlen = 1, .msg_control = control_size ? control : NULL, .msg_controllen = control_size};
    if (send_message(r->sock, &message) < 0)
        count_lost(r->server, 1);
    else
        count_sent(r->server, size);
}

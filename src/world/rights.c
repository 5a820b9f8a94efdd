/* SPDX-License-Identifier: MIT */
/*
 * Sockets on their way in messages (SCM_RIGHTS). What is on its way stays open, and counts against no limit. It is let go of
 * as if it arrived: on the wire, behind the call that has read or dropped its message; so one that closes others, whose
 * messages have yet others in them, needs no stack.
 */
#include "base/mem.h"
#include "world/descriptors.h"
#include "world/socket_inside.h"

#define MOST 253                     /* in one message: the kernel's SCM_MAX_FD */

struct hawser__rights {
    hawser__packet wire;             /* for the way out; first */
    size_t count;
    hawser__socket *sockets[MOST];
};

void hawser__rights_drop(struct hawser__rights *rights) {
    for (size_t i = 0; rights && i < rights->count; i++)
        hawser__sock_unpin(rights->sockets[i]);
    hawser__free(rights);
}

static void arrive(hawser__packet *packet) {
    hawser__rights_drop((struct hawser__rights *)packet);
}

void hawser__rights_discard(hawser__packet *packet) {
    struct hawser__rights *rights = packet->rights;
    packet->rights = NULL;
    if (!rights)
        return;
    rights->wire.arrive = arrive;
    hawser__wire_put(&rights->wire, 0);
}

/* Sending. */

static int add(struct hawser__rights *rights, const hawser__host *host, const struct cmsghdr *part) {
    size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    if (count > MOST - rights->count)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        int number;
        memcpy(&number, CMSG_DATA(part) + i * sizeof number, sizeof number);
        const struct hawser__descriptor *at = hawser__descriptor_at(host, number);
        if (!at)
            return -EBADF;
        hawser__sock_pin(at->socket);
        rights->sockets[rights->count++] = at->socket;
    }
    return 0;
}

static int take_part(const hawser__socket *socket, const struct cmsghdr *part, size_t left, struct hawser__rights **rights) {
    if (part->cmsg_len < sizeof *part || part->cmsg_len > left)
        return -EINVAL;
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type == SCM_CREDENTIALS)
        return 0;
    if (part->cmsg_type != SCM_RIGHTS)
        return -EINVAL;
    if (!*rights && part->cmsg_len > CMSG_LEN(0) && !(*rights = hawser__zalloc(sizeof **rights)))
        return -ENOMEM;
    return *rights ? add(*rights, socket->host, part) : 0;
}

int hawser__rights_take(const hawser__socket *socket, const struct msghdr *msg, struct hawser__rights **ret) {
    struct msghdr *whole = (struct msghdr *)(uintptr_t)msg;   /* CMSG_NXTHDR reads only */
    const char *end = (const char *)msg->msg_control + msg->msg_controllen;
    int result = 0;
    *ret = NULL;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(whole); part && result == 0; part = CMSG_NXTHDR(whole, part))
        result = take_part(socket, part, (size_t)(end - (const char *)part), ret);
    if (result < 0) {
        hawser__rights_drop(*ret);
        *ret = NULL;
    }
    return result;
}

/* Receiving. */

/* As many numbers as ROOM and the host's limit allow. */
static size_t make_numbers(const struct hawser__rights *rights, size_t room, int numbers[MOST]) {
    size_t most = room > CMSG_LEN(0) ? (room - CMSG_LEN(0)) / sizeof numbers[0] : 0, count = 0;
    for (; count < rights->count && count < most; count++) {
        numbers[count] = hawser__descriptor_new(rights->sockets[count]);
        if (numbers[count] < 0)
            break;
    }
    return count;
}

void hawser__rights_give(const hawser__packet *packet, struct msghdr *msg, size_t room) {
    const struct hawser__rights *rights = packet ? packet->rights : NULL;
    int numbers[MOST];
    size_t count = rights ? make_numbers(rights, room, numbers) : 0;
    if (count > 0)
        hawser__control_give(msg, room, SOL_SOCKET, SCM_RIGHTS, numbers, count * sizeof numbers[0]);
    if (rights && count < rights->count)
        msg->msg_flags |= MSG_CTRUNC;
}

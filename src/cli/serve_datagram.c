/* SPDX-License-Identifier: MIT */
/*
 * Datagrams: one fiber a socket, each datagram answered to where it came from, from the address it was sent to.
 *
 * Answers never wait: a Unix client that does not read its answers loses them and holds nobody up.
 */
#include "cli/format.h"
#include "cli/report.h"
#include "cli/serve.h"
#include "cli/serve_log.h"
#include "cli/serve_room.h"
#include "cli/serve_signals.h"

#include <stdlib.h>
#include <string.h>

#define LARGEST 65536

struct post {
    const struct service *service;
    struct totals *totals;
    hawser_sock *sock;
    char *in, *out;
};

/* One datagram, and where it was sent to: the control data goes back as it came. */
struct letter {
    hawser_addr from;
    struct iovec piece;
    struct msghdr message;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static void address_letter(struct letter *letter, void *data, size_t size) {
    letter->piece = (struct iovec){.iov_base = data, .iov_len = size};
    letter->message = (struct msghdr){
        .msg_name = &letter->from.ss,
        .msg_namelen = sizeof letter->from.ss,
        .msg_iov = &letter->piece,
        .msg_iovlen = 1,
        .msg_control = letter->control,
        .msg_controllen = sizeof letter->control,
    };
}

static ssize_t receive(struct post *post, struct letter *letter) {
    address_letter(letter, post->in, LARGEST);
    ssize_t n = hawser_recvmsg(post->sock, &letter->message, 0);
    letter->from.len = n < 0 ? 0 : letter->message.msg_namelen;
    return n;
}

/* Two servers that answer each other would never stop, and the sender of a datagram can be forged. */
static bool may_answer(struct post *post, struct letter *letter) {
    hawser_addr own;
    int64_t port = hawser_addr_port(&letter->from);
    if (hawser_addr_family(&letter->from) == AF_UNIX)
        return letter->from.len > sizeof(sa_family_t);
    return port >= 1024 && hawser_getsockname(post->sock, &own) == 0 && hawser_addr_port(&own) != port;
}

/* The interface is the kernel's to choose, except for addresses that mean nothing without it. */
static void free_interface(struct msghdr *message) {
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo *info = (struct in6_pktinfo *)(void *)CMSG_DATA(part);
            if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
                info->ipi6_ifindex = 0;
        } else if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
            ((struct in_pktinfo *)(void *)CMSG_DATA(part))->ipi_ifindex = 0;
        }
    }
}

static ssize_t send_answer(struct post *post, struct letter *letter, const char *data, size_t size) {
    letter->piece = (struct iovec){.iov_base = (char *)(uintptr_t)data, .iov_len = size};
    letter->message.msg_namelen = letter->from.len;
    letter->message.msg_flags = 0;
    free_interface(&letter->message);
    ssize_t n = hawser_sendmsg(post->sock, &letter->message, MSG_DONTWAIT);
    if (n >= 0 || letter->message.msg_controllen == 0)
        return n;
    letter->message.msg_control = NULL;   /* it was sent to a broadcast or multicast address, which cannot be a source */
    letter->message.msg_controllen = 0;
    return hawser_sendmsg(post->sock, &letter->message, MSG_DONTWAIT);
}

static void answer(struct post *post, struct letter *letter, size_t size) {
    const struct service *service = post->service;
    char in[FORMAT_ROOM], out[FORMAT_ROOM];
    bool at_start = true, allowed = may_answer(post, letter);
    const char *data = service->datagram ? service->datagram : post->out;
    size_t length = service->datagram ? strlen(data) : service->answer(post->in, size, &at_start, post->out);
    ssize_t sent = allowed ? send_answer(post, letter, data, length) : 0;
    const char *failure = sent >= 0 ? NULL : errno == EAGAIN ? "no room there" : report_reason(errno);
    const char *problem = allowed ? failure : "not answered";
    post->totals->served++;
    post->totals->in += size;
    post->totals->out += sent > 0 ? (uint64_t)sent : 0;
    post->totals->errors += problem != NULL;
    serve_log_event(LOG_ANSWERED, "%s  out %s  in %s%s%s", hawser_addr_str(&letter->from),
                    format_bytes(out, sent > 0 ? (uint64_t)sent : 0), format_bytes(in, size), problem ? "  " : "",
                    problem ? problem : "");
}

/* Until it is cancelled. */
static int answer_all(void *arg) {
    struct post *post = arg;
    struct patience patience = {.delay = 0};
    struct letter letter;
    hawser_fiber_setname("datagrams");
    for (;;) {
        ssize_t n = receive(post, &letter);
        if (n >= 0) {
            patience.delay = 0;
            answer(post, &letter, (size_t)n);
        } else if (errno == ECANCELED || !serve_room_wait(&patience, report_reason(errno))) {
            return -1;
        }
    }
}

/* On a socket for every address the kernel has to say which one a datagram was for. */
static void ask_for_destination(hawser_sock *sock) {
    if (hawser_family(sock) == AF_INET6)
        (void)hawser_setsockopt_int(sock, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    else if (hawser_family(sock) == AF_INET)
        (void)hawser_setsockopt_int(sock, IPPROTO_IP, IP_PKTINFO, 1);
}

static int start(struct post *post, hawser_group *work) {
    const hawser_go_options options = {.worker = HAWSER_ANY_WORKER, .group = work};
    post->in = malloc(LARGEST);
    post->out = malloc((size_t)SERVICE_GROWTH * LARGEST);
    if (!post->in || !post->out) {
        errno = ENOMEM;
        return -1;
    }
    ask_for_destination(post->sock);
    return hawser_go_with(&options, answer_all, post);
}

static void finish(struct post *post) {
    hawser_close(post->sock);
    free(post->in);
    free(post->out);
}

int serve_datagrams(hawser_sock *const *socks, size_t count, const struct service *service, struct totals *totals,
                    hawser_group *work) {
    struct post posts[2] = {{.sock = NULL}};
    int result = 0;
    for (size_t i = 0; i < count; i++)
        posts[i] = (struct post){.service = service, .totals = totals, .sock = socks[i]};
    for (size_t i = 0; i < count && result == 0; i++)
        result = start(&posts[i], work);
    if (result == 0)
        result = hawser_group_wait(work);
    int code = result < 0 && errno != ECANCELED ? errno : 0;
    if (code == 0)
        serve_signals_announce_stop("");
    hawser_group_cancel(work);
    (void)hawser_group_wait(work);
    for (size_t i = 0; i < count; i++)
        finish(&posts[i]);
    errno = code;
    return code == 0 ? 0 : -1;
}

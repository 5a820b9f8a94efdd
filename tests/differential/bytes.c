/* SPDX-License-Identifier: MIT */
/* Deeds: what sockets carry. Bytes are told by their number and a sum. */
#include "deeds.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static unsigned sum_of(const unsigned char *data, ssize_t size) {
    unsigned sum = 1;
    for (ssize_t i = 0; i < size; i++)
        sum = sum * 31 + data[i];
    return sum;
}

static void fill_in(struct stage *stage, const struct step *step, unsigned char *data) {
    for (int i = 0; i < step->size; i++)
        data[i] = (unsigned char)(stage->sent[step->slot] + i * 7);
    stage->sent[step->slot]++;
}

void act_send(struct stage *stage, const struct step *step, char *line) {
    unsigned char data[4096];
    fill_in(stage, step, data);
    say_result(line, hawser_send(stage->socks[step->slot], data, (size_t)step->size));
}

void act_sendto(struct stage *stage, const struct step *step, char *line) {
    unsigned char data[4096];
    hawser_addr addr;
    target(stage, step, &addr);
    fill_in(stage, step, data);
    say_result(line, hawser_sendto_addr(stage->socks[step->slot], data, (size_t)step->size, 0, &addr));
}

/* Of a stream the kernel may have delivered a part so far: waits for as much as is to be read. */
static void join(struct stage *stage, hawser_sock *sock) {
    unsigned char data[4096];
    long wanted = stage->waits ? strtol(stage->expected, NULL, 10) : 0;
    if (hawser_type(sock) != SOCK_STREAM)
        return;
    while (wanted > 0 && hawser_recv_flags(sock, data, (size_t)wanted, MSG_PEEK) < wanted && stage->patience-- > 0)
        hawser_sleep(0.001);
}

void act_recv(struct stage *stage, const struct step *step, char *line) {
    unsigned char data[4096];
    char who[16];
    hawser_addr peer = {.len = 0};
    hawser_sock *sock = stage->socks[step->slot];
    join(stage, sock);
    ssize_t n = hawser_recvfrom_flags(sock, data, (size_t)step->size, step->how % 4 == 0 ? MSG_PEEK : 0, &peer);
    if (n < 0)
        say_result(line, n);
    else
        say(line, "%zd from %s, sum %x", n, owner_of(stage, &peer, who), sum_of(data, n));
}

/* Messages of parts, with and without a name. */

void act_message(struct stage *stage, const struct step *step, char *line) {
    unsigned char data[4096];
    size_t first = (size_t)step->size / 3, second = first / 2;
    size_t both = first + second;
    struct iovec parts[3] = {{data, first}, {data + first, second}, {data + both, (size_t)step->size - both}};
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 3};
    hawser_addr addr;
    if (step->how % 3 == 0) {
        target(stage, step, &addr);
        msg.msg_name = &addr.ss;
        msg.msg_namelen = addr.len;
    }
    fill_in(stage, step, data);
    say_result(line, hawser_sendmsg(stage->socks[step->slot], &msg, 0));
}

void act_fetch(struct stage *stage, const struct step *step, char *line) {
    static const int flags[] = {0, MSG_TRUNC, MSG_PEEK, MSG_PEEK | MSG_TRUNC};
    unsigned char data[4096] = {0};
    char who[16];
    size_t first = (size_t)step->size / 3, second = (size_t)step->size / 8;
    struct iovec parts[2] = {{data, first}, {data + first, second}};
    hawser_addr peer = {.len = 0};
    hawser_sock *sock = stage->socks[step->slot];
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2, .msg_name = &peer.ss, .msg_namelen = sizeof peer.ss};
    join(stage, sock);
    ssize_t n = hawser_recvmsg(sock, &msg, hawser_type(sock) == SOCK_STREAM ? 0 : flags[step->how % 4]);
    if (n < 0) {
        say_result(line, n);
        return;
    }
    peer.len = msg.msg_namelen;
    say(line, "%zd from %s, sum %x, flags %x", n, owner_of(stage, &peer, who), sum_of(data, (ssize_t)(first + second)),
        (unsigned)msg.msg_flags);
}

/* More than there is room for: how much that is differs, what comes of it must not. */

#define CHUNK 16384
#define BUFFER 32768

static bool connect_two(int family, hawser_sock *two[2]) {
    hawser_addr addr;
    if (family == AF_UNIX)
        return hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, two) == 0;
    hawser_sock *listener = hawser_socket(family, SOCK_STREAM, 0);
    const char *host = family == AF_INET ? "127.0.0.1" : "::1";
    bool fine = listener && hawser_bind(listener, host, 0) == 0 && hawser_listen(listener, 1) == 0 &&
                hawser_getsockname(listener, &addr) == 0 && (two[0] = hawser_socket(family, SOCK_STREAM, 0));
    if (fine) {
        hawser_setsockopt_int(two[0], SOL_SOCKET, SO_SNDBUF, BUFFER);
        fine = hawser_connect_addr(two[0], &addr) == 0 && (two[1] = hawser_accept(listener, NULL));
    }
    hawser_close(listener);
    return fine;
}

/* The sum of what went out until there was no room. */
static size_t fill_up(hawser_sock *sock, unsigned *sum) {
    static unsigned char data[CHUNK];
    size_t sent = 0;
    for (ssize_t n; sent < (64 << 20); sent += (size_t)n) {
        for (size_t i = 0; i < CHUNK; i++)
            data[i] = (unsigned char)((sent + i) * 7 >> 3);
        if ((n = hawser_send(sock, data, CHUNK)) < 0)
            break;
        for (ssize_t i = 0; i < n; i++)
            *sum = *sum * 31 + data[i];
    }
    return sent;
}

/* Reads up to SIZE bytes; a result that is no count is left in *LAST. */
static size_t drain(hawser_sock *sock, size_t size, unsigned *sum, ssize_t *last) {
    static unsigned char data[CHUNK];
    size_t got = 0;
    *last = 1;
    hawser_settimeout(sock, 1);
    while (got < size && *last > 0) {
        *last = hawser_recv(sock, data, size - got < CHUNK ? size - got : CHUNK);
        for (ssize_t i = 0; i < *last; i++)
            *sum = *sum * 31 + data[i];
        got += *last > 0 ? (size_t)*last : 0;
    }
    return got;
}

static const char *told(ssize_t result) {
    return result > 0 ? "more" : result == 0 ? "the end" : hawser_strerror(errno);
}

static const char *next_is(hawser_sock *sock) {
    ssize_t last;
    drain(sock, SIZE_MAX, &(unsigned){0}, &last);
    return told(last);
}

/* What the writer does when it has filled all there is, before the reader reads. */
static void stop_writing(hawser_sock **writer, int how) {
    const struct linger away = {.l_onoff = 1};
    if (how == 1)
        hawser_shutdown(*writer, SHUT_WR);
    if (how == 3)
        hawser_setsockopt(*writer, SOL_SOCKET, SO_LINGER, &away, sizeof away);
    if (how == 2 || how == 3) {
        hawser_close(*writer);
        *writer = NULL;
    }
}

static void read_all(hawser_sock *two[2], int how, char *line) {
    unsigned written = 0, read = 0;
    ssize_t last;
    size_t size = fill_up(two[0], &written);
    stop_writing(&two[0], how);
    if (how == 3 && hawser_family(two[1]) != AF_UNIX) {
        say(line, "filled, thrown away: %s", next_is(two[1]));
        return;
    }
    size_t got = drain(two[1], size, &read, &last);
    bool same = got == size && read == written;
    hawser_settimeout(two[1], 0);
    if (how == 0)
        say(line, "filled, %s, again %s", same ? "all of it" : "not the same", told(hawser_send(two[0], "x", 1)));
    else
        say(line, "filled, %s, then %s", same ? "all of it" : "not the same", next_is(two[1]));
}

/* The reader goes, with bytes that it has not read. */
static void read_some(hawser_sock *two[2], int how, char *line) {
    unsigned written = 0, read = 0;
    ssize_t last;
    char first[64], second[64];
    size_t size = fill_up(two[0], &written);
    if (how == 5)
        drain(two[1], size / 2, &read, &last);
    hawser_close(two[1]);
    two[1] = NULL;
    hawser_settimeout(two[0], 0);
    ssize_t n = how == 4 ? hawser_send(two[0], "x", 1) : hawser_recv(two[0], first, 1);
    strcpy(first, told(n));
    n = how == 4 ? hawser_recv(two[0], second, 1) : hawser_send(two[0], "x", 1);
    strcpy(second, told(n));
    say(line, "filled, left: %s, %s", first, second);
}

/* Around the largest message that there is room for; the one that overfills the buffer is the last. */
void act_letters(struct stage *stage, const struct step *step, char *line) {
    static unsigned char data[2 * BUFFER];
    (void)stage;
    hawser_sock *two[2] = {NULL, NULL};
    char first[32] = "", second[32] = "";
    if (hawser_socketpair(AF_UNIX, step->how % 2 ? SOCK_DGRAM : SOCK_SEQPACKET, 0, two) == 0) {
        hawser_setsockopt_int(two[0], SOL_SOCKET, SO_SNDBUF, BUFFER);
        hawser_settimeout(two[0], 0);
        snprintf(first, sizeof first, "%s", told(hawser_send(two[0], data, sizeof data - 40 + (size_t)step->size % 20)));
        snprintf(second, sizeof second, "%s", told(hawser_send(two[0], data, 1)));
    }
    say(line, "%s, %s", first, second);
    hawser_close(two[0]);
    hawser_close(two[1]);
}

/* Segments: one call sends several datagrams, which may be received as one message. */

static bool open_letters(int family, bool joins, hawser_sock *two[2]) {
    hawser_addr addr;
    two[0] = hawser_socket(family, SOCK_DGRAM, 0);
    two[1] = hawser_socket(family, SOCK_DGRAM, 0);
    if (!two[0] || !two[1] || hawser_bind(two[1], family == AF_INET ? "127.0.0.1" : "::1", 0) < 0)
        return false;
    hawser_settimeout(two[1], 0);
    return hawser_setsockopt_int(two[1], IPPROTO_UDP, UDP_GRO, joins) == 0 && hawser_getsockname(two[1], &addr) == 0 &&
           hawser_connect_addr(two[0], &addr) == 0;
}

static ssize_t send_in_segments(hawser_sock *sock, const struct step *step, void *data) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
    struct iovec part = {data, (size_t)step->size};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    uint16_t segment = (uint16_t)(step->how % 13 == 0 ? step->how % 20 : 100 + step->other * 97);
    if (step->how % 3 == 0) {
        hawser_setsockopt_int(sock, IPPROTO_UDP, UDP_SEGMENT, segment);
        return hawser_sendmsg(sock, &msg, 0);
    }
    msg.msg_control = control;
    msg.msg_controllen = sizeof control;
    *CMSG_FIRSTHDR(&msg) = (struct cmsghdr){.cmsg_level = IPPROTO_UDP, .cmsg_type = step->how % 17 == 0 ? UDP_GRO : UDP_SEGMENT,
                                            .cmsg_len = CMSG_LEN(sizeof segment)};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &segment, sizeof segment);
    return hawser_sendmsg(sock, &msg, 0);
}

/* The size of the next message, and that of its segments if it says one. */
static ssize_t receive_segments(hawser_sock *sock, unsigned *sum, int *segment) {
    static unsigned char data[4096];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {data, sizeof data};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = hawser_recvmsg(sock, &msg, 0);
    const struct cmsghdr *head = n >= 0 ? CMSG_FIRSTHDR(&msg) : NULL;
    *segment = 0;
    if (head && head->cmsg_level == IPPROTO_UDP && head->cmsg_type == UDP_GRO)
        memcpy(segment, CMSG_DATA(head), sizeof *segment);
    *sum = *sum * 31 + sum_of(data, n);
    return n;
}

void act_segments(struct stage *stage, const struct step *step, char *line) {
    unsigned char data[2000];
    hawser_sock *two[2] = {NULL, NULL};
    unsigned sum = 0, count = 0;
    int segment, told_size = 0;
    fill_in(stage, step, data);
    if (!open_letters(step->how % 2 ? AF_INET : AF_INET6, step->how / 2 % 2, two))
        say_result(line, -1);
    else {
        ssize_t sent = send_in_segments(two[0], step, data), last = 0;
        const char *first = sent < 0 ? hawser_strerror(errno) : "sent";
        for (ssize_t n; count < 200 && (n = receive_segments(two[1], &sum, &segment)) >= 0; count++, last = n)
            told_size = segment;
        say(line, "%.40s %zd, came as %u, sum %x, of %d, the last %zd", first, sent, count, sum, told_size, last);
    }
    hawser_close(two[0]);
    hawser_close(two[1]);
}

void act_flood(struct stage *stage, const struct step *step, char *line) {
    (void)stage;
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6};
    hawser_sock *two[2] = {NULL, NULL};
    int how = step->how % 6;
    if (!connect_two(families[step->how / 6 % 3], two)) {
        say_result(line, -1);
    } else {
        hawser_setsockopt_int(two[0], SOL_SOCKET, SO_SNDBUF, BUFFER);
        hawser_settimeout(two[0], 0);
        (how < 4 ? read_all : read_some)(two, how, line);
    }
    hawser_close(two[0]);
    hawser_close(two[1]);
}

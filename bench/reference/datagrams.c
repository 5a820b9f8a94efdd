/* SPDX-License-Identifier: MIT */
/*
 * The datagram echo to be measured against: what has come is read with one recvmmsg, up to BATCH datagrams, and goes back
 * with one sendmmsg.
 */
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#define BATCH 64
#define SIZE 2048

static char data[BATCH][SIZE];
static struct sockaddr_in peers[BATCH];
static struct iovec pieces[BATCH];
static struct mmsghdr messages[BATCH];

static void prepare(int count) {
    for (int i = 0; i < count; i++) {
        pieces[i] = (struct iovec){.iov_base = data[i], .iov_len = SIZE};
        messages[i].msg_hdr =
            (struct msghdr){.msg_name = &peers[i], .msg_namelen = sizeof peers[i], .msg_iov = &pieces[i], .msg_iovlen = 1};
    }
}

static void answer(int fd, int count) {
    for (int i = 0; i < count; i++)
        pieces[i].iov_len = messages[i].msg_len;
    for (int sent = 0; sent < count;) {
        int n = sendmmsg(fd, messages + sent, (unsigned)(count - sent), 0);
        if (n < 0 && errno != EINTR)
            break; /* datagrams may be lost */
        sent += n < 0 ? 0 : n;
    }
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    inet_pton(AF_INET, BENCH_HOST, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        bench_die("bind");
    bench_say_port_of(fd);
    prepare(BATCH);
    for (;;) {
        int count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        if (count <= 0)
            continue;
        answer(fd, count);
        prepare(count);
    }
}

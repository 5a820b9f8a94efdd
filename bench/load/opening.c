/* SPDX-License-Identifier: MIT */
/*
 * Connecting from as many source addresses as are needed: one address has some 28,000 ports, so each 127.0.0.x takes 10,000
 * connections.
 */
#include "load.h"

#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define PER_SOURCE 10000
#define LOOPBACK 0x7f000001u

/* A socket on source address I; its port is chosen by connect, which may share it between different peers. */
static int source(size_t i, int flags) {
    uint32_t host = LOOPBACK + (uint32_t)(i / PER_SOURCE);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), on = 1;
    if (fd < 0)
        bench_die("socket");
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        bench_die("bind");
    return fd;
}

static int connect_to(int fd, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, BENCH_HOST, &address.sin_addr);
    return connect(fd, (struct sockaddr *)&address, sizeof address);
}

int open_connection(const struct settings *settings, size_t i) {
    int fd = source(i, 0);
    if (connect_to(fd, settings->port) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        bench_die("connect");
    return fd;
}

int begin_connection(const struct settings *settings, size_t i) {
    int fd = source(i, SOCK_NONBLOCK);
    if (connect_to(fd, settings->port) < 0 && errno != EINPROGRESS)
        bench_die("connect");
    return fd;
}

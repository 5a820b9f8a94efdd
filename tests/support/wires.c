/* SPDX-License-Identifier: MIT */
#include "wires.h"

#include "threads.h"

#include <hawser.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "fibers.h"
#include "world.h"

#define SMALL_BUFFER 4096

static long must(long result, const char *what) {
    if (result < 0) {
        fprintf(stderr, "the far end of a test: %s: %s\n", what, strerror(errno));
        abort();
    }
    return result;
}

static int limited(int fd) {
    const struct timeval limit = {(time_t)WAIT_LIMIT, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return fd;
}

static int raw_socket(int family, int type) {
    return limited((int)must(socket(family, type | SOCK_CLOEXEC, 0), "socket"));
}

int raw_port(int fd) {
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    must(getsockname(fd, (struct sockaddr *)&ss, &len), "getsockname");
    return ss.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&ss)->sin6_port)
                                    : ntohs(((struct sockaddr_in *)&ss)->sin_port);
}

static struct sockaddr_in ipv4(const char *host, int port) {
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, host, &sa.sin_addr);
    return sa;
}

static struct sockaddr_in6 ipv6_loopback(int port) {
    return (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
}

static void bind_loopback(int fd, int family) {
    struct sockaddr_in v4 = ipv4("127.0.0.1", 0);
    struct sockaddr_in6 v6 = ipv6_loopback(0);
    if (family == AF_INET6)
        must(bind(fd, (struct sockaddr *)&v6, sizeof v6), "bind ::1");
    else
        must(bind(fd, (struct sockaddr *)&v4, sizeof v4), "bind 127.0.0.1");
}

int raw_listener(int family, int backlog, int *ret_port) {
    int fd = raw_socket(family, SOCK_STREAM);
    bind_loopback(fd, family);
    must(listen(fd, backlog), "listen");
    *ret_port = raw_port(fd);
    return fd;
}

int raw_listener_at(const char *host, int backlog, int *port) {
    int fd = raw_socket(AF_INET, SOCK_STREAM);
    struct sockaddr_in sa = ipv4(host, *port);
    must(bind(fd, (struct sockaddr *)&sa, sizeof sa), host);
    must(listen(fd, backlog), "listen");
    *port = raw_port(fd);
    return fd;
}

static double time_limit(int fd, int option) {
    struct timeval limit = {0};
    socklen_t size = sizeof limit;
    getsockopt(fd, SOL_SOCKET, option, &limit, &size);
    return limit.tv_sec || limit.tv_usec ? (double)limit.tv_sec + (double)limit.tv_usec / 1e6 : WAIT_LIMIT;
}

/* A fiber must not keep its worker from others while it waits for what they bring about. What is not ready in time is left
 * to the call, which tells. False: the time is up. */
static bool let_others(int fd, short events) {
    struct pollfd watched = {.fd = fd, .events = events};
    double end = seconds_now() + time_limit(fd, events == POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO);
    while (in_fiber() && poll(&watched, 1, 0) == 0 && seconds_now() < end)
        rest_a_moment();
    return seconds_now() < end;
}

int raw_accept(int listener) {
    let_others(listener, POLLIN);
    return limited((int)must(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept"));
}

int raw_connect(int family, int port) {
    int fd = raw_socket(family, SOCK_STREAM);
    struct sockaddr_in v4 = ipv4("127.0.0.1", port);
    struct sockaddr_in6 v6 = ipv6_loopback(port);
    if (family == AF_INET6)
        must(connect(fd, (struct sockaddr *)&v6, sizeof v6), "connect to ::1");
    else
        must(connect(fd, (struct sockaddr *)&v4, sizeof v4), "connect to 127.0.0.1");
    return fd;
}

int raw_datagrams(int *ret_port) {
    int fd = raw_socket(AF_INET, SOCK_DGRAM);
    bind_loopback(fd, AF_INET);
    *ret_port = raw_port(fd);
    return fd;
}

int raw_unix_listener(const char *path, int backlog) {
    int fd = raw_socket(AF_UNIX, SOCK_STREAM);
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    must(bind(fd, (struct sockaddr *)&sa, sizeof sa), path);
    must(listen(fd, backlog), "listen");
    return fd;
}

int raw_refusing(int *ret_port) {
    int fd = raw_socket(AF_INET, SOCK_STREAM);
    bind_loopback(fd, AF_INET);
    *ret_port = raw_port(fd);
    return fd;
}

/* A backlog of 0 holds one connection; whoever comes then is not answered at all. */
black_hole dig_black_hole(const char *host, int port) {
    black_hole hole = {.port = port};
    hole.listener = raw_listener_at(host, 0, &hole.port);
    hole.filler = raw_socket(AF_INET, SOCK_STREAM);
    struct sockaddr_in sa = ipv4(host, hole.port);
    must(connect(hole.filler, (struct sockaddr *)&sa, sizeof sa), "fill a queue");
    return hole;
}

void fill_in(black_hole hole) {
    if (hole.listener >= 0) {
        close(hole.filler);
        close(hole.listener);
    }
}

wire tcp_wire(bool small) {
    int port, bytes = SMALL_BUFFER, listener = raw_listener(AF_INET, 5, &port);
    if (small)
        setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    wire w = {.sock = hawser_socket(AF_INET, SOCK_STREAM, 0)};
    must(w.sock ? 0 : -1, "hawser_socket");
    if (small)
        must(hawser_set_sndbuf(w.sock, bytes), "hawser_set_sndbuf");
    must(hawser_connect(w.sock, "127.0.0.1", port), "hawser_connect");
    w.far = raw_accept(listener);
    close(listener);
    return w;
}

/* One half of a socketpair is given to the library, as a program would that got it from elsewhere. */
wire unix_wire(int type) {
    int fds[2];
    must(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), "socketpair");
    wire w = {.sock = hawser_sock_from_fd(fds[0]), .far = limited(fds[1])};
    must(w.sock ? 0 : -1, "hawser_sock_from_fd");
    return w;
}

void cut(wire w) {
    hawser_close(w.sock);
    if (w.far >= 0)
        close(w.far);
}

ssize_t raw_some(int fd, void *buf, size_t size) {
    ssize_t n;
    do
        n = read(fd, buf, size);
    while (n < 0 && errno == EINTR);
    return n;
}

bool raw_read(int fd, void *buf, size_t size) {
    for (size_t done = 0; done < size;) {
        let_others(fd, POLLIN);
        ssize_t n = raw_some(fd, (char *)buf + done, size - done);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

bool raw_write(int fd, const void *data, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL | (in_fiber() ? MSG_DONTWAIT : 0));
        if (n < 0 && errno != EINTR && !(in_fiber() && errno == EAGAIN && let_others(fd, POLLOUT)))
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

long raw_drain(int fd) {
    char buf[65536];
    for (long total = 0;;) {
        let_others(fd, POLLIN);
        ssize_t n = raw_some(fd, buf, sizeof buf);
        if (n == 0)
            return total;
        if (n < 0)
            return -errno;
        total += n;
    }
}

void raw_reset(int fd) {
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), "SO_LINGER");
    close(fd);
}

long stuff(hawser_sock *sock) {
    static const char chunk[4096];
    double timeout = hawser_gettimeout(sock);
    long total = 0;
    hawser_settimeout(sock, 0);
    for (ssize_t n; (n = hawser_send(sock, chunk, sizeof chunk)) > 0;)
        total += n;
    must(errno == EAGAIN ? 0 : -1, "stuff");
    hawser_settimeout(sock, timeout);
    return total;
}

int await_sock(hawser_sock *sock, int events) {
    struct pollfd polled = {.fd = hawser_fileno(sock), .events = events == HAWSER_READABLE ? POLLIN : POLLOUT};
    if (!in_world())
        return hawser_wait_fd(polled.fd, events, WAIT_LIMIT);
    return poll(&polled, 1, (int)(WAIT_LIMIT * 1e3)) == 1 ? events : -1;
}

bool raw_is_cloexec(int fd) {
    return must(fcntl(fd, F_GETFD), "F_GETFD") & FD_CLOEXEC;
}

bool raw_is_nonblocking(int fd) {
    return must(fcntl(fd, F_GETFL), "F_GETFL") & O_NONBLOCK;
}

/* The folder of own_path. */
static char folder[] = "/tmp/hawser-test-XXXXXX";
static pid_t folder_owner;

static void remove_folder(void) {
    char command[sizeof folder + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (folder_owner == getpid() && system(command) != 0)
        fprintf(stderr, "could not remove %s\n", folder);
}

const char *own_path(const char *name) {
    static char paths[16][108];
    static unsigned next;
    if (!folder_owner) {
        must(mkdtemp(folder) ? 0 : -1, "mkdtemp");
        folder_owner = getpid();
        atexit(remove_folder);
    }
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

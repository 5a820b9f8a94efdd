/* SPDX-License-Identifier: MIT */
/*
 * The far end: plain libc sockets on loopback, on ports that the kernel chose, and connections between the library and them.
 *
 * The far end is never the library itself, so that a fault on both sides cannot cancel out. Plain descriptors here block, with
 * a limit of WAIT_LIMIT set on them. Whatever cannot be had ends the program: no test can say anything then.
 */
#ifndef TESTS_WIRES_H
#define TESTS_WIRES_H

#include <hawser/sock.h>

/* A listening TCP socket on 127.0.0.1 (AF_INET) or ::1 (AF_INET6). */
int raw_listener(int family, int backlog, int *ret_port);
/* The same on any IPv4 address text ("127.0.0.2"), at *PORT when that is not 0. */
int raw_listener_at(const char *host, int backlog, int *port);
int raw_accept(int listener);
int raw_connect(int family, int port);
/* A UDP socket on 127.0.0.1. */
int raw_datagrams(int *ret_port);
int raw_unix_listener(const char *path, int backlog);

/* A bound TCP port of 127.0.0.1 on which nobody listens: connecting is refused. Gives the descriptor that holds it. */
int raw_refusing(int *ret_port);

/* A TCP port of HOST that never answers: a listener whose queue is full. */
typedef struct black_hole {
    int listener, filler, port;
} black_hole;
black_hole dig_black_hole(const char *host, int port);
void fill_in(black_hole hole); /* nothing for one whose listener is -1 */

/* A connection: the library's end, and the plain one. Small buffers when SMALL, so that sending soon has to wait. */
typedef struct wire {
    hawser_sock *sock;
    int far;
} wire;
wire tcp_wire(bool small);
wire unix_wire(int type);
void cut(wire w); /* closes both; members may be gone already: NULL and -1 */

/* One read. Where a socket has a time limit, as here, a signal ends it whatever its handler says, and so does a stop of the
 * process: then it is made again. */
ssize_t raw_some(int fd, void *buf, size_t size);
/* Exactly SIZE bytes through a plain descriptor; false when the other side ended or WAIT_LIMIT passed. */
bool raw_read(int fd, void *buf, size_t size);
bool raw_write(int fd, const void *data, size_t size);
/* Reads to the end. The bytes, or -errno. */
long raw_drain(int fd);
/* Closes a TCP connection with a reset. */
void raw_reset(int fd);
/* Sends with timeout 0 until the kernel takes no more, and puts the timeout back. The bytes it took. */
long stuff(hawser_sock *sock);

/* hawser_wait_fd on the descriptor of SOCK, or in a simulated world on what it has instead. */
int await_sock(hawser_sock *sock, int events);

/* A path in a folder of this program's own, which is removed at its end with what is left in it. NAME lives on in the result
 * until the sixteenth call after. */
const char *own_path(const char *name);

/* The port a descriptor is bound to. */
int raw_port(int fd);
bool raw_is_cloexec(int fd);
bool raw_is_nonblocking(int fd);

#endif

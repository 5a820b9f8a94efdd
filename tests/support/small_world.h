/* SPDX-License-Identifier: MIT */
/*
 * A simulated world of two hosts without programs, for tests of its sockets: the test makes the calls, and says when time goes
 * on. Both hosts are up. At the end nothing may be left of it.
 */
#ifndef TESTS_SMALL_WORLD_H
#define TESTS_SMALL_WORLD_H

#include "support.h"

#include "world/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#define MS (INT64_C(1000000))
#define SECOND (1000 * MS)

extern hawser__host *left, *right;

void begin_world(const hawser_sim_model *model);   /* NULL: nothing goes wrong, nothing takes time */
void end_world(void);
/* With these a test has such a world, with a model of zeroes. */
int small_world_setup(void **state);
int small_world_teardown(void **state);
#define world_test(function) cmocka_unit_test_setup_teardown(function, small_world_setup, small_world_teardown)
/* The link both ways between the two. */
void set_link(const hawser_sim_link *link);
void set_cut(hawser__host *from, hawser__host *to, bool cut);

/* Time goes on: until nothing is left to happen (at most a million events), or for so many nanoseconds. */
void settle(void);
void pass(int64_t ns);
int64_t now(void);

/* Sockets and addresses. "127.0.0.1" and the like as hawser_addr_ip takes them; NULL: the host's own IPv4 address. */
hawser__socket *open_socket(hawser__host *host, int family, int type);
int bind_to(hawser__socket *socket, const char *ip, int port);
int connect_to(hawser__socket *socket, const char *ip, int port);
const char *ip_of(const hawser__host *host);
int port_of(hawser__socket *socket);
const char *name_of(hawser__socket *socket);    /* static text, in turns */
const char *peer_of(hawser__socket *socket);
hawser__socket *listen_on(hawser__host *host, int family, const char *ip, int backlog);
/* Both ends of a connection from LEFT to RIGHT, once it is made. */
void connect_hosts(hawser__socket *ret[2]);
/* Within LEFT. */
void connect_within(hawser__socket *ret[2]);
void close_both(hawser__socket *ends[2]);

/* A bare number for the only reference that the test has; and closing a number of LEFT. */
int give_number(hawser__socket *socket);
void close_number(int number);

int bind_path(hawser__socket *socket, const char *path);    /* a path; with a leading @ an abstract name */
int connect_path(hawser__socket *socket, const char *path);

ssize_t say(hawser__socket *socket, const char *text);
ssize_t say_bytes(hawser__socket *socket, size_t size);     /* 'x', 'x' ... */
ssize_t say_to(hawser__socket *socket, const char *text, const char *ip, int port);
ssize_t say_to_path(hawser__socket *socket, const char *text, const char *path);
ssize_t receive(hawser__socket *socket, size_t size, int flags);
/* Receives all that is there; its size. */
size_t receive_all(hawser__socket *socket);
/* What receive has received last, as text. */
extern char heard[65536];
/* SOCKET has this to read, and nothing else. */
#define assert_hears(socket, text)                                                                                             \
    do {                                                                                                                       \
        assert_result(receive(socket, sizeof heard - 1, 0), (ssize_t)strlen(text));                                            \
        assert_string_equal(heard, text);                                                                                      \
    } while (0)
int get_int(hawser__socket *socket, int level, int name);
int set_int(hawser__socket *socket, int level, int name, int value);

/* The trace so far. */
const char *trace_text(void);
void forget_trace(void);

#endif

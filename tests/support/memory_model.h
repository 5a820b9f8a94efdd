/* SPDX-License-Identifier: MIT */
/*
 * The network of the memory engine: sockets that exist only as data.
 *
 * Nothing here waits or locks: every function is called with the engine's lock held, does what can be done at once and gives
 * -EAGAIN where a task would have to wait. Whatever somebody else may be waiting for sets model_changed.
 *
 * The machine modelled owns 127.0.0.0/8 and ::1. Connecting to any other address is never answered.
 */
#ifndef TESTS_MEMORY_MODEL_H
#define TESTS_MEMORY_MODEL_H

#include <hawser/addr.h>

/* Bytes (of a stream) or of all datagrams together that wait for a receiver. */
#define MODEL_CAPACITY 65536
#define MODEL_OPTIONS 12

typedef struct model_packet {
    struct model_packet *next;
    size_t size, taken; /* TAKEN bytes of a stream's packet are already received */
    hawser_addr from;
    unsigned char bytes[];
} model_packet;

enum model_state { MODEL_FRESH, MODEL_LISTENING, MODEL_CONNECTING, MODEL_CONNECTED, MODEL_FAILED };

typedef struct model_socket {
    struct model_socket *next; /* of all sockets */
    unsigned refs;             /* endpoints, or 1 for the queue it waits in */
    int family, type, proto;
    enum model_state state;
    int error; /* pending, given once, as SO_ERROR is */
    bool bound, send_ended, receive_ended;
    hawser_addr own, remote;
    uint64_t file;                           /* of a bound Unix path */
    struct model_socket *peer;               /* connected to; NULL when that one is gone */
    struct model_socket *queue, *queue_next; /* a listener's connections that nobody accepted yet */
    int backlog, queued;
    model_packet *first, *last;
    size_t waiting; /* bytes in the packets */
    struct {
        int level, name;
        socklen_t size;
        unsigned char value[16];
    } options[MODEL_OPTIONS];
} model_socket;

extern bool model_changed;

model_socket *model_open(int family, int type, int proto, int *error);
int model_pair(model_socket *a, model_socket *b);
void model_release(model_socket *socket);
size_t model_sockets(void);

int model_bind(model_socket *socket, const struct sockaddr *sa, socklen_t len);
int model_listen(model_socket *socket, int backlog);
int model_accept(model_socket *listener, model_socket **ret);
int model_connect(model_socket *socket, const struct sockaddr *sa, socklen_t len);
int model_connect_result(model_socket *socket);
int model_shutdown(model_socket *socket, int how);
int model_getsockopt(model_socket *socket, int level, int name, void *value, socklen_t *size);
int model_setsockopt(model_socket *socket, int level, int name, const void *value, socklen_t size);

ssize_t model_receive(model_socket *socket, struct msghdr *msg, int flags);
ssize_t model_send(model_socket *socket, const struct msghdr *msg, int flags);
ssize_t model_unread(model_socket *socket);
/* Bytes that a stream's peer would still take; -EPIPE. */
ssize_t model_room(model_socket *socket);

/* Moves what FROM has and TO takes at this moment, at most SIZE bytes; -EAGAIN when that is nothing, 0 at the end of FROM. */
ssize_t model_splice(model_socket *from, model_socket *to, size_t size);

/* For each other: memory_model.c and memory_packets.c. */
model_socket *model_find(int type, const hawser_addr *addr); /* who hears what is sent there */
int model_bind_for(model_socket *socket, int remote_family); /* a client that did not bind: loopback and a free port */
int model_take_error(model_socket *socket);                  /* negative; 0 = none */
void model_forget_packets(model_socket *socket);
bool model_is_path(const hawser_addr *addr);
const char *model_path(const hawser_addr *addr);

/* The files of the modelled machine: only what a bind finds in its way. */
uint64_t model_file(const char *path);                      /* its number, 0 = none */
uint64_t model_make_file(const char *path, bool is_socket); /* 0 = no room */
bool model_file_is_socket(const char *path);
bool model_file_is_live(const char *path); /* somebody listens there */
void model_remove_file(const char *path);

#endif

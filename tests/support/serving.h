/* SPDX-License-Identifier: MIT */
/*
 * Servers under test: one that serves on a task of its own, and clients made of plain libc calls, over the four transports.
 *
 * Handlers and hooks tell the test what they saw by a board in memory that processes share: one source serves every mode.
 * The server is started with `start` (threads.h): in a test that runs inside a fiber it is the first fiber of a run, too, where
 * forks are refused.
 */
#ifndef TESTS_SERVING_H
#define TESTS_SERVING_H

#include "support.h"

#include <hawser/counters.h>

#include <sys/socket.h>

enum transport { TCP, UDP, UNIX_STREAM, UNIX_DATAGRAM, TRANSPORTS };
#define MODES (HAWSER_SEQUENTIAL + 1)
extern const char *const transport_names[TRANSPORTS];
extern const char *const mode_names[MODES];
static inline bool is_stream(enum transport transport) {
    return transport == TCP || transport == UNIX_STREAM;
}

#define BOARD_COUNTS 8
typedef struct board {
    _Atomic size_t used;
    char text[8192];                     /* words, each followed by a space */
    atomic_int counts[BOARD_COUNTS];     /* the test's own */
    atomic_int troubles;                 /* warnings and errors that the server logged */
    char trouble[512];                   /* the first of them */
} board;
/* An empty board, which lives as long as the program. */
board *new_board(void);
void note(board *on, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The board of a server, or of the one that a request came to. */
board *board_of(const hawser_server *server);

typedef struct serving {
    hawser_server *server;
    enum transport transport;
    board *board;
    struct sockaddr_storage address;
    socklen_t address_len;
    runner run;
    hawser_server_counters counters;     /* filled in when it has stopped */
} serving;

/* Makes a server on loopback, or on a Unix name that only this program has, and does not serve. OPTIONS may be NULL; `user`
 * becomes the board, and what is logged from WARNING on is written there unless OPTIONS have a log. */
void make_server(serving *made, enum transport transport, hawser_handler handle, const hawser_server_options *options);
/* Serves on another task, and returns when that is under way. */
void begin_serving(serving *made);
/* Both. */
void serve(serving *made, enum transport transport, hawser_handler handle, const hawser_server_options *options);
/* The polite stop: waits, joins, reads the counters, closes. */
void stop_serving(serving *made);
/* Only closes. */
void close_server(serving *made);

/* MODE cannot be had here: within a fiber forks are refused, which is asserted. Under a sanitizer that does not follow a fork
 * the test is skipped. */
bool mode_is_refused(hawser_concurrency mode, enum transport transport);

/* A connected descriptor, which waits no longer than WAIT_LIMIT. */
int open_client(const serving *to);
/* Ends it for the peer even if a process that was forked meanwhile has it as well. */
void end_client(int fd);
/* Sends TEXT, and gets exactly ANSWER: from a stream as many bytes, of datagrams a whole one. */
bool ask(int fd, enum transport transport, const char *text, const char *answer);
/* The peer ends the stream, and says nothing more. */
bool ends(int fd);

/* BODY of COUNT clients, each on a plain thread: at once, or one after the other. How many gave 0. */
typedef struct client {
    serving *to;
    int number;
} client;
int run_clients(serving *to, int count, bool at_once, long (*body)(void *client));

/* Waits until COUNT reaches N. */
bool wait_for_count(atomic_int *count, int n);

/* A test for a table, with a name made by FORMAT. */
struct CMUnitTest named_test(CMUnitTestFunction function, const void *state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Servers under test: one that serves on a task of its own, clients made of plain libc calls, over the four transports, and
 * cases that are written once for every mode and transport.
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
atomic_int *count_of(const hawser_request *r, int number);

/* Hooks that note that they were called, and do what the default does. The last one adds 1 to counts[0] when it has. */
int note_get(hawser_server *server, hawser_request *r);
bool note_verify(hawser_request *r);
int note_process(hawser_request *r);
void note_finish_request(hawser_request *r);
int note_setup(hawser_request *r);
void note_finish(hawser_request *r);
void note_error(hawser_request *r, const char *sentence);
void note_shutdown(hawser_request *r);
void note_close(hawser_request *r);
/* All of them. */
hawser_server_options noting(hawser_concurrency mode);
/* Notes, and says no. */
bool note_and_refuse(hawser_request *r);
/* A handler that notes, and sends one line back; the line "fail" is a request that failed. */
void note_and_answer(hawser_request *r);

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
/* Bodies for `start`, with the server as their argument. */
long serve_forever(void *server);
long handle_one(void *server);
/* A condition for `wait_until`: one connection is kept, and no more. */
bool one_is_kept(void *serving);
/* Before a server is made: what a task has from its first wait on is there when it is counted. */
census census_before_serving(void);

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
/* One message, all of it read, on a connection of its own where there are any: the server has nothing more to do for it. */
bool ask_once(const serving *to, const char *text, const char *answer);
/* A request that nobody answers: a connection that is ended at once, or a datagram. Returns when COUNT has reached 1. */
bool call_in_vain(const serving *to, atomic_int *count);

/* BODY of COUNT clients, each on a plain thread: at once, or one after the other. How many gave 0. */
typedef struct client {
    serving *to;
    int number;
} client;
int run_clients(serving *to, int count, bool at_once, long (*body)(void *client));

/* Waits until COUNT reaches N. */
bool wait_for_count(atomic_int *count, int n);

/* Where a case runs. */
typedef struct setting {
    hawser_concurrency mode;
    enum transport transport;
} setting;

/* Runs once for each of its modes with each of its transports: sets of BIT. The test's name has the mode, the transport. A set
 * that is 0 is the first of all, and not in the name. A mode that cannot be had is only asserted to be refused. */
typedef struct serving_case {
    const char *name;
    void (*body)(const setting *in);
    unsigned modes, transports;
} serving_case;
#define BIT(number) (1U << (number))
#define ALL_MODES (BIT(MODES) - 1)
#define ALL_TRANSPORTS (BIT(TRANSPORTS) - 1)
#define CASE(body, modes, transports) {#body, body, modes, transports}
#define EVERYWHERE(body) CASE(body, ALL_MODES, ALL_TRANSPORTS)

/* The result is for main. */
#define run_cases(cases) run_some_cases(cases, sizeof(cases) / sizeof *(cases))
int run_some_cases(const serving_case *cases, size_t count);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The frame of our own servers, and what a customer would write: a listener, an accept loop, a fiber for each connection.
 * With several workers each connection goes to the one with the fewest fibers.
 */
#ifndef BENCH_SERVE_H
#define BENCH_SERVE_H

#include <hawser.h>

/* Serves for ever on WORKERS workers; HANDLER gets the connection (a hawser_sock) and closes it. The exit status. */
int serve(long workers, hawser_fn handler);

/* The same with a server whose handler is HANDLE, of TYPE SOCK_STREAM or SOCK_DGRAM; MORE options may be NULL. */
int serve_requests(long workers, int type, hawser_handler handle, const hawser_server_options *more);

/* Runs FN(ARG) as the first fiber on WORKERS workers. The exit status. */
int serve_run(long workers, hawser_fn fn, void *arg);

/* Prints hawser_error() and ends the process. */
_Noreturn void serve_die(void);

/* A listener whose port has been said; ends the process when there is none. */
hawser_sock *serve_listen(int type);

#endif

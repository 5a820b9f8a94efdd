/* SPDX-License-Identifier: MIT */
/*
 * The signals of "hawser serve". The first SIGINT or SIGTERM stops the server and nothing else, so that conversations can come
 * to their end; the second ends the process. SIGUSR1 writes what every fiber does to standard error.
 *
 * A server that stops refuses new connections: its listener is made deaf when what waited there has been taken. Only the hook
 * get_request can tell when that is.
 */
#ifndef CLI_SERVE_SIGNALS_H
#define CLI_SERVE_SIGNALS_H

#include <hawser.h>

/* The hooks that this needs. DEAFENS: the listeners are connections' and our own, as those of a service manager are not.
 * In a run a fiber says that the server stops, else (DIRECT) the loop of the server does. */
void serve_signals_fill(hawser_server_options *options, bool deafens, bool direct);

/* From now on the signals are heard: the first that asks for it stops SERVER, which then has SECONDS to come to its end. 0, or
 * -1 with errno. */
int serve_signals_start(hawser_server *server, double seconds);

/* SERVER, which has stopped, is not touched any more. Says that it stopped because of a signal, if that is so and has not been
 * said. */
void serve_signals_end(void);

#endif

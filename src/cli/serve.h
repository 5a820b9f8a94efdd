/* SPDX-License-Identifier: MIT */
/*
 * The inside of "hawser serve", which is a hawser_server and what its operator sees of it: serve.c is the command line and
 * owns the server, serve_open.c listens, serve_handler.c answers, serve_metrics.c shows the counters.
 */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "cli/service.h"

#include <hawser.h>

/* What runs for each request, into *OPTIONS; SERVICE is what hawser_server_user gives from now on. */
void serve_handler_fill(hawser_server_options *options, const struct service *service);

/* The handler: a connection to its end, or one datagram. */
void serve_handle(hawser_request *r);

/* Whether SERVER has datagrams to answer, and no connections. */
bool serve_answers_datagrams(const hawser_server *server);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The counters of the server over HTTP, as Prometheus asks for them: a server of its own on an address of its own. Where there
 * are fibers it is one of them; a server of processes has it in one more process, which reads the counters in the memory that
 * all of them share.
 */
#ifndef CLI_SERVE_METRICS_H
#define CLI_SERVE_METRICS_H

#include "cli/serve_open.h"

#define SERVE_METRICS_CONNECTIONS 16

/* Listens at PLACE for those who want to know what SERVER counts. 0; or the exit status, after an error message. */
int serve_metrics_open(const struct place *place, hawser_server *server);

/* Answers from now on, in a process if there is no run. Does nothing when it is not open, as the other two. 0, or -1 with
 * errno. */
int serve_metrics_start(void);

/* "metrics at ...". */
void serve_metrics_describe(void);

/* Ends it: the server is going away. */
void serve_metrics_end(void);

#endif

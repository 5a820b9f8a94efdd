/* SPDX-License-Identifier: MIT */
/* How a connection was reached, why it was not, and why it broke: the sentences of "hawser connect". */
#ifndef CLI_CONNECT_REPORT_H
#define CLI_CONNECT_REPORT_H

#include "cli/address.h"

#include <hawser.h>

/* "connected to localhost: 127.0.0.1:12345 (::1 refused)". Reads hawser_attempts. */
void connect_report_reached(const struct address *address, hawser_addr *peer);

/* The connection failed with CODE after SECONDS of TIMEOUT. Reads hawser_attempts. Returns the exit status. */
int connect_report_failed(const struct address *address, int code, double seconds, double timeout);

/* The connection with PEER broke with CODE, after IN and OUT bytes. Returns the exit status. */
int connect_report_broken(const char *peer, int code, uint64_t in, uint64_t out);

#endif

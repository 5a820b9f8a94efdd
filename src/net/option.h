/* SPDX-License-Identifier: MIT */
#ifndef HAWSER__OPTION_H
#define HAWSER__OPTION_H

#include "sched/engine.h"

#include <hawser/option.h>

#define HAWSER__KEEPALIVE 15   /* seconds */

int hawser__endpoint_set_int(hawser__endpoint *endpoint, int level, int name, int value);
int hawser__endpoint_keepalive(hawser__endpoint *endpoint, int idle);

/* TCP_NODELAY and keep-alive. On a listener, which on Linux hands them down to what it accepts. Best effort. */
void hawser__endpoint_tune(hawser__endpoint *endpoint);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef HAWSER__CONNECT_H
#define HAWSER__CONNECT_H

#include "sched/engine.h"

/* Connects one endpoint: 0 or a negative code. With HAWSER__NOW what is under way is -EINPROGRESS. */
int hawser__connect(hawser__endpoint *endpoint, const struct sockaddr *sa, socklen_t len, hawser__deadline deadline);

#endif

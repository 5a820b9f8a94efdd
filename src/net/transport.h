/* SPDX-License-Identifier: MIT */
/* The transport that every socket starts with: straight to the engine. */
#ifndef HAWSER__TRANSPORT_H
#define HAWSER__TRANSPORT_H

#include "net/handle.h"

extern const struct hawser__transport hawser__plain_transport;

#endif

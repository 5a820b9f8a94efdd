/* SPDX-License-Identifier: MIT */
/*
 * hawser.h: the whole library. It only includes the topic headers, in the order a newcomer reads them.
 *
 * Conventions that hold everywhere:
 *  - A call returns a count or 0 on success, and -1 (or NULL) with errno set on failure. The end of a stream is 0.
 *  - After a failure hawser_error() is a whole sentence about it, for the calling task.
 *  - Times are seconds as double; sizes are bytes.
 *  - Every call that can wait parks its task only: in a fiber the fiber, on a plain thread the thread.
 *  - Opaque objects: whoever opens closes; close and free accept NULL. Option structs: zeroed (or NULL) means defaults.
 */
#ifndef HAWSER_H
#define HAWSER_H

#include <hawser/common.h>
#include <hawser/error.h>
#include <hawser/world.h>
#include <hawser/addr.h>
#include <hawser/names.h>
#include <hawser/sock.h>
#include <hawser/io.h>
#include <hawser/message.h>
#include <hawser/option.h>
#include <hawser/dial.h>
#include <hawser/listen.h>
#include <hawser/file.h>
#include <hawser/run.h>
#include <hawser/group.h>
#include <hawser/deadline.h>
#include <hawser/sync.h>
#include <hawser/channel.h>
#include <hawser/offload.h>
#include <hawser/relay.h>
#include <hawser/request.h>
#include <hawser/server.h>
#include <hawser/counters.h>
#include <hawser/activation.h>
#include <hawser/sim.h>

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Deadlines that enclose code: from push to pop every call of the calling task that waits fails with ETIMEDOUT when the time
 * is up, whatever its own timeout. They nest, and an inner one never lasts longer than an outer one.
 *
 *     int64_t outer = hawser_deadline_push(5.0);
 *     talk(sock);                                   (all of it has five seconds)
 *     hawser_deadline_pop(outer);
 *
 * A deadline belongs to its task, a fiber or a plain thread: a fiber that is started inside does not have it. What can be
 * done at once still is when the time is up. Closing and freeing ignore deadlines.
 */
#ifndef HAWSER_DEADLINE_H
#define HAWSER_DEADLINE_H

#include <hawser/common.h>

HAWSER_BEGIN

/* From here on the calling task has at most SECONDS. 0: it does not wait at all, and what would is EAGAIN;
 * HAWSER_NO_TIMEOUT: only the deadlines around it count. Gives what hawser_deadline_pop needs; -1 with EINVAL (negative or
 * no number), ERANGE (above 1e9). Python: asyncio.timeout. */
int64_t hawser_deadline_push(double seconds);

/* Back to the deadline that was there before: OUTER is what push gave; -1 (its failure) does nothing. */
void hawser_deadline_pop(int64_t outer);

/* Seconds left to the calling task; 0 when the time is up, HAWSER_NO_TIMEOUT without a deadline. */
double hawser_deadline_left(void);

HAWSER_END

#endif

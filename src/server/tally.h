/* SPDX-License-Identifier: MIT */
/*
 * What a server counts. The numbers lie in memory of their own, shared with the children of forks, and are atomic: any task,
 * thread or child adds to them. One cache line each would be wasteful; what every request touches is together.
 */
#ifndef HAWSER__TALLY_H
#define HAWSER__TALLY_H

#include <hawser/counters.h>

#include <stdatomic.h>

struct hawser__tally {
    _Atomic uint64_t accepted, datagrams, active, kept, finished, failed, cut, broken;
    _Atomic uint64_t refused_network, refused_peer, refused_proxy, refused_verify;
    _Atomic uint64_t timed_out_idle, timed_out_first_byte, timed_out_request, timed_out_rate;
    _Atomic uint64_t paused, shortages, lines_too_long, datagrams_truncated, datagrams_unanswered;
    _Atomic uint64_t bytes_in, bytes_out, calls, call_ns;
    _Atomic uint64_t call_times[HAWSER_TIME_BUCKETS];
    atomic_bool stopping;   /* the server is; for the children of forks, who see it nowhere else */
};

/* Zeroed, in shared memory; NULL: none is to be had. */
struct hawser__tally *hawser__tally_new(void);
void hawser__tally_free(struct hawser__tally *tally);

static inline void hawser__tally_add(_Atomic uint64_t *count, uint64_t n) {
    atomic_fetch_add_explicit(count, n, memory_order_relaxed);
}

/* N calls of a handler took NS nanoseconds, all in all. */
void hawser__tally_calls(struct hawser__tally *tally, uint64_t n, int64_t ns);

/* A picture of TALLY. */
void hawser__tally_read(struct hawser__tally *tally, hawser_server_counters *out);

/* COUNTERS as Prometheus reads them, cut to SIZE and NUL-terminated. The length of the whole. */
size_t hawser__counters_text(const hawser_server_counters *counters, char *out, size_t size);

#endif

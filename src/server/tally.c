/* SPDX-License-Identifier: MIT */
#include "server/tally.h"

#include "base/machine.h"
#include "base/mem.h"
#include "base/sys_memory.h"

/* A lock would be this process's own, and guard nothing against the others that share the memory. */
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "counts are atomic without a lock");

#define FIRST_BUCKET_NS 10000

struct hawser__tally *hawser__tally_new(void) {
    void *memory;
    if (hawser__machine_here)
        return hawser__zalloc(sizeof(struct hawser__tally));   /* there are no children to share it with */
    return hawser__sys_mmap_shared(sizeof(struct hawser__tally), &memory) < 0 ? NULL : memory;
}

void hawser__tally_free(struct hawser__tally *tally) {
    if (hawser__machine_here)
        hawser__free(tally);
    else if (tally)
        hawser__sys_munmap(tally, sizeof *tally);
}

/* Bucket I reaches to 2^I * FIRST_BUCKET_NS, that included, so I is the number of bits of (NS - 1) / FIRST_BUCKET_NS: without a
 * loop, and the division by a constant is a multiplication. */
static size_t bucket_of(int64_t ns) {
    uint64_t before = ns > 0 ? ((uint64_t)ns - 1) / FIRST_BUCKET_NS : 0;
    size_t bits = before > 0 ? 64 - (size_t)__builtin_clzll(before) : 0;
    return bits < HAWSER_TIME_BUCKETS ? bits : HAWSER_TIME_BUCKETS - 1;
}

void hawser__tally_calls(struct hawser__tally *tally, uint64_t n, int64_t ns) {
    if (n == 0)
        return;
    hawser__tally_add(&tally->calls, n);
    hawser__tally_add(&tally->call_ns, ns > 0 ? (uint64_t)ns : 0);
    hawser__tally_add(&tally->call_times[bucket_of(ns / (int64_t)n)], n);
}

/* What is the same number in both. */
#define SAME(field) {offsetof(struct hawser__tally, field), offsetof(hawser_server_counters, field)}
static const struct {
    size_t from, to;
} same[] = {
    SAME(accepted), SAME(datagrams), SAME(active), SAME(kept), SAME(finished), SAME(failed), SAME(cut), SAME(broken),
    SAME(refused_network), SAME(refused_peer), SAME(refused_proxy), SAME(refused_verify),
    SAME(timed_out_idle), SAME(timed_out_first_byte), SAME(timed_out_request), SAME(timed_out_rate),
    SAME(paused), SAME(shortages), SAME(lines_too_long), SAME(datagrams_truncated), SAME(datagrams_unanswered),
    SAME(bytes_in), SAME(bytes_out), SAME(calls),
};
#define COPIES (sizeof same / sizeof *same)
_Static_assert((COPIES + 1 + HAWSER_TIME_BUCKETS) * sizeof(uint64_t) == sizeof(hawser_server_counters),
               "every member but call_seconds and call_times is copied");

static uint64_t value(_Atomic uint64_t *count) {
    return atomic_load_explicit(count, memory_order_relaxed);
}

void hawser__tally_read(struct hawser__tally *tally, hawser_server_counters *out) {
    for (size_t i = 0; i < COPIES; i++)
        *(uint64_t *)((char *)out + same[i].to) = value((_Atomic uint64_t *)((char *)tally + same[i].from));
    out->call_seconds = (double)value(&tally->call_ns) / 1e9;
    for (size_t i = 0; i < HAWSER_TIME_BUCKETS; i++)
        out->call_times[i] = value(&tally->call_times[i]);
}

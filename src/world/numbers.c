/* SPDX-License-Identifier: MIT */
#include "world/numbers.h"

#include "base/clock.h"

#include <errno.h>
#include <math.h>

bool hawser__numbers_share_of(double value, uint32_t *ret) {
    if (!(value >= 0 && value <= 1))
        return false;
    *ret = (uint32_t)(value * 1e6 + 0.5);
    return true;
}

bool hawser__numbers_ns(double seconds, int64_t *ret) {
    int64_t ns = isinf(seconds) || seconds < 0 ? -1 : hawser__timeout_ns(seconds);
    if (ns < 0)
        return false;
    *ret = ns;
    return true;
}

static bool take_rate(double value, int64_t *ret) {
    if (!(value >= 0 && value <= 1e15))
        return false;
    *ret = value > 0 && value < 1 ? 1 : (int64_t)value;
    return true;
}

static bool take_drift(double value, int32_t *ret) {
    uint32_t millionths;
    if (!(value < 0.5) || !hawser__numbers_share_of(value, &millionths))
        return false;
    *ret = (int32_t)millionths;
    return true;
}

#define TAKE(how, field, to)                                                                                                  \
    if (!how(from->field, &(to)->field))                                                                                      \
        return *fault = #field, -EINVAL

int hawser__path_take(hawser__path *path, const hawser_sim_link *from, const char **fault) {
    TAKE(hawser__numbers_ns, latency, path);
    TAKE(hawser__numbers_ns, jitter, path);
    TAKE(hawser__numbers_share_of, loss, path);
    TAKE(hawser__numbers_share_of, duplicate, path);
    TAKE(hawser__numbers_share_of, reorder, path);
    TAKE(take_rate, bandwidth, path);
    path->cut = from->cut;
    return 0;
}

static int take_chances(struct hawser__limits *limits, const hawser_sim_model *from, const char **fault) {
    TAKE(hawser__numbers_share_of, short_reads, limits);
    TAKE(hawser__numbers_share_of, short_writes, limits);
    TAKE(hawser__numbers_share_of, refuse, limits);
    TAKE(hawser__numbers_share_of, black_hole, limits);
    TAKE(hawser__numbers_share_of, half_open, limits);
    TAKE(hawser__numbers_share_of, lookup_fails, limits);
    TAKE(hawser__numbers_share_of, allocation_fails, limits);
    TAKE(take_drift, clock_drift, limits);
    return 0;
}

static int take_times(struct hawser__limits *limits, const hawser_sim_model *from, const char **fault) {
    TAKE(hawser__numbers_ns, reset_every, limits);
    TAKE(hawser__numbers_ns, crash_every, limits);
    TAKE(hawser__numbers_ns, crash_time, limits);
    TAKE(hawser__numbers_ns, partition_every, limits);
    TAKE(hawser__numbers_ns, partition_time, limits);
    TAKE(hawser__numbers_ns, clock_skew, limits);
    TAKE(hawser__numbers_ns, offload_time, limits);
    TAKE(hawser__numbers_ns, lookup_time, limits);
    TAKE(hawser__numbers_ns, time_limit, limits);
    TAKE(take_rate, read_rate, limits);
    return 0;
}

int hawser__limits_take(struct hawser__limits *limits, const hawser_sim_model *model, const char **fault) {
    hawser__path path;
    int result = hawser__path_take(&path, &model->link, fault);
    if (result == 0)
        result = take_chances(limits, model, fault);
    if (result == 0)
        result = take_times(limits, model, fault);
    if (result == 0 && (model->workers < 0 || model->workers > HAWSER__PROCESSORS_MOST))
        result = (*fault = "workers", -EINVAL);
    if (result == 0 && model->descriptors < 0)
        result = (*fault = "descriptors", -EINVAL);
    limits->buffer = model->buffer > 0 ? model->buffer : 65536;
    limits->processors = model->workers > 0 ? model->workers : 2;
    if (limits->time_limit == 0)
        limits->time_limit = 86400 * HAWSER__SECOND;
    return result;
}

/* SPDX-License-Identifier: MIT */
/*
 * Counters as Prometheus reads them (text format 0.0.4). Every number is written from integers: the point of a printed double
 * would be the locale's.
 */
#include "server/tally.h"

#include "net/addr_forms.h"

#include <inttypes.h>

#define PREFIX "hawser_server_"
#define CALLS PREFIX "call_seconds"
#define NS_PER_SECOND 1000000000u
#define FIRST_BUCKET_US 10u

/* A line of the text; HELP begins a metric, and the lines without it that follow are of the same. */
struct sample {
    const char *name, *label;   /* LABEL NULL: none */
    size_t offset;
    const char *type, *help;
};

#define AT(field) offsetof(hawser_server_counters, field)

static const struct sample samples[] = {
    {"accepted_total", NULL, AT(accepted), "counter", "Connections taken from the listeners."},
    {"datagrams_total", NULL, AT(datagrams), "counter", "Datagrams received."},
    {"active", NULL, AT(active), "gauge", "Connections that are open, and datagrams being answered."},
    {"kept", NULL, AT(kept), "gauge", "Connections that are open between two calls of the handler."},
    {"finished_total", NULL, AT(finished), "counter", "Requests served to the end, whatever the end."},
    {"failed_total", NULL, AT(failed), "counter", "Requests that ended with an error."},
    {"cut_total", NULL, AT(cut), "counter", "Requests that a stop of the server cancelled."},
    {"broken_total", NULL, AT(broken), "counter", "Requests whose peer reset the connection or was gone."},
    {"refused_total", "reason=\"network\"", AT(refused_network), "counter", "Requests refused, by the rule that refused them."},
    {"refused_total", "reason=\"peer\"", AT(refused_peer), NULL, NULL},
    {"refused_total", "reason=\"proxy\"", AT(refused_proxy), NULL, NULL},
    {"refused_total", "reason=\"verify\"", AT(refused_verify), NULL, NULL},
    {"timed_out_total", "limit=\"idle\"", AT(timed_out_idle), "counter", "Requests that met a time limit, by the limit."},
    {"timed_out_total", "limit=\"first_byte\"", AT(timed_out_first_byte), NULL, NULL},
    {"timed_out_total", "limit=\"request\"", AT(timed_out_request), NULL, NULL},
    {"timed_out_total", "limit=\"rate\"", AT(timed_out_rate), NULL, NULL},
    {"paused_total", NULL, AT(paused), "counter", "Times that the limit of connections kept the server from accepting."},
    {"shortages_total", NULL, AT(shortages), "counter", "Times that accepting met a full descriptor table or no memory."},
    {"lines_too_long_total", NULL, AT(lines_too_long), "counter", "Lines longer than the limit of their reader."},
    {"datagrams_truncated_total", NULL, AT(datagrams_truncated), "counter", "Datagrams longer than the limit, which were cut."},
    {"datagrams_unanswered_total", NULL, AT(datagrams_unanswered), "counter", "Answers to datagrams that could not be sent."},
    {"bytes_total", "direction=\"in\"", AT(bytes_in), "counter", "Bytes moved, by direction."},
    {"bytes_total", "direction=\"out\"", AT(bytes_out), NULL, NULL},
};
#define SAMPLES (sizeof samples / sizeof *samples)
_Static_assert((SAMPLES + 2 + HAWSER_TIME_BUCKETS) * sizeof(uint64_t) == sizeof(hawser_server_counters),
               "every member but those of the calls has a line");

static void write_head(struct hawser__writer *writer, const char *name, const char *type, const char *help) {
    hawser__write(writer, "# HELP %s%s %s\n# TYPE %s%s %s\n", PREFIX, name, help, PREFIX, name, type);
}

static void write_sample(struct hawser__writer *writer, const struct sample *sample, const hawser_server_counters *counters) {
    uint64_t value = *(const uint64_t *)((const char *)counters + sample->offset);
    if (sample->help)
        write_head(writer, sample->name, sample->type, sample->help);
    hawser__write(writer, "%s%s", PREFIX, sample->name);
    if (sample->label)
        hawser__write(writer, "{%s}", sample->label);
    hawser__write(writer, " %" PRIu64 "\n", value);
}

/* To the nanosecond, which is what was counted. */
static void write_seconds(struct hawser__writer *writer, double seconds) {
    double ns = seconds * NS_PER_SECOND;
    uint64_t whole = ns >= 0x1p64 ? UINT64_MAX : ns > 0 ? (uint64_t)(ns + 0.5) : 0;
    hawser__write(writer, "%" PRIu64 ".%09" PRIu64, whole / NS_PER_SECOND, whole % NS_PER_SECOND);
}

static uint64_t sum(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Counters are read one by one while calls go on, so `calls` may differ from the sum of the buckets; the format wants _count to
 * be that sum. */
static void write_calls(struct hawser__writer *writer, const hawser_server_counters *counters) {
    uint64_t calls = 0;
    write_head(writer, "call_seconds", "histogram", "Times of the calls of handlers.");
    for (size_t i = 0; i < HAWSER_TIME_BUCKETS - 1; i++) {
        uint64_t us = (uint64_t)FIRST_BUCKET_US << i;
        calls = sum(calls, counters->call_times[i]);
        hawser__write(writer, CALLS "_bucket{le=\"%" PRIu64 ".%06" PRIu64 "\"} %" PRIu64 "\n", us / 1000000, us % 1000000,
                      calls);
    }
    calls = sum(calls, counters->call_times[HAWSER_TIME_BUCKETS - 1]);
    hawser__write(writer, CALLS "_bucket{le=\"+Inf\"} %" PRIu64 "\n" CALLS "_sum ", calls);
    write_seconds(writer, counters->call_seconds);
    hawser__write(writer, "\n" CALLS "_count %" PRIu64 "\n", calls);
}

size_t hawser__counters_text(const hawser_server_counters *counters, char *out, size_t size) {
    struct hawser__writer writer = {.out = out, .size = size};
    for (size_t i = 0; i < SAMPLES; i++)
        write_sample(&writer, &samples[i], counters);
    write_calls(&writer, counters);
    return writer.length;
}

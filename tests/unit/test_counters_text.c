/* SPDX-License-Identifier: MIT */
/*
 * server/counters_text: the counters as Prometheus reads them. The rules of the format are those of "text format 0.0.4", as a
 * strict reader of this test has them.
 */
#include "support.h"

#include <math.h>
#include <regex.h>

#include "server/tally.h"

#define ENOUGH ((size_t)16 * 1024)

static const char *text_of(const hawser_server_counters *counters) {
    static char text[ENOUGH];
    size_t length = hawser__counters_text(counters, text, sizeof text);
    assert_true(length < sizeof text);
    assert_int_equal(strlen(text), length);
    return text;
}

/* One metric in the making. */
struct reader {
    regex_t help, type, sample;
    char name[128], kind[16], seen[4096]; /* SEEN: names of metrics, and samples with their labels, each in newlines */
    int samples;
    double end; /* the last le="..." */
    uint64_t so_far;
    bool summed, counted;
};

static void part(const char *line, regmatch_t match, char *out, size_t size) {
    int length = match.rm_so < 0 ? 0 : (int)(match.rm_eo - match.rm_so);
    assert_true((size_t)length < size);
    snprintf(out, size, "%.*s", length, line + (match.rm_so < 0 ? 0 : match.rm_so));
}

/* Nothing comes twice. */
static void note_seen(struct reader *reader, const char *what) {
    char entry[256];
    snprintf(entry, sizeof entry, "\n%s\n", what);
    assert_null(strstr(reader->seen, entry));
    assert_true(strlen(reader->seen) + strlen(entry) < sizeof reader->seen);
    strcat(reader->seen, entry);
}

static void end_metric(struct reader *reader) {
    if (!reader->name[0])
        return;
    assert_true(reader->kind[0] && reader->samples > 0);
    if (strcmp(reader->kind, "histogram") == 0)
        assert_true(reader->summed && reader->counted && isinf(reader->end));
}

static void begin_metric(struct reader *reader, const char *line, const regmatch_t *match) {
    end_metric(reader);
    part(line, match[1], reader->name, sizeof reader->name);
    note_seen(reader, reader->name);
    assert_int_equal(strncmp(reader->name, "hawser_server_", 14), 0);
    reader->kind[0] = '\0';
    reader->samples = 0;
    reader->end = -1;
    reader->so_far = 0;
    reader->summed = reader->counted = false;
}

/* A counter, and nothing else, is a total. */
static void read_type(struct reader *reader, const char *line, const regmatch_t *match) {
    char name[128];
    part(line, match[1], name, sizeof name);
    assert_string_equal(name, reader->name);
    assert_int_equal(reader->kind[0], '\0');
    part(line, match[2], reader->kind, sizeof reader->kind);
    bool total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
    assert_int_equal(total, strcmp(reader->kind, "counter") == 0);
}

static void read_bucket(struct reader *reader, const char *label, uint64_t value) {
    assert_int_equal(strncmp(label, "{le=\"", 5), 0);
    double end = strtod(label + 5, NULL);
    assert_true(end > reader->end && value >= reader->so_far);
    reader->end = end;
    reader->so_far = value;
}

static void read_histogram(struct reader *reader, const char *what, const char *label, const char *number) {
    uint64_t value = strtoull(number, NULL, 10);
    if (strcmp(what, "_bucket") == 0) {
        read_bucket(reader, label, value);
    } else if (strcmp(what, "_sum") == 0) {
        reader->summed = true;
    } else {
        assert_string_equal(what, "_count");
        assert_int_equal(value, reader->so_far);
        reader->counted = true;
    }
}

static void read_sample(struct reader *reader, const char *line, const regmatch_t *match) {
    char name[128], label[64], number[64], whole[192];
    part(line, match[1], name, sizeof name);
    part(line, match[2], label, sizeof label);
    part(line, match[3], number, sizeof number);
    snprintf(whole, sizeof whole, "%s%s", name, label);
    assert_true(reader->kind[0] && strncmp(name, reader->name, strlen(reader->name)) == 0);
    const char *rest = name + strlen(reader->name);
    reader->samples++;
    if (strcmp(reader->kind, "histogram") == 0)
        read_histogram(reader, rest, label, number);
    else
        assert_string_equal(rest, "");
    if (strcmp(whole, reader->name) != 0)
        note_seen(reader, whole);
    else
        assert_int_equal(reader->samples, 1);
}

static void read_line(struct reader *reader, const char *line) {
    regmatch_t match[5];
    if (regexec(&reader->help, line, 2, match, 0) == 0) {
        begin_metric(reader, line, match);
    } else if (regexec(&reader->type, line, 3, match, 0) == 0) {
        read_type(reader, line, match);
    } else if (regexec(&reader->sample, line, 4, match, 0) == 0) {
        read_sample(reader, line, match);
    } else {
        print_error("%s\n", line);
        fail_msg("no line of the format");
    }
}

/* Fails the test unless TEXT keeps to the format. */
static void assert_format(const char *text) {
    struct reader reader = {.name = ""};
    char line[256];
    assert_int_equal(regcomp(&reader.help, "^# HELP ([a-z_]+) [A-Z][^\\]+\\.$", REG_EXTENDED), 0);
    assert_int_equal(regcomp(&reader.type, "^# TYPE ([a-z_]+) (counter|gauge|histogram)$", REG_EXTENDED), 0);
    assert_int_equal(regcomp(&reader.sample, "^([a-z_]+)([{][a-z]+=\"[^\"\\]+\"[}])? ([0-9]+([.][0-9]+)?)$", REG_EXTENDED), 0);
    while (*text) {
        size_t length = strcspn(text, "\n");
        assert_int_equal(text[length], '\n');
        assert_true(length < sizeof line);
        memcpy(line, text, length);
        line[length] = '\0';
        read_line(&reader, line);
        text += length + 1;
    }
    end_metric(&reader);
    regfree(&reader.help);
    regfree(&reader.type);
    regfree(&reader.sample);
}

static hawser_server_counters all_are(uint64_t number, double seconds) {
    hawser_server_counters counters;
    for (size_t i = 0; i < sizeof counters / sizeof number; i++)
        memcpy((char *)&counters + i * sizeof number, &number, sizeof number);
    counters.call_seconds = seconds;
    return counters;
}

static void the_text_keeps_to_the_format(void **state) {
    (void)state;
    hawser_server_counters none = all_are(0, 0), some = all_are(7, 0.5);
    some.calls = 1000; /* read a moment later than the buckets */
    assert_format(text_of(&none));
    assert_format(text_of(&some));
}

/* Trap: a text that is too long is cut, and the scrape fails, just when a server is old. */
static void the_largest_numbers_have_room(void **state) {
    (void)state;
    static const double most[] = {1.8446744073709551615e10, 1e300, INFINITY};
    for (size_t i = 0; i < 3; i++) {
        hawser_server_counters counters = all_are(UINT64_MAX, most[i]);
        const char *text = text_of(&counters);
        assert_format(text);
        assert_non_null(strstr(text, "\nhawser_server_accepted_total 18446744073709551615\n"));
        assert_non_null(strstr(text, "_bucket{le=\"+Inf\"} 18446744073709551615\n"));
        assert_non_null(strstr(text, "\nhawser_server_call_seconds_sum 18446744073.709551615\n"));
    }
}

#define LINE(member, text) {offsetof(hawser_server_counters, member), text}
static const struct {
    size_t offset;
    const char *line;
} lines[] = {
    LINE(accepted, "accepted_total"),
    LINE(datagrams, "datagrams_total"),
    LINE(active, "active"),
    LINE(kept, "kept"),
    LINE(finished, "finished_total"),
    LINE(failed, "failed_total"),
    LINE(cut, "cut_total"),
    LINE(broken, "broken_total"),
    LINE(refused_network, "refused_total{reason=\"network\"}"),
    LINE(refused_peer, "refused_total{reason=\"peer\"}"),
    LINE(refused_proxy, "refused_total{reason=\"proxy\"}"),
    LINE(refused_verify, "refused_total{reason=\"verify\"}"),
    LINE(timed_out_idle, "timed_out_total{limit=\"idle\"}"),
    LINE(timed_out_first_byte, "timed_out_total{limit=\"first_byte\"}"),
    LINE(timed_out_request, "timed_out_total{limit=\"request\"}"),
    LINE(timed_out_rate, "timed_out_total{limit=\"rate\"}"),
    LINE(paused, "paused_total"),
    LINE(shortages, "shortages_total"),
    LINE(lines_too_long, "lines_too_long_total"),
    LINE(datagrams_truncated, "datagrams_truncated_total"),
    LINE(datagrams_unanswered, "datagrams_unanswered_total"),
    LINE(bytes_in, "bytes_total{direction=\"in\"}"),
    LINE(bytes_out, "bytes_total{direction=\"out\"}"),
    LINE(call_times[0], "call_seconds_bucket{le=\"0.000010\"}"),
};
#define LINES (sizeof lines / sizeof *lines)

static void every_number_is_in_its_line(void **state) {
    (void)state;
    char line[128];
    hawser_server_counters counters = all_are(0, 0);
    for (uint64_t i = 0, number = 1000; i < LINES; i++, number++)
        memcpy((char *)&counters + lines[i].offset, &number, sizeof number);
    const char *text = text_of(&counters);
    for (size_t i = 0; i < LINES; i++) {
        snprintf(line, sizeof line, "\nhawser_server_%s %zu\n", lines[i].line, 1000 + i);
        if (!strstr(text, line))
            fail_msg("there is no%s", line);
    }
}

static void buckets_count_those_below_as_well(void **state) {
    (void)state;
    hawser_server_counters counters = all_are(0, 0);
    for (size_t i = 0; i < HAWSER_TIME_BUCKETS; i++)
        counters.call_times[i] = i + 1;
    const char *text = text_of(&counters);
    assert_non_null(strstr(text, "_bucket{le=\"0.000010\"} 1\n"));
    assert_non_null(strstr(text, "_bucket{le=\"0.000020\"} 3\n"));
    assert_non_null(strstr(text, "_bucket{le=\"0.000040\"} 6\n"));
    assert_non_null(strstr(text, "_bucket{le=\"83.886080\"} 300\n"));
    assert_non_null(strstr(text, "_bucket{le=\"+Inf\"} 325\n"));
    assert_non_null(strstr(text, "_count 325\n"));
}

static void seconds_are_told_to_the_nanosecond(void **state) {
    (void)state;
    static const struct {
        double seconds;
        const char *line;
    } cases[] = {
        {0, "_sum 0.000000000\n"},
        {1e-9, "_sum 0.000000001\n"},
        {15e-9, "_sum 0.000000015\n"}, /* a little less as a double */
        {1e-5, "_sum 0.000010000\n"},
        {0.1, "_sum 0.100000000\n"},
        {0.999999999, "_sum 0.999999999\n"},
        {2.5, "_sum 2.500000000\n"},
        {86400, "_sum 86400.000000000\n"},
        {-1, "_sum 0.000000000\n"},
        {NAN, "_sum 0.000000000\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hawser_server_counters counters = all_are(0, cases[i].seconds);
        assert_non_null(strstr(text_of(&counters), cases[i].line));
    }
}

/* The bytes behind SIZE are somebody else's. */
static void a_text_that_does_not_fit_is_cut_and_measured(void **state) {
    (void)state;
    static char out[ENOUGH];
    hawser_server_counters counters = all_are(12345, 1);
    const char *whole = text_of(&counters);
    size_t length = strlen(whole);
    assert_int_equal(hawser__counters_text(&counters, NULL, 0), length);
    for (size_t size = 1; size <= length + 2; size++) {
        size_t kept = size <= length ? size - 1 : length;
        memset(out, '#', sizeof out);
        assert_int_equal(hawser__counters_text(&counters, out, size), length);
        assert_memory_equal(out, whole, kept);
        assert_int_equal(out[kept], '\0');
        assert_int_equal(out[size], '#');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_keeps_to_the_format),
        cmocka_unit_test(the_largest_numbers_have_room),
        cmocka_unit_test(every_number_is_in_its_line),
        cmocka_unit_test(buckets_count_those_below_as_well),
        cmocka_unit_test(seconds_are_told_to_the_nanosecond),
        cmocka_unit_test(a_text_that_does_not_fit_is_cut_and_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

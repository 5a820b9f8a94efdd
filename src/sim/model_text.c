/* SPDX-License-Identifier: MIT */
#include "sim/model_text.h"

#include "net/addr_forms.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER 48       /* holds every number that is written, and every sane one that is read */
#define WHOLE 9e15      /* below it each whole number is a double */

enum kind { DOUBLE, INT, SIZE, FLAG };
static const double largest[] = {[DOUBLE] = HUGE_VAL, [INT] = INT_MAX, [SIZE] = WHOLE, [FLAG] = 1};

#define OF_LINK(name, kind, milder) {#name, offsetof(hawser_sim_model, link.name), kind, HAWSER__MILDER_##milder}
#define OF_MODEL(name, kind, milder) {#name, offsetof(hawser_sim_model, name), kind, HAWSER__MILDER_##milder}

const struct hawser__model_field hawser__model_fields[HAWSER__MODEL_FIELDS] = {
    OF_LINK(latency, DOUBLE, LESS),
    OF_LINK(jitter, DOUBLE, LESS),
    OF_LINK(loss, DOUBLE, LESS),
    OF_LINK(duplicate, DOUBLE, LESS),
    OF_LINK(reorder, DOUBLE, LESS),
    OF_LINK(bandwidth, DOUBLE, MORE),
    OF_LINK(cut, FLAG, LESS),
    OF_MODEL(workers, INT, LESS),
    OF_MODEL(buffer, SIZE, MORE),
    OF_MODEL(short_reads, DOUBLE, LESS),
    OF_MODEL(short_writes, DOUBLE, LESS),
    OF_MODEL(refuse, DOUBLE, LESS),
    OF_MODEL(black_hole, DOUBLE, LESS),
    OF_MODEL(reset_every, DOUBLE, MORE),
    OF_MODEL(half_open, DOUBLE, LESS),
    OF_MODEL(read_rate, DOUBLE, MORE),
    OF_MODEL(crash_every, DOUBLE, MORE),
    OF_MODEL(crash_time, DOUBLE, LESS),
    OF_MODEL(partition_every, DOUBLE, MORE),
    OF_MODEL(partition_time, DOUBLE, LESS),
    OF_MODEL(clock_skew, DOUBLE, LESS),
    OF_MODEL(clock_drift, DOUBLE, LESS),
    OF_MODEL(offload_time, DOUBLE, LESS),
    OF_MODEL(lookup_time, DOUBLE, LESS),
    OF_MODEL(lookup_fails, DOUBLE, LESS),
    OF_MODEL(descriptors, INT, MORE),
    OF_MODEL(allocation_fails, DOUBLE, LESS),
    OF_MODEL(time_limit, DOUBLE, NOTHING),
};

double hawser__model_get(const hawser_sim_model *model, const struct hawser__model_field *field) {
    const void *at = (const char *)model + field->offset;
    switch (field->kind) {
    case INT: return *(const int *)at;
    case SIZE: return (double)*(const size_t *)at;
    case FLAG: return *(const bool *)at;
    default: return *(const double *)at;
    }
}

static bool is_whole(double value) {
    return value >= 0 && value <= WHOLE && value == (double)(uint64_t)value;
}

bool hawser__model_set(hawser_sim_model *model, const struct hawser__model_field *field, double value) {
    void *at = (char *)model + field->offset;
    if (!(value >= 0 && value <= largest[field->kind]) || (field->kind != DOUBLE && !is_whole(value)))
        return false;
    switch (field->kind) {
    case INT: *(int *)at = (int)value; break;
    case SIZE: *(size_t *)at = (size_t)value; break;
    case FLAG: *(bool *)at = value != 0; break;
    default: *(double *)at = value;
    }
    return true;
}

/* Numbers. The C library's own conversions are exact, but have the locale's point: it is put in, and taken out again. */

struct point {
    char text[8];
    size_t length;
};

static struct point locale_point(void) {
    char half[16];
    struct point point = {.length = 0};
    int length = snprintf(half, sizeof half, "%.1f", 0.5);   /* 0, the point, 5 */
    if (length > 2 && (size_t)length - 2 < sizeof point.text) {
        point.length = (size_t)length - 2;
        memcpy(point.text, half + 1, point.length);
    }
    return point;
}

/* TEXT with FROM in place of its first TO; OUT has NUMBER bytes. */
static bool change(const char *text, const char *from, const char *to, char *out) {
    const char *at = strstr(text, from);
    int before = at ? (int)(at - text) : 0;
    int length = at ? snprintf(out, NUMBER, "%.*s%s%s", before, text, to, at + strlen(from))
                    : snprintf(out, NUMBER, "%s", text);
    return length >= 0 && length < NUMBER;
}

static bool read_number(const char *text, size_t length, double *ret) {
    char number[NUMBER], local[NUMBER], *end;
    int saved = errno;
    if (length == 0 || length >= sizeof number || strspn(text, "0123456789.eE+-") < length)
        return false;
    memcpy(number, text, length);
    number[length] = '\0';
    if (number[0] == '+' || number[0] == '-' || !change(number, ".", locale_point().text, local))
        return false;
    *ret = strtod(local, &end);
    errno = saved;
    return !*end && end > local && isfinite(*ret);
}

/* The fewest digits that read back as VALUE. */
static void write_number(double value, char text[NUMBER]) {
    char local[NUMBER];
    int digits = 1, saved = errno;
    if (is_whole(value)) {
        snprintf(text, NUMBER, "%" PRIu64, (uint64_t)value);
        return;
    }
    do
        snprintf(local, sizeof local, "%.*g", digits, value);
    while (strtod(local, NULL) != value && ++digits <= 17);
    errno = saved;
    (void)change(local, locale_point().text, ".", text);
}

/* Models. */

static void make_perfect(hawser_sim_model *model) {
    for (size_t i = 0; i < HAWSER__MODEL_FIELDS; i++)
        (void)hawser__model_set(model, &hawser__model_fields[i], 0);
}

static const struct hawser__model_field *field_named(const char *name, size_t length) {
    for (size_t i = 0; i < HAWSER__MODEL_FIELDS; i++) {
        const char *own = hawser__model_fields[i].name;
        if (strlen(own) == length && memcmp(own, name, length) == 0)
            return &hawser__model_fields[i];
    }
    return NULL;
}

static bool read_part(hawser_sim_model *model, const char *part, size_t length) {
    double value;
    if (length == strlen("perfect") && memcmp(part, "perfect", length) == 0) {
        make_perfect(model);
        return true;
    }
    const char *equals = memchr(part, '=', length);
    if (!equals)
        return false;
    const struct hawser__model_field *field = field_named(part, (size_t)(equals - part));
    size_t rest = length - (size_t)(equals + 1 - part);
    return field && read_number(equals + 1, rest, &value) && hawser__model_set(model, field, value);
}

const char *hawser__model_read(hawser_sim_model *model, const char *text) {
    hawser_sim_model made = *model;
    const char *part = text;
    while (*text && part) {
        size_t length = strcspn(part, ",");
        if (!read_part(&made, part, length))
            return part;
        part = part[length] ? part + length + 1 : NULL;
    }
    *model = made;
    return NULL;
}

void hawser__model_write(const hawser_sim_model *model, char *text) {
    struct hawser__writer writer = {text, HAWSER__MODEL_TEXT, 0};
    char number[NUMBER];
    hawser__write(&writer, "perfect");
    for (size_t i = 0; i < HAWSER__MODEL_FIELDS; i++) {
        double value = hawser__model_get(model, &hawser__model_fields[i]);
        if (value == 0)
            continue;
        write_number(value, number);
        hawser__write(&writer, ",%s=%s", hawser__model_fields[i].name, number);
    }
}

/* Reasons. */

/* What hawser__limits_take lets through, and what the field itself can hold. */
static const char *range_of(const struct hawser__model_field *field) {
    static const char *const shares[] = {"loss", "duplicate", "reorder", "short_reads", "short_writes", "refuse", "black_hole",
                                         "half_open", "lookup_fails", "allocation_fails"};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (strcmp(field->name, shares[i]) == 0)
            return "a probability, from 0 to 1";
    if (strcmp(field->name, "workers") == 0)
        return "a whole number from 0 to 64";
    if (strcmp(field->name, "clock_drift") == 0)
        return "a share, from 0 to less than 0.5";
    if (strcmp(field->name, "bandwidth") == 0 || strcmp(field->name, "read_rate") == 0)
        return "bytes a second, from 0 to 1e15";
    return field->kind == FLAG ? "0 or 1" : field->kind == DOUBLE ? "seconds, from 0 to 1e9" : "a whole number, not below 0";
}

/* Up to the comma. */
static int part_length(const char *part) {
    size_t length = strcspn(part, ",");
    return length < 60 ? (int)length : 60;
}

const char *hawser__model_part_reason(const char *part, char *reason) {
    int length = part_length(part), name = (int)strcspn(part, "=,");
    const struct hawser__model_field *field = field_named(part, (size_t)name);
    int used = snprintf(reason, HAWSER__MODEL_REASON, "\"%.*s\": ", length, part);
    if (part[name] != '=')
        snprintf(reason + used, HAWSER__MODEL_REASON - (size_t)used, "it is neither FIELD=NUMBER nor \"perfect\"");
    else if (!field)
        snprintf(reason + used, HAWSER__MODEL_REASON - (size_t)used, "no field has that name");
    else
        snprintf(reason + used, HAWSER__MODEL_REASON - (size_t)used, "%s is %s", field->name, range_of(field));
    return reason;
}

const char *hawser__model_value_reason(const hawser_sim_model *model, const char *fault, char *reason) {
    const struct hawser__model_field *field = field_named(fault, strlen(fault));
    if (!field)
        return fault;
    snprintf(reason, HAWSER__MODEL_REASON, "%s is %g; it is %s", field->name, hawser__model_get(model, field), range_of(field));
    return reason;
}

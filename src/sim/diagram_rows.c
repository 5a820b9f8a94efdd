/* SPDX-License-Identifier: MIT */
/* What the lines of a trace say, each for itself and together: which flight ended where, which host was up. */
#include "sim/diagram.h"

#include <string.h>

/* The number of a host, which gets one when there is room. -1: the world; -2: there is none. */
static int host_of(struct hawser__diagram_rows *rows, const char *name, size_t length) {
    int number = 0;
    if (length == 1 && *name == '-')
        return -1;
    while (number < rows->host_count &&
           (strlen(rows->hosts[number]) != length || memcmp(rows->hosts[number], name, length) != 0))
        number++;
    if (number < rows->host_count)
        return number;
    if (number == HAWSER__DIAGRAM_HOSTS)
        return -2;
    memcpy(rows->hosts[number], name, length);
    rows->host_count++;
    return number;
}

static bool is_word(const char *text, const char *word) {
    size_t length = strlen(word);
    return strncmp(text, word, length) == 0 && (text[length] == ' ' || !text[length]);
}

static enum hawser__diagram_kind kind_of(const char *verb) {
    static const struct { const char *verb; enum hawser__diagram_kind kind; } verbs[] = {
        {"send", HAWSER__ROW_SENT}, {"again", HAWSER__ROW_SENT}, {"duplicate", HAWSER__ROW_SENT}, {"connect", HAWSER__ROW_SENT},
        {"deliver", HAWSER__ROW_ARRIVED}, {"refuse", HAWSER__ROW_ARRIVED}, {"drop", HAWSER__ROW_ARRIVED},
        {"lose", HAWSER__ROW_LOST}, {"start", HAWSER__ROW_UP}, {"crash", HAWSER__ROW_DOWN}, {"killed", HAWSER__ROW_DOWN},
        {"end", HAWSER__ROW_DOWN}, {"end,", HAWSER__ROW_DOWN},
    };
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (is_word(verb, verbs[i].verb))
            return verbs[i].kind;
    return HAWSER__ROW_LABEL;
}

/* "c1> 0+9" is a name, a direction and a rest; anything else is all rest. What connects says where to, and means a "syn". */
static void take_key(struct hawser__diagram_row *row, const char *key) {
    const char *reason = *key == '(' ? strstr(key, ") ") : NULL;   /* drop (full) ... */
    key = reason ? reason + 2 : key;
    size_t length = strcspn(key, "<> :");
    row->rest = key;
    if (length == 0 || (key[length] != '<' && key[length] != '>'))
        return;
    row->name = key;
    row->name_length = length;
    row->direction = key[length];
    row->rest = key[length + 1] == ' ' ? key + length + 2 : "";
    if (is_word(row->text, "connect") || !*row->rest)
        row->rest = "syn";
}

static void add_row(struct hawser__diagram_rows *rows, const char *line) {
    size_t time = strcspn(line, " "), name = strcspn(line + time + 1, " ");
    const char *text = line + time + 1 + name + 1;
    size_t verb = strcspn(text, " ");
    int host = host_of(rows, line + time + 1, name);
    if (host < -1) {
        rows->left_out++;
        return;
    }
    struct hawser__diagram_row *row = &rows->rows[rows->count++];
    *row = (struct hawser__diagram_row){.kind = kind_of(text), .time = line, .time_length = time, .text = text, .host = host,
                                        .to = -1, .from = -1};
    take_key(row, text[verb] ? text + verb + 1 : "");
    if (host < 0 || (row->kind >= HAWSER__ROW_UP && row->direction))   /* "end c1>" is the end of a connection, not of a host */
        row->kind = HAWSER__ROW_LABEL;
}

/* Flights. */

static bool same_name(const struct hawser__diagram_row *a, const struct hawser__diagram_row *b) {
    return a->name_length == b->name_length && memcmp(a->name ? a->name : "", b->name ? b->name : "", a->name_length) == 0;
}

static char reversed(char direction) {
    return direction == '>' ? '<' : direction == '<' ? '>' : direction;
}

/* Which flight ENDING ends: that of its own name, in this DIRECTION, with this REST. */
struct flight {
    const struct hawser__diagram_row *ending;
    char direction;
    const char *rest;
};

/* False: none. */
static bool what_ends(const struct hawser__diagram_row *row, struct flight *ret) {
    *ret = (struct flight){row, row->direction, row->rest};
    if (row->kind == HAWSER__ROW_ARRIVED || row->kind == HAWSER__ROW_LOST)
        return true;
    if (row->kind != HAWSER__ROW_SENT && row->kind != HAWSER__ROW_LABEL)
        return false;
    ret->direction = reversed(row->direction);
    ret->rest = row->kind == HAWSER__ROW_SENT ? "syn" : "syn+ack";
    return row->kind == HAWSER__ROW_SENT ? strcmp(row->rest, "syn+ack") == 0 : is_word(row->text, "established");
}

static bool is_under_way(const struct hawser__diagram_row *row, const struct flight *flight) {
    return row->kind == HAWSER__ROW_SENT && row->end == 0 && row->direction == flight->direction &&
           same_name(row, flight->ending) && strcmp(row->rest, flight->rest) == 0;
}

/* The newest where there is a connection: what did not fit there is thrown away and sent again. Datagrams look alike, and
 * arrive in their order more often than not. */
static int find_sent(const struct hawser__diagram_rows *rows, int before, const struct flight *flight) {
    bool newest = flight->direction || flight->ending->kind == HAWSER__ROW_LOST;
    for (int i = 0; i < before; i++) {
        int at = newest ? before - 1 - i : i;
        if (is_under_way(&rows->rows[at], flight))
            return at;
    }
    return -1;
}

static void join_flights(struct hawser__diagram_rows *rows) {
    for (int i = 0; i < rows->count; i++) {
        struct hawser__diagram_row *row = &rows->rows[i];
        struct flight flight;
        rows->sent += row->kind == HAWSER__ROW_SENT;
        rows->lost += row->kind == HAWSER__ROW_LOST;
        if (!what_ends(row, &flight) || (row->from = find_sent(rows, i, &flight)) < 0)
            continue;
        rows->rows[row->from].end = i;
        rows->rows[row->from].to = row->kind == HAWSER__ROW_LOST ? -1 : row->host;
    }
}

/* Where flights go that do not arrive: where others like them arrive, or whence something comes back. */
static int guess_target(const struct hawser__diagram_rows *rows, const struct hawser__diagram_row *sent) {
    for (int i = 0; i < rows->count; i++) {
        const struct hawser__diagram_row *row = &rows->rows[i];
        bool arrived = row->kind == HAWSER__ROW_ARRIVED;
        char wanted = arrived ? sent->direction : reversed(sent->direction);
        if (!sent->direction && (!arrived || strcmp(row->rest, sent->rest) != 0))
            continue;
        if (same_name(row, sent) && row->direction == wanted && row->host >= 0)
            return row->host;
    }
    return -1;
}

void hawser__diagram_arrange(const hawser__diagram *diagram, struct hawser__diagram_rows *rows) {
    uint64_t first = diagram->count > HAWSER__DIAGRAM_LINES ? diagram->count - HAWSER__DIAGRAM_LINES : 0;
    rows->before = first;
    for (uint64_t i = first; i < diagram->count; i++)
        add_row(rows, diagram->lines[i % HAWSER__DIAGRAM_LINES]);
    join_flights(rows);
    for (int i = 0; i < rows->count; i++)
        if (rows->rows[i].kind == HAWSER__ROW_SENT && rows->rows[i].to < 0)
            rows->rows[i].to = guess_target(rows, &rows->rows[i]);
}

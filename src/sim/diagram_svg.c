/* SPDX-License-Identifier: MIT */
/*
 * Drawing. Every row has a band of the picture to itself, high enough for its label, so that no two labels meet; times are at
 * the left, and distances say nothing about them. Numbers are whole, which no locale writes differently.
 */
#include "sim/diagram.h"

#include "base/buffer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TIMES 100         /* the width of the column of times */
#define COLUMN 210        /* and of a host */
#define LETTERS 28        /* of a label that fit there */
#define LETTER 7          /* the width of one, rounded up */
#define LINE 14           /* the height of one */
#define MIDDLE 9          /* of the first line of a row, from its top */
#define NAME_LETTERS 13   /* of a host's name in its box */
#define TOP 96
#define LEAST_WIDTH 640

struct drawing {
    struct hawser__buffer *svg;
    struct hawser__diagram_rows *rows;
    int width, bottom;
    int result;
};

/* Text. */

HAWSER_FORMAT(2, 3) static void put(struct drawing *drawing, const char *format, ...) {
    char piece[2048];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    if (drawing->result == 0 && length >= 0)
        drawing->result = hawser__buffer_append(drawing->svg, piece, (size_t)length);
}

static void put_text(struct drawing *drawing, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        switch (text[i]) {
        case '<': put(drawing, "&lt;"); break;
        case '>': put(drawing, "&gt;"); break;
        case '&': put(drawing, "&amp;"); break;
        default: put(drawing, "%c", text[i]);
        }
    }
}

/* How many bytes of TEXT make a line of LETTERS at most, broken at a space where there is one. Beyond ASCII a letter may be
 * as wide as two. */
static size_t line_length(const char *text, int letters) {
    size_t at = 0, space = 0;
    int width = 0;
    while (text[at]) {
        unsigned char byte = (unsigned char)text[at];
        size_t length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
        if (byte == ' ')
            space = at;
        width += length > 2 ? 2 : 1;
        if (width > letters)
            return space > 0 ? space : at;
        at += length;
    }
    return at;
}

static const char *next_line(const char *text, int letters) {
    text += line_length(text, letters);
    return *text == ' ' ? text + 1 : text;
}

static int count_lines(const char *text, int letters) {
    int lines = 0;
    for (; *text; text = next_line(text, letters))
        lines++;
    return lines;
}

static void put_lines(struct drawing *drawing, const char *class, int x, int y, const char *text, int letters) {
    for (; *text; text = next_line(text, letters), y += LINE) {
        put(drawing, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y);
        put_text(drawing, text, line_length(text, letters));
        put(drawing, "</text>\n");
    }
}

/* Where things are. */

static int x_of(int host) {
    return TIMES + 62 + COLUMN * host;
}

/* What concerns the whole world, or ends it, goes across the picture. */
static bool is_band(const struct hawser__diagram_row *row) {
    return row->host < 0 || strncmp(row->text, "fail ", 5) == 0;
}

static int band_letters(const struct drawing *drawing) {
    return (drawing->width - TIMES - 40) / LETTER;
}

static bool has_label(const struct hawser__diagram_row *row) {
    bool arrived = row->kind == HAWSER__ROW_ARRIVED && strncmp(row->text, "deliver ", 8) == 0;
    return !((arrived || row->kind == HAWSER__ROW_LOST) && row->from >= 0);
}

static void lay_out(struct drawing *drawing) {
    int y = TOP;
    for (int i = 0; i < drawing->rows->count; i++) {
        struct hawser__diagram_row *row = &drawing->rows->rows[i];
        int lines = has_label(row) ? count_lines(row->text, is_band(row) ? band_letters(drawing) : LETTERS) : 0;
        row->y = y;
        row->height = lines > 0 ? lines * LINE + (is_band(row) ? 14 : 10) : LINE;
        y += row->height;
    }
    drawing->bottom = y + 10;
}

/* Pieces. */

static const char style[] =
    "<style>\n"
    "svg{color-scheme:light dark}.paper{fill:#fff}\n"
    "text{font:11px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1c1e21;paint-order:stroke;stroke:#fff;"
    "stroke-width:3px;stroke-linejoin:round}\n"
    ".time{fill:#5b6068;text-anchor:end}.left{text-anchor:end}.name{font-weight:bold;text-anchor:middle}"
    ".what{font-weight:bold;font-size:13px}.name,.across{stroke:none}\n"
    ".host{fill:#e8eef7;stroke:#4a6fa5}.up{stroke:#4a6fa5;stroke-width:2}.down{stroke:#8b929c;stroke-dasharray:2 5}"
    ".dot{fill:#4a6fa5}.band{fill:#fff4d6;stroke:#b08a12}\n"
    ".way{stroke:#1f6f43;fill:none}.tip{fill:#1f6f43}.lost{stroke:#b3261e;stroke-dasharray:5 3;fill:none}"
    ".open{stroke:#5b6068;stroke-dasharray:2 3;fill:none}.cross{stroke:#b3261e;stroke-width:2;fill:none}\n"
    "@media (prefers-color-scheme:dark){.paper{fill:#16181c}text{fill:#e8e8e8;stroke:#16181c}.time{fill:#a9b0ba}"
    ".host{fill:#24324a;stroke:#8fb3e8}.up{stroke:#8fb3e8}.down{stroke:#7d858f}.dot{fill:#8fb3e8}"
    ".band{fill:#3a3217;stroke:#d8b84a}.way{stroke:#7ad19f}.tip{fill:#7ad19f}.lost,.cross{stroke:#ff8a80}"
    ".open{stroke:#a9b0ba}}\n"
    "</style>\n"
    "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">"
    "<path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n";

static void draw_head(struct drawing *drawing) {
    const struct hawser__diagram_rows *rows = drawing->rows;
    int height = drawing->bottom + 40;
    put(drawing, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" "
                 "aria-labelledby=\"title desc\">\n", drawing->width, height, drawing->width, height);
    put(drawing, "<title id=\"title\">What happened in a simulated network</title>\n"
                 "<desc id=\"desc\">A sequence diagram. Hosts:");
    for (int i = 0; i < rows->host_count; i++) {
        put(drawing, i ? ", " : " ");
        put_text(drawing, rows->hosts[i], strlen(rows->hosts[i]));
    }
    put(drawing, ". Of %d lines of a trace %d tell of something sent, %d of something lost.</desc>\n", rows->count, rows->sent,
        rows->lost);
    put(drawing, "%s<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", style, drawing->width, height);
}

static void draw_notice(struct drawing *drawing) {
    const struct hawser__diagram_rows *rows = drawing->rows;
    put(drawing, "<text class=\"what\" x=\"16\" y=\"24\">What happened, and when (seconds)</text>\n");
    if (rows->before > 0)
        put(drawing, "<text x=\"16\" y=\"42\">the last %d lines of the trace; %" PRIu64 " before them are left out</text>\n",
            HAWSER__DIAGRAM_LINES, rows->before);
    if (rows->left_out > 0)
        put(drawing, "<text x=\"16\" y=\"56\">%d lines of further hosts are left out</text>\n", rows->left_out);
}

static void draw_names(struct drawing *drawing, int y) {
    for (int host = 0; host < drawing->rows->host_count; host++) {
        const char *name = drawing->rows->hosts[host];
        put(drawing, "<rect class=\"host\" x=\"%d\" y=\"%d\" width=\"100\" height=\"22\" rx=\"4\"/>", x_of(host) - 50, y);
        put(drawing, "<text class=\"name\" x=\"%d\" y=\"%d\">", x_of(host), y + 15);
        bool whole = !name[line_length(name, NAME_LETTERS)];
        put_text(drawing, name, line_length(name, whole ? NAME_LETTERS : NAME_LETTERS - 3));
        put(drawing, "%s</text>\n", whole ? "" : "...");
    }
}

/* Lives. */

static void draw_life(struct drawing *drawing, int host, bool up, int from, int to) {
    if (to > from)
        put(drawing, "<path class=\"%s\" d=\"M%d %dV%d\"/>\n", up ? "up" : "down", x_of(host), from, to);
}

static void draw_cross(struct drawing *drawing, int x, int y) {
    put(drawing, "<path class=\"cross\" d=\"M%d %dl10 10m0 -10l-10 10\"/>\n", x - 5, y - 5);
}

/* Whether HOST was up before the first row: unless the first that is told of its life is that it starts. */
static bool was_up(const struct hawser__diagram_rows *rows, int host) {
    for (int i = 0; i < rows->count; i++)
        if (rows->rows[i].host == host && rows->rows[i].kind >= HAWSER__ROW_UP)
            return rows->rows[i].kind == HAWSER__ROW_DOWN;
    return true;
}

static void draw_lives(struct drawing *drawing, int host) {
    const struct hawser__diagram_rows *rows = drawing->rows;
    bool up = was_up(rows, host);
    int from = TOP - 10;
    for (int i = 0; i < rows->count; i++) {
        const struct hawser__diagram_row *row = &rows->rows[i];
        if (row->host != host || row->kind < HAWSER__ROW_UP)
            continue;
        draw_life(drawing, host, up, from, row->y + MIDDLE);
        from = row->y + MIDDLE;
        up = row->kind == HAWSER__ROW_UP;
    }
    draw_life(drawing, host, up, from, drawing->bottom);
}

static void draw_turns(struct drawing *drawing) {
    for (int i = 0; i < drawing->rows->count; i++) {
        const struct hawser__diagram_row *row = &drawing->rows->rows[i];
        if (row->kind == HAWSER__ROW_UP)
            put(drawing, "<circle class=\"dot\" cx=\"%d\" cy=\"%d\" r=\"4\"/>\n", x_of(row->host), row->y + MIDDLE);
        else if (row->kind == HAWSER__ROW_DOWN && strcmp(row->text, "end") == 0)
            put(drawing, "<path class=\"up\" d=\"M%d %dh12\"/>\n", x_of(row->host) - 6, row->y + MIDDLE);
        else if (row->kind == HAWSER__ROW_DOWN)
            draw_cross(drawing, x_of(row->host), row->y + MIDDLE);
    }
}

/* Flights. */

static void draw_flight(struct drawing *drawing, const struct hawser__diagram_row *row) {
    const struct hawser__diagram_row *end = row->end > 0 ? &drawing->rows->rows[row->end] : NULL;
    bool arrived = end && end->kind != HAWSER__ROW_LOST;
    int x = x_of(row->host), y = row->y + row->height - 4, to_x = row->to >= 0 ? x_of(row->to) : x + COLUMN;
    int to_y = end ? end->y + (has_label(end) ? 0 : MIDDLE) : y + LINE;   /* above a label, and not across */
    if (arrived && to_x == x) {
        put(drawing, "<path class=\"way\" marker-end=\"url(#head)\" d=\"M%d %dh24V%dh-22\"/>\n", x, y, to_y > y ? to_y : y + 4);
        return;
    }
    if (!arrived)
        to_x = x + (to_x != x ? to_x - x : COLUMN) * 3 / 5;
    else
        to_x += to_x > x ? -2 : 2;
    put(drawing, "<path class=\"%s\" %sd=\"M%d %dL%d %d\"/>\n", arrived ? "way" : end ? "lost" : "open",
        arrived ? "marker-end=\"url(#head)\" " : "", x, y, to_x, to_y > y ? to_y : y);
    if (end && !arrived)
        draw_cross(drawing, to_x, to_y > y ? to_y : y);
}

/* Labels. */

static void draw_band(struct drawing *drawing, const struct hawser__diagram_row *row) {
    put(drawing, "<rect class=\"band\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\"/>\n", TIMES + 8, row->y + 1,
        drawing->width - TIMES - 20, row->height - 4);
    put_lines(drawing, "across", TIMES + 16, row->y + LINE + 1, row->text, band_letters(drawing));
}

static void draw_label(struct drawing *drawing, const struct hawser__diagram_row *row) {
    bool left = row->kind == HAWSER__ROW_SENT && row->to >= 0 && row->to < row->host;
    if (is_band(row))
        draw_band(drawing, row);
    else if (has_label(row))
        put_lines(drawing, left ? "left" : "right", x_of(row->host) + (left ? -8 : 8), row->y + LINE - 2, row->text, LETTERS);
}

/* To the microsecond, and only where it is another than in the row above. */
static void draw_time(struct drawing *drawing, int number) {
    const struct hawser__diagram_row *row = &drawing->rows->rows[number], *above = number > 0 ? row - 1 : NULL;
    size_t length = row->time_length - 3;
    if (above && above->time_length == row->time_length && memcmp(above->time, row->time, length) == 0)
        return;
    put(drawing, "<text class=\"time\" x=\"%d\" y=\"%d\">%.*s</text>\n", TIMES, row->y + LINE - 2, (int)length, row->time);
}

int hawser__diagram_draw(struct hawser__diagram_rows *rows, struct hawser__buffer *svg) {
    struct drawing drawing = {.svg = svg, .rows = rows, .width = TIMES + COLUMN * rows->host_count + 70};
    if (drawing.width < LEAST_WIDTH)
        drawing.width = LEAST_WIDTH;
    lay_out(&drawing);
    draw_head(&drawing);
    draw_notice(&drawing);
    for (int host = 0; host < rows->host_count; host++)
        draw_lives(&drawing, host);
    draw_names(&drawing, TOP - 32);
    draw_names(&drawing, drawing.bottom);
    for (int i = 0; i < rows->count; i++)
        if (rows->rows[i].kind == HAWSER__ROW_SENT)
            draw_flight(&drawing, &rows->rows[i]);
    draw_turns(&drawing);
    for (int i = 0; i < rows->count; i++) {
        draw_label(&drawing, &rows->rows[i]);
        draw_time(&drawing, i);
    }
    put(&drawing, "</svg>\n");
    return drawing.result;
}

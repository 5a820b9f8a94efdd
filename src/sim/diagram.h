/* SPDX-License-Identifier: MIT */
/*
 * Traces as sequence diagrams: a line down for each host, an arrow for each thing that went from one to another. Lines come in
 * one by one (diagram.c keeps the last ones), are made into rows, each with what belongs to it (diagram_rows.c), and are drawn
 * (diagram_svg.c).
 *
 * What it knows of traces is their form, "SECONDS HOST VERB NAME REST" (NAME with a direction: c1>), and some verbs. send,
 * again and duplicate begin a flight of NAME REST; deliver, refuse, drop and lose end it. connect is a flight of "syn", which a
 * syn+ack or a refusal answers. Any other line is a label at its host. A flight without an end was under way when the trace
 * ended, or arrived where it did not fit.
 */
#ifndef HAWSER__DIAGRAM_H
#define HAWSER__DIAGRAM_H

#include <hawser/common.h>

#define HAWSER__DIAGRAM_LINES 500
#define HAWSER__DIAGRAM_HOSTS 16
#define HAWSER__DIAGRAM_LINE 512

typedef struct hawser__diagram hawser__diagram;

hawser__diagram *hawser__diagram_new(void);   /* NULL = no memory */
void hawser__diagram_free(hawser__diagram *diagram);

/* A line of a trace, without its newline. Lines of another form are passed over. Allocates nothing: simulated programs call
 * it. */
void hawser__diagram_add(hawser__diagram *diagram, const char *line);
bool hawser__diagram_is_empty(const hawser__diagram *diagram);

/* 0 or a negative code. */
int hawser__diagram_write(const hawser__diagram *diagram, const char *path);
/* Whether two names are of the same file, through links as well: the picture would be read for the trace, or take its place. */
bool hawser__diagram_is_same_file(const char *a, const char *b);

/* The inside. */

struct hawser__diagram {
    uint64_t count;                                   /* of all lines; those kept are the last */
    char lines[HAWSER__DIAGRAM_LINES][HAWSER__DIAGRAM_LINE];
};

enum hawser__diagram_kind {
    HAWSER__ROW_LABEL,                                /* of a host, or of the world */
    HAWSER__ROW_SENT,
    HAWSER__ROW_ARRIVED,
    HAWSER__ROW_LOST,
    HAWSER__ROW_UP, HAWSER__ROW_DOWN                  /* a host's program starts, or is no more; with a label */
};

struct hawser__diagram_row {
    enum hawser__diagram_kind kind;
    const char *time, *text, *name, *rest;            /* in the line; TEXT from the verb on */
    size_t time_length, name_length;
    char direction;                                   /* behind the name: '<', '>'; 0 = it has none, and is part of the rest */
    int host;                                         /* -1 = the world */
    int end;                                          /* SENT: the row in which it arrived or was lost; 0 = it was under way */
    int to;                                           /* SENT: the host that it went to; -1 = unknown */
    int from;                                         /* the row in which the flight that ends here was sent; -1 = none */
    int y, height;                                    /* diagram_svg.c */
};

struct hawser__diagram_rows {
    struct hawser__diagram_row rows[HAWSER__DIAGRAM_LINES];
    char hosts[HAWSER__DIAGRAM_HOSTS][64];
    int count, host_count;
    int left_out;                                     /* lines of further hosts */
    uint64_t before;                                  /* lines that were not kept */
    int sent, lost;
};

void hawser__diagram_arrange(const hawser__diagram *diagram, struct hawser__diagram_rows *rows);

struct hawser__buffer;
/* 0, -ENOMEM, -ENOBUFS. */
int hawser__diagram_draw(struct hawser__diagram_rows *rows, struct hawser__buffer *svg);

#endif

/* SPDX-License-Identifier: MIT */
#include "sim/diagram.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <hawser/sim.h>
#include <string.h>
#include <sys/stat.h>

#define LARGEST ((size_t)16 << 20)   /* of a picture: all rows with the longest lines are less than that */

/* Lines. */

/* The length of the character at TEXT, in UTF-8 that XML takes; 0: it is none. */
static size_t character(const unsigned char *text) {
    static const struct { unsigned char low, high, second_low, second_high; size_t length; } forms[] = {
        {0x20, 0x7e, 0, 0, 1}, {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xee, 0x80, 0xbf, 3}, {0xef, 0xef, 0x80, 0xbe, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t length = forms[i].length, follow = 2;
        if (text[0] < forms[i].low || text[0] > forms[i].high)
            continue;
        if (length > 1 && (text[1] < forms[i].second_low || text[1] > forms[i].second_high))
            return 0;
        while (follow < length && (text[follow] & 0xc0) == 0x80)
            follow++;
        return length < 3 || follow == length ? length : 0;
    }
    return 0;
}

/* What is in the notes of a program may be anything. */
static void make_clean(char *text) {
    while (*text) {
        size_t length = character((const unsigned char *)text);
        if (length == 0)
            *text = '?';
        text += length > 0 ? length : 1;
    }
}

static bool is_line(const char *line) {
    const char digits[] = "0123456789";
    size_t whole = strspn(line, digits), part = line[whole] == '.' ? strspn(line + whole + 1, digits) : 0;
    const char *host = line + whole + 1 + part;
    if (whole == 0 || part != 9 || *host != ' ')
        return false;
    size_t name = strcspn(host + 1, " ");
    return name > 0 && name < sizeof ((struct hawser__diagram_rows *)0)->hosts[0] && host[1 + name] == ' ' && host[2 + name];
}

void hawser__diagram_add(hawser__diagram *diagram, const char *line) {
    if (!is_line(line))
        return;
    char *kept = diagram->lines[diagram->count % HAWSER__DIAGRAM_LINES];
    size_t length = strnlen(line, HAWSER__DIAGRAM_LINE - 1);
    memcpy(kept, line, length);
    kept[length] = '\0';
    make_clean(kept);
    diagram->count++;
}

bool hawser__diagram_is_empty(const hawser__diagram *diagram) {
    return diagram->count == 0;
}

hawser__diagram *hawser__diagram_new(void) {
    return hawser__zalloc(sizeof(hawser__diagram));
}

void hawser__diagram_free(hawser__diagram *diagram) {
    hawser__free(diagram);
}

/* Files. */

static int write_whole(const char *path, const char *data, size_t size) {
    int fd = hawser__sys_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    ssize_t n = fd < 0 ? fd : 0;
    while (n >= 0 && size > 0) {
        n = hawser__sys_write_nosigpipe(fd, data, size);
        n = n == -EINTR ? 0 : n;
        data += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    hawser__sys_close(fd);
    return n < 0 ? (int)n : 0;
}

int hawser__diagram_write(const hawser__diagram *diagram, const char *path) {
    struct hawser__buffer svg;
    struct hawser__diagram_rows *rows = hawser__zalloc(sizeof *rows);
    if (!rows)
        return -ENOMEM;
    hawser__buffer_init(&svg, LARGEST);
    hawser__diagram_arrange(diagram, rows);
    int result = hawser__diagram_draw(rows, &svg);
    if (result == 0)
        result = write_whole(path, hawser__buffer_data(&svg), hawser__buffer_used(&svg));
    hawser__buffer_done(&svg);
    hawser__free(rows);
    return result;
}

/* The lines in what has been read so far. What is left of the last one moves to the front. */
static size_t take_lines(hawser__diagram *diagram, char *text, size_t used, bool all) {
    char *line = text, *end;
    text[used] = '\0';
    while ((end = memchr(line, '\n', used - (size_t)(line - text)))) {
        *end = '\0';
        hawser__diagram_add(diagram, line);
        line = end + 1;
    }
    size_t left = used - (size_t)(line - text);
    memmove(text, line, left + 1);
    if (left > 0 && (all || left >= HAWSER__DIAGRAM_LINE)) {
        hawser__diagram_add(diagram, text);   /* the rest of a longer one is no line, unless it looks like one */
        left = 0;
    }
    return left;
}

static int read_lines(hawser__diagram *diagram, const char *path) {
    char text[8 * HAWSER__DIAGRAM_LINE];
    size_t used = 0;
    int fd = hawser__sys_open(path, O_RDONLY | O_CLOEXEC, 0);
    ssize_t n = fd < 0 ? fd : 1;
    while (n > 0 || n == -EINTR) {
        n = hawser__sys_read(fd, text + used, sizeof text - 1 - used);
        used = n >= 0 ? take_lines(diagram, text, used + (size_t)n, n == 0) : used;
    }
    hawser__sys_close(fd);
    return (int)n;
}

static bool find(const char *path, struct stat *ret) {
    int fd = hawser__sys_open(path, O_PATH | O_CLOEXEC, 0);
    bool found = fd >= 0 && hawser__sys_fstat(fd, ret) == 0;
    hawser__sys_close(fd);
    return found;
}

bool hawser__diagram_is_same_file(const char *a, const char *b) {
    struct stat one, other;
    return strcmp(a, b) == 0 ||
           (find(a, &one) && find(b, &other) && one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

int hawser_sim_diagram(const char *trace_path, const char *svg_path) {
    if (!trace_path || !svg_path)
        return hawser__fail(EINVAL, "draw a diagram without a file %s", trace_path ? "to draw it in" : "that has the trace");
    if (hawser__diagram_is_same_file(trace_path, svg_path))
        return hawser__fail(EINVAL, "draw the trace %s in its own file", trace_path);
    hawser__diagram *diagram = hawser__diagram_new();
    if (!diagram)
        return hawser__fail(ENOMEM, "draw the trace %s", trace_path);
    int saved = errno, result = read_lines(diagram, trace_path);
    if (result == 0 && hawser__diagram_is_empty(diagram))
        result = hawser__fail(EINVAL, "draw %s, in which there is no line of a trace", trace_path);
    else if (result < 0)
        result = hawser__fail(result, "read the trace %s", trace_path);
    else if ((result = hawser__diagram_write(diagram, svg_path)) < 0)
        result = hawser__fail(result, "write the diagram %s", svg_path);
    hawser__diagram_free(diagram);
    if (result == 0)
        errno = saved;
    return result;
}

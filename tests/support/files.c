/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <sys/ioctl.h>
#include <unistd.h>

void check_line(hawser_file *file, const char *text, size_t size, const char *source, int line) {
    char got[256];
    memset(got, 'Z', sizeof got);
    check_result(hawser_readline(file, got, sizeof got), (int64_t)size, "hawser_readline", source, line);
    if (memcmp(got, text, size) == 0 && got[size] == '\0')
        return;
    print_error("the line is \"%s\"\nexpected    \"%s\"\n", got, text);
    _fail(source, line);
}

void check_arrives(int fd, const char *text, size_t size, const char *source, int line) {
    char got[256] = "";
    assert_true(size < sizeof got);
    bool came = raw_read(fd, got, size);
    int more = unread(fd);
    if (came && memcmp(got, text, size) == 0 && more == 0)
        return;
    print_error("what arrived is \"%s\"%s, and %d bytes more\nexpected        \"%s\"\n", got, came ? "" : " and no more", more,
                text);
    _fail(source, line);
}

int unread(int fd) {
    int bytes = -1;
    assert_int_equal(ioctl(fd, FIONREAD, &bytes), 0);
    return bytes;
}

void give(wire w, const char *text) {
    give_bytes(w, text, strlen(text));
}

void give_bytes(wire w, const void *data, size_t size) {
    assert_true(raw_write(w.far, data, size));
}

void end_input(wire *w) {
    close(w->far);
    w->far = -1;
}

void fill_pattern(char *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 2654435761u >> 24);
}

void await_input(wire w) {
    assert_result(await_sock(w.sock, HAWSER_READABLE), HAWSER_READABLE);
}

hawser_file *open_file(wire w, const char *mode) {
    hawser_file *file = hawser_makefile(w.sock, mode);
    assert_non_null(file);
    return file;
}

void done(hawser_file *file, wire w) {
    assert_works(hawser_file_close(file));
    cut(w);
}

/* SPDX-License-Identifier: MIT */
/* Downloads a file again and again, one connection after the other, and compares it with the file itself. A request is one. */
#include "load.h"

#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT 262144

struct content {
    const char *data;
    size_t size;
};

static struct content map_file(const char *path) {
    struct stat info;
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0 || fstat(fd, &info) < 0)
        bench_die("file");
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (data == MAP_FAILED)
        bench_die("mmap");
    close(fd);
    return (struct content){.data = data, .size = (size_t)info.st_size};
}

static void download(const struct settings *settings, const struct content *content) {
    static char input[INPUT];
    size_t received = 0;
    int fd = open_connection(settings, 0);
    if (fcntl(fd, F_SETFL, 0) < 0)
        bench_die("fcntl");
    ssize_t n;
    while ((n = recv(fd, input, sizeof input, 0)) > 0) {
        errno = 0;
        if (received + (size_t)n > content->size || memcmp(input, content->data + received, (size_t)n) != 0)
            bench_die("the file arrives changed");
        received += (size_t)n;
    }
    if (n == 0)
        errno = 0;
    if (n < 0 || received != content->size)
        bench_die("the file arrives in part");
    close(fd);
}

static uint64_t download_until(const struct settings *settings, const struct content *content, int64_t deadline) {
    uint64_t count = 0;
    do {
        download(settings, content);
        count++;
    } while (bench_now() < deadline);
    return count;
}

void load_download(const struct settings *settings) {
    struct content content = map_file(settings->file);
    download_until(settings, &content, bench_now() + (int64_t)(settings->warm * 1e9));
    struct window window;
    window_begin(&window, settings->server);
    uint64_t count = download_until(settings, &content, window.begin + (int64_t)(settings->seconds * 1e9));
    window_end(&window, settings->server);
    window.requests = count;
    window_print(&window);
}

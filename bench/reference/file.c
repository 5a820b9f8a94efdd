/* SPDX-License-Identifier: MIT */
/*
 * The file server to be measured against: one connection after the other, each gets the whole file by sendfile on a blocking
 * socket, then the end.
 *
 * usage: file PATH
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void send_all(int client, int file, off_t size) {
    off_t offset = 0;
    while (offset < size) {
        ssize_t n = sendfile(client, file, &offset, (size_t)(size - offset));
        if (n <= 0 && errno != EINTR)
            return; /* the client has gone */
    }
}

int main(int argc, char **argv) {
    int file = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1, listener = bench_listen();
    struct stat info;
    if (file < 0 || fstat(file, &info) < 0 || fcntl(listener, F_SETFL, 0) < 0)
        bench_die("start");
    bench_say_port_of(listener);
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0)
            continue;
        send_all(client, file, info.st_size);
        close(client);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Sends a file and waits for the receipt.
 *
 * Try it: echo some text > test.txt, start 22_upload_server, then 23_upload_client in another terminal.
 * Another port and file: 23_upload_client 5001 photo.jpg
 *
 * That all bytes were sent says only that the kernel took them. shutdown ends our direction, so the server sees the end of the
 * file; its answer is the proof that the file is there.
 */
#include <fcntl.h>
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int failed(hawser_sock *s) {
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}

static int read_receipt(hawser_sock *s, long long *ret_stored) {
    char line[64];
    hawser_file *f = hawser_makefile(s, "r");
    ssize_t n = f ? hawser_readline(f, line, sizeof line) : -1;
    hawser_file_close(f);
    if (n <= 0 || sscanf(line, "received %lld bytes", ret_stored) != 1)
        *ret_stored = -1;
    return n < 0 ? -1 : 0;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 5001;
    const char *name = argc > 2 ? argv[2] : "test.txt";
    long long stored;
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        perror(name);
        return 1;
    }
    hawser_sock *s = hawser_create_connection("localhost", port, NULL);
    ssize_t sent = s ? hawser_sendfile(s, file, -1, 0) : -1;
    close(file);
    if (sent < 0 || hawser_shutdown(s, SHUT_WR) < 0 || read_receipt(s, &stored) < 0)
        return failed(s);
    hawser_close(s);
    printf("Sent %zd bytes\n", sent);
    puts(stored == sent ? "File transferred" : "The server does not have the whole file");
    return stored != sent;
}

/* SPDX-License-Identifier: MIT */
/*
 * Sends a file: waits for a client's hello, sends the whole file, closes.
 *
 * Try it: echo some text > test.txt, start 20_file_server, then 21_file_client in another terminal.
 * Another port and file: 20_file_server 5001 photo.jpg
 *
 * The end of the stream is all that tells the client where the file ends, and that is no proof: were this program killed half
 * way, the client would see the same end. 23_upload_client shows an answer that proves it.
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

static int serve_file(hawser_sock *c, int file) {
    char hello[1024];
    if (hawser_recv(c, hello, sizeof hello) < 0)
        return failed(c);
    ssize_t sent = hawser_sendfile(c, file, -1, 0);
    if (sent < 0)
        return failed(c);
    printf("Sent %zd bytes\nFile transferred\n", sent);
    hawser_close_linger(c, 2); /* a plain close with bytes unread could destroy the end of the file on its way */
    return 0;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 5001;
    const char *name = argc > 2 ? argv[2] : "test.txt";
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        perror(name);
        return 1;
    }
    hawser_sock *s = hawser_create_server("", port, NULL);
    if (!s)
        return failed(s);
    puts("Waiting for a client");
    hawser_addr peer;
    hawser_sock *c = hawser_accept(s, &peer);
    if (!c)
        return failed(s);
    printf("Connection from: %s\n", hawser_addr_str(&peer));
    hawser_close(s);
    int status = serve_file(c, file);
    close(file);
    return status;
}

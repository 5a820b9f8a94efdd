/* SPDX-License-Identifier: MIT */
/*
 * Receives a file: says hello, then stores what comes until the stream ends.
 *
 * Try it: start 20_file_server in another terminal, then 21_file_client; the file is recv.txt.
 * Another port and name: 21_file_client 5001 copy.jpg
 *
 * The tutorial prints "Successfully received" at the end of the stream. The end says only that the sender stopped; whether the
 * file is whole, its size or a checksum would have to tell.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(hawser_sock *s) {
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}

static int receive(hawser_sock *s, FILE *f) {
    static char data[65536];
    ssize_t n;
    while ((n = hawser_recv(s, data, sizeof data)) > 0) {
        puts("Receiving data...");
        fwrite(data, 1, (size_t)n, f);
    }
    return (int)n;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 5001;
    const char *name = argc > 2 ? argv[2] : "recv.txt";
    hawser_sock *s = hawser_create_connection("127.0.0.1", port, NULL);
    if (!s || hawser_sendall(s, "Hello server!", 13) < 0)
        return failed(s);
    FILE *f = fopen(name, "wb");
    if (!f) {
        perror(name);
        hawser_close(s);
        return 1;
    }
    int received = receive(s, f);
    bool stored = !ferror(f);
    stored = fclose(f) == 0 && stored; /* a full disk may show only here */
    if (received < 0)
        return failed(s);
    puts(stored ? "Successfully received" : "The file could not be written");
    hawser_close(s);
    puts("Connection closed");
    return !stored;
}

/* SPDX-License-Identifier: MIT */
/*
 * Receives a file and says how much of it arrived: the other direction, with a receipt.
 *
 * Try it: start it, then 23_upload_client in another terminal; or nc -N localhost 5001 < test.txt
 *
 * The client half-closes: "I am done sending" reaches us as the end of the stream, and the way back is still open for the
 * receipt. It counts only what is safely written.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(hawser_sock *s) {
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}

/* The bytes stored; -1 when the connection broke or the file could not be written. */
static long long store(hawser_sock *c, const char *name) {
    static char data[65536];
    long long total = 0;
    ssize_t n = -1;
    FILE *f = fopen(name, "wb");
    if (!f)
        return -1;
    while ((n = hawser_recv(c, data, sizeof data)) > 0)
        total += (long long)fwrite(data, 1, (size_t)n, f);
    bool stored = !ferror(f);
    stored = fclose(f) == 0 && stored;
    return n == 0 && stored ? total : -1;
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 5001;
    const char *name = argc > 2 ? argv[2] : "recv.txt";
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

    long long total = store(c, name);
    if (total < 0) {
        fprintf(stderr, "%s: not received\n", name);
        hawser_close(c);
        return 1;
    }
    char receipt[64];
    int size = snprintf(receipt, sizeof receipt, "received %lld bytes\n", total);
    printf("%s", receipt);
    if (hawser_sendall(c, receipt, (size_t)size) < 0)
        return failed(c);
    hawser_close(c);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * A Unix stream socket: the greeting server for programs on this machine; its address is a file.
 *
 * Try it: 26_unix_stream serve, then in another terminal: 26_unix_stream, or nc -U /tmp/hawser-greeting.sock
 * Another file: 26_unix_stream serve unix:/run/user/1000/x.sock; a name without a file: 26_unix_stream serve unix:@greeting
 *
 * Who may connect is a matter of the file's permissions, and the kernel says who did. The file of a server that was killed
 * stays behind; hawser_create_server replaces it if nobody answers there, and refuses if somebody does.
 */
#include <hawser.h>
#include <stdio.h>
#include <string.h>

static int failed(hawser_sock *s) {
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}

static int serve(const char *address) {
    hawser_sock *c, *s = hawser_create_server(address, 0, NULL);
    if (!s)
        return failed(s);
    printf("listening on %s\n", address);
    while ((c = hawser_accept(s, NULL))) {
        pid_t pid = 0;
        uid_t uid = 0;
        if (hawser_getpeercred(c, &pid, &uid, NULL) == 0)
            printf("Got connection from process %ld of user %ld\n", (long)pid, (long)uid);
        if (hawser_sendall(c, "Thank you for connecting\n", 25) < 0)
            fprintf(stderr, "%s\n", hawser_error());
        hawser_close(c);
    }
    return failed(s);
}

static int talk(const char *address) {
    hawser_sock *s = hawser_create_connection(address, 0, NULL);
    char text[1024];
    ssize_t n = -1;
    while (s && (n = hawser_recv(s, text, sizeof text)) > 0)
        fwrite(text, 1, (size_t)n, stdout);
    if (n < 0)
        return failed(s);
    hawser_close(s);
    return 0;
}

int main(int argc, char **argv) {
    bool server = argc > 1 && strcmp(argv[1], "serve") == 0;
    const char *address = argc > 1 + server ? argv[1 + server] : "unix:/tmp/hawser-greeting.sock";
    return server ? serve(address) : talk(address);
}

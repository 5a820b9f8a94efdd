/* SPDX-License-Identifier: MIT */
/*
 * Unix datagrams: messages between programs on this machine, each whole, none lost.
 *
 * Try it: 27_unix_datagram serve, then in another terminal: 27_unix_datagram happy, or nc -uU /tmp/hawser-datagram.sock
 * A second argument is the address: unix:/path or unix:@name.
 *
 * A client that wants an answer needs an address of its own, or the server has nowhere to send it: binding to the empty address
 * "unix:" asks the kernel for a free name. A server that is not there is an error at once, other than with UDP.
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
    hawser_listen_options datagrams = {.type = SOCK_DGRAM};
    hawser_sock *s = hawser_create_server(address, 0, &datagrams);
    if (!s)
        return failed(s);
    printf("listening on %s\n", address);
    char text[1024];
    hawser_addr peer;
    ssize_t n;
    while ((n = hawser_recvfrom(s, text, sizeof text, &peer)) >= 0) {
        printf("%zd bytes from %s\n", n, hawser_addr_str(&peer));
        if (hawser_sendto_addr(s, text, (size_t)n, 0, &peer) < 0)
            fprintf(stderr, "%s\n", hawser_error()); /* a nameless sender, or one that has gone */
    }
    return failed(s);
}

static int ask(const char *address, const char *text) {
    char answer[1024];
    hawser_sock *s = hawser_socket(AF_UNIX, SOCK_DGRAM, 0);
    if (!s || hawser_bind(s, "unix:", 0) < 0 || hawser_settimeout(s, 5) < 0)
        return failed(s);
    if (hawser_sendto(s, text, strlen(text), address, 0) < 0)
        return failed(s);
    ssize_t n = hawser_recv(s, answer, sizeof answer);
    if (n < 0)
        return failed(s);
    printf("%.*s\n", (int)n, answer);
    hawser_close(s);
    return 0;
}

int main(int argc, char **argv) {
    const char *text = argc > 1 ? argv[1] : "happy";
    const char *address = argc > 2 ? argv[2] : "unix:/tmp/hawser-datagram.sock";
    return strcmp(text, "serve") == 0 ? serve(address) : ask(address, text);
}

/* SPDX-License-Identifier: MIT */
/*
 * From a name to a connection, each step with its own error: create a socket, resolve the host, connect to port 80.
 *
 * Try it: 05_resolve_and_connect www.debian.org, then with nosuch.invalid, then with localhost 9, where nothing listens.
 *
 * The tutorial prints the address and calls it the port; here the line names both. hawser_create_connection does all three
 * steps at once, over IPv6 as well, within one deadline.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(hawser_sock *s) {
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}

int main(int argc, char **argv) {
    const char *host = argc > 1 ? argv[1] : "www.debian.org";
    int port = argc > 2 ? atoi(argv[2]) : 80;
    char ip[INET_ADDRSTRLEN];

    hawser_sock *s = hawser_socket(AF_INET, SOCK_STREAM, 0);
    if (!s) {
        fprintf(stderr, "socket creation failed with error %s\n", hawser_error());
        return 1;
    }
    puts("Socket successfully created");

    if (hawser_gethostbyname(host, ip, sizeof ip) < 0) {
        puts("there was an error resolving the host");
        return failed(s);
    }
    if (hawser_connect(s, ip, port) < 0)
        return failed(s);
    printf("the socket has successfully connected to %s on port %d == %s\n", host, port, ip);
    hawser_close(s);
    return 0;
}

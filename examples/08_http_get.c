/* SPDX-License-Identifier: MIT */
/*
 * What a browser does: resolve the host, connect to port 80, send a request, print the reply to its end.
 *
 * Try it: 08_http_get www.debian.org
 * Without a network: python3 -m http.server 8000 in another terminal, then 08_http_get localhost 8000
 *
 * The tutorial's request lacks the Host line, which HTTP/1.1 demands, and its single recv(4096) prints only what has come by
 * then. "Connection: close" asks the server to end the stream after the reply, so that the end of the stream is its end.
 */
#include <hawser.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(hawser_sock *s) {
    fprintf(stderr, "%s\n", hawser_error());
    hawser_close(s);
    return 1;
}

static int send_request(hawser_sock *s, const char *host, int port) {
    hawser_file *f = hawser_makefile(s, "w"); /* collects what is printed, and sends it when it is closed */
    if (!f || hawser_printf(f, "GET / HTTP/1.1\r\nHost: %s:%d\r\nConnection: close\r\n\r\n", host, port) < 0) {
        hawser_file_close(f);
        return -1;
    }
    return hawser_file_close(f);
}

int main(int argc, char **argv) {
    const char *host = argc > 1 ? argv[1] : "www.debian.org";
    int port = argc > 2 ? atoi(argv[2]) : 80;
    char ip[INET_ADDRSTRLEN], reply[4096];
    ssize_t n;

    hawser_sock *s = hawser_socket(AF_INET, SOCK_STREAM, 0);
    if (!s) {
        printf("Failed to create socket. Error code: %d , Error message : %s\n", errno, hawser_strerror(errno));
        return 1;
    }
    puts("Socket Created");
    if (hawser_gethostbyname(host, ip, sizeof ip) < 0) {
        puts("Hostname could not be resolved. Exiting");
        return failed(s);
    }
    printf("Ip address of %s is %s\n", host, ip);
    if (hawser_connect(s, ip, port) < 0)
        return failed(s);
    printf("Socket Connected to %s on ip %s\n", host, ip);
    if (send_request(s, host, port) < 0) {
        puts("Send failed");
        return failed(s);
    }
    puts("Message send successfully");
    while ((n = hawser_recv(s, reply, sizeof reply)) > 0)
        fwrite(reply, 1, (size_t)n, stdout);
    if (n < 0)
        return failed(s);
    hawser_close(s);
    return 0;
}

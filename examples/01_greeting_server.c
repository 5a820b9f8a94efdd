/* 000, 001: the greeting server. telnet localhost 12345 prints the line. */
#include <hawser.h>
#include <stdio.h>

int main(void) {
    hawser_sock *s = hawser_create_server("", 12345, NULL);          /* "" = every address, IPv4 and IPv6 */
    if (!s) { fprintf(stderr, "%s\n", hawser_error()); return 1; }   /* listen on [::]:12345: Address already in use */
    puts("socket is listening");
    hawser_addr peer;
    hawser_sock *c;
    while ((c = hawser_accept(s, &peer))) {
        printf("Got connection from %s\n", hawser_addr_str(&peer));
        hawser_sendall(c, "Thank you for connecting", 24);
        hawser_close(c);
    }
    fprintf(stderr, "%s\n", hawser_error());                        /* accept on [::]:12345: Too many open files */
    hawser_close(s);
    return 1;
}

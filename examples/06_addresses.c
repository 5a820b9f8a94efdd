/* SPDX-License-Identifier: MIT */
/*
 * Every address behind a name and a service, as a table, and the name of this machine.
 *
 * Try it: 06_addresses www.debian.org, or 06_addresses localhost 12345
 *
 * Each row is what socket, then connect, need; the rows come in the order in which to try them. Asking for SOCK_STREAM matters:
 * without a type each address comes once for every type there is.
 */
#include <hawser.h>
#include <stdio.h>

static const char *family_name(int family) {
    return family == AF_INET ? "inet" : family == AF_INET6 ? "inet6" : "other";
}

int main(int argc, char **argv) {
    const char *host = argc > 1 ? argv[1] : "localhost";
    const char *service = argc > 2 ? argv[2] : "www";
    hawser_addrinfo *list;
    if (hawser_getaddrinfo(host, service, AF_UNSPEC, SOCK_STREAM, 0, 0, &list) < 0) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    puts("family  type  proto  address");
    for (hawser_addrinfo *a = list; a; a = a->next)
        printf("%-6s  %4d  %5d  %s\n", family_name(a->family), a->type, a->proto, hawser_addr_str(&a->addr));
    hawser_freeaddrinfo(list);

    char name[65]; /* a host name has at most 64 bytes */
    if (hawser_gethostname(name, sizeof name) < 0) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    puts(name);
    return 0;
}

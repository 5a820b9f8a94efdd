/* SPDX-License-Identifier: MIT */
/*
 * The address of a name: the first IPv4 one.
 *
 * Try it: 04_host_address www.debian.org, and 04_host_address nosuch.invalid
 *
 * A name may have many addresses, of IPv6 too: 06_addresses lists them all.
 */
#include <hawser.h>
#include <stdio.h>

int main(int argc, char **argv) {
    const char *host = argc > 1 ? argv[1] : "localhost";
    char ip[INET_ADDRSTRLEN];
    if (hawser_gethostbyname(host, ip, sizeof ip) < 0) {
        fprintf(stderr, "%s\n", hawser_error());
        return 1;
    }
    puts(ip);
    return 0;
}

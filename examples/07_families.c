/* SPDX-License-Identifier: MIT */
/*
 * The families and types of the tutorials' tables: which of them does this machine have?
 *
 * Try it: 07_families, then as root: raw sockets are for root only.
 *
 * A family that the kernel lacks is no accident of the program: the code and the message say which it was.
 */
#include <hawser.h>
#include <stdio.h>

static const struct {
    const char *name;
    int family, type, proto;
} sockets[] = {
    {"AF_INET SOCK_STREAM", AF_INET, SOCK_STREAM, 0},
    {"AF_INET SOCK_DGRAM", AF_INET, SOCK_DGRAM, 0},
    {"AF_INET SOCK_RAW", AF_INET, SOCK_RAW, IPPROTO_ICMP},
    {"AF_INET6 SOCK_STREAM", AF_INET6, SOCK_STREAM, 0},
    {"AF_INET6 SOCK_DGRAM", AF_INET6, SOCK_DGRAM, 0},
    {"AF_UNIX SOCK_STREAM", AF_UNIX, SOCK_STREAM, 0},
    {"AF_UNIX SOCK_DGRAM", AF_UNIX, SOCK_DGRAM, 0},
    {"AF_UNIX SOCK_SEQPACKET", AF_UNIX, SOCK_SEQPACKET, 0},
    {"AF_CAN SOCK_RAW", AF_CAN, SOCK_RAW, 1 /* CAN_RAW */},
    {"AF_RDS SOCK_SEQPACKET", AF_RDS, SOCK_SEQPACKET, 0},
    {"AF_X25 SOCK_SEQPACKET", AF_X25, SOCK_SEQPACKET, 0},
};

int main(void) {
    for (size_t i = 0; i < sizeof sockets / sizeof sockets[0]; i++) {
        hawser_sock *s = hawser_socket(sockets[i].family, sockets[i].type, sockets[i].proto);
        printf("%-22s  ", sockets[i].name);
        if (s)
            puts("Socket Created");
        else
            printf("Failed to create socket. Error code: %d , Error message : %s\n", errno, hawser_strerror(errno));
        hawser_close(s);
    }
    return 0;
}

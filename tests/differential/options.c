/* SPDX-License-Identifier: MIT */
/* Deeds: options. Those of which every system has its own value are left out. */
#include "deeds.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

void act_option(struct stage *stage, const struct step *step, char *line) {
    static const int names[][2] = {
        {SOL_SOCKET, SO_TYPE},       {SOL_SOCKET, SO_ERROR},      {SOL_SOCKET, SO_ACCEPTCONN}, {SOL_SOCKET, SO_DOMAIN},
        {SOL_SOCKET, SO_REUSEADDR},  {SOL_SOCKET, SO_KEEPALIVE},  {SOL_SOCKET, SO_BROADCAST},  {IPPROTO_TCP, TCP_NODELAY},
        {SOL_SOCKET, SO_PROTOCOL},   {IPPROTO_IPV6, IPV6_V6ONLY}, {IPPROTO_IP, IP_TTL},        {IPPROTO_IP, IP_TOS},
        {SOL_SOCKET, SO_RCVLOWAT},   {SOL_SOCKET, SO_OOBINLINE},  {IPPROTO_TCP, TCP_CORK},     {SOL_SOCKET, SO_DONTROUTE},
        {SOL_SOCKET, SO_REUSEPORT},  {IPPROTO_IP, IP_PKTINFO},    {IPPROTO_IPV6, IPV6_RECVPKTINFO}, {SOL_SOCKET, SO_ERROR}};
    const int *name = names[step->how % 20];
    int value = -1;
    int result = hawser_getsockopt_int(stage->socks[step->slot], name[0], name[1], &value);
    if (result < 0)
        say_result(line, result);
    else
        say(line, "%d/%d is %d", name[0], name[1], value);
}

/* A socket of IPv6 that has an address of it, and no port any more, is 127.0.0.6 to the kernel when it is to do IPv4 after
 * all. */
static bool has_address_of_ipv6(hawser_sock *sock) {
    hawser_addr own;
    char host[HAWSER_ADDR_TEXT];
    return hawser_family(sock) == AF_INET6 && hawser_getsockname(sock, &own) == 0 &&
           hawser_addr_host(&own, host, sizeof host) > 0 && strcmp(host, "::1") == 0;
}

void act_set_option(struct stage *stage, const struct step *step, char *line) {
    static const int names[][2] = {
        {SOL_SOCKET, SO_REUSEADDR},  {SOL_SOCKET, SO_KEEPALIVE}, {SOL_SOCKET, SO_BROADCAST}, {SOL_SOCKET, SO_KEEPALIVE},
        {IPPROTO_IPV6, IPV6_V6ONLY}, {SOL_SOCKET, SO_KEEPALIVE}, {IPPROTO_IP, IP_PKTINFO},   {SOL_SOCKET, SO_OOBINLINE},
        {IPPROTO_IP, IP_TTL},        {SOL_SOCKET, SO_RCVLOWAT},  {SOL_SOCKET, SO_REUSEADDR}, {IPPROTO_IPV6, IPV6_V6ONLY}};
    const int *name = names[step->how % 12];
    int value = name[0] == IPPROTO_IP && name[1] == IP_TTL ? step->size % 300 : step->size % 2;
    if (name[0] == IPPROTO_IPV6 && value == 0 && has_address_of_ipv6(stage->socks[step->slot])) {
        say(line, "left out");
        return;
    }
    say_result(line, hawser_setsockopt_int(stage->socks[step->slot], name[0], name[1], value));
}

void act_linger(struct stage *stage, const struct step *step, char *line) {
    struct linger linger = {.l_onoff = 1};
    say_result(line, hawser_setsockopt(stage->socks[step->slot], SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

void act_no_linger(struct stage *stage, const struct step *step, char *line) {
    struct linger linger = {.l_onoff = 0, .l_linger = step->how % 3};
    say_result(line, hawser_setsockopt(stage->socks[step->slot], SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

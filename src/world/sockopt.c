/* SPDX-License-Identifier: MIT */
/*
 * Options of sockets. Those of the table are numbers that are checked, kept and given back; some of them mean something
 * elsewhere (hawser__option), the others have nothing to act on in a simulated network. What is not here is -ENOPROTOOPT.
 */
#include "world/socket_inside.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

enum { FLAG = 1, ATLEAST = 2 };   /* ATLEAST: what is too small becomes the least */

/* Those that are asked for often come first. */
static const struct option {
    int level, name, kind, first, least, most;
} table[] = {
    {IPPROTO_IPV6, IPV6_V6ONLY, FLAG, 0, 0, 1},
    {SOL_SOCKET, SO_REUSEPORT, FLAG, 0, 0, 1},
    {SOL_SOCKET, SO_REUSEADDR, FLAG, 0, 0, 1},
    {SOL_SOCKET, SO_RCVLOWAT, ATLEAST, 1, 1, INT32_MAX},
    {SOL_SOCKET, SO_KEEPALIVE, FLAG, 0, 0, 1},
    {SOL_SOCKET, SO_BROADCAST, FLAG, 0, 0, 1},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 0, 0, INT32_MAX},
    {IPPROTO_TCP, TCP_KEEPIDLE, 0, 7200, 1, 32767},
    {IPPROTO_TCP, TCP_KEEPINTVL, 0, 75, 1, 32767},
    {IPPROTO_TCP, TCP_KEEPCNT, 0, 9, 1, 127},
    {IPPROTO_IP, IP_PKTINFO, FLAG, 0, 0, 1},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, FLAG, 0, 0, 1},
    {IPPROTO_IP, IP_MULTICAST_LOOP, FLAG, 1, 0, 1},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, FLAG, 1, 0, 1},
    {SOL_SOCKET, SO_DONTROUTE, FLAG, 0, 0, 1},
    {SOL_SOCKET, SO_OOBINLINE, FLAG, 0, 0, 1},
    {SOL_SOCKET, SO_PRIORITY, 0, 0, 0, 6},
    {SOL_SOCKET, SO_MARK, 0, 0, INT32_MIN, INT32_MAX},
    {SOL_SOCKET, SO_PASSCRED, FLAG, 0, 0, 1},
    {IPPROTO_TCP, TCP_NODELAY, FLAG, 0, 0, 1},
    {IPPROTO_TCP, TCP_CORK, FLAG, 0, 0, 1},
    {IPPROTO_TCP, TCP_QUICKACK, FLAG, 1, 0, 1},
    {IPPROTO_TCP, TCP_SYNCNT, 0, 6, 1, 127},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, 0, 0, INT32_MAX},
    {IPPROTO_TCP, TCP_LINGER2, 0, 60, INT32_MIN, INT32_MAX},
    {IPPROTO_TCP, TCP_FASTOPEN, 0, 0, 0, INT32_MAX},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0, -1, INT32_MIN, INT32_MAX},
    {IPPROTO_IP, IP_TOS, 0, 0, 0, 255},
    {IPPROTO_IP, IP_TTL, 0, 64, 1, 255},
    {IPPROTO_IP, IP_MTU_DISCOVER, 0, 1, 0, 5},
    {IPPROTO_IP, IP_RECVERR, FLAG, 0, 0, 1},
    {IPPROTO_IP, IP_RECVTTL, FLAG, 0, 0, 1},
    {IPPROTO_IP, IP_RECVTOS, FLAG, 0, 0, 1},
    {IPPROTO_IP, IP_MULTICAST_TTL, 0, 1, 0, 255},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, FLAG, 0, 0, 1},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 0, 64, -1, 255},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 0, 1, -1, 255},
    {IPPROTO_IPV6, IPV6_MULTICAST_IF, 0, 0, 0, INT32_MAX},
    {IPPROTO_IPV6, IPV6_RECVERR, FLAG, 0, 0, 1},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, FLAG, 0, 0, 1},
    {IPPROTO_IPV6, IPV6_RECVTCLASS, FLAG, 0, 0, 1},
    {IPPROTO_IPV6, IPV6_TCLASS, 0, 0, -1, 255},
    {IPPROTO_UDP, UDP_SEGMENT, 0, 0, 0, 65535},
    {IPPROTO_UDP, UDP_GRO, FLAG, 0, 0, 1},
};

#define COUNT (sizeof table / sizeof *table)
_Static_assert(COUNT <= HAWSER__OPTIONS, "a socket has room for all of them");

/* As Linux has them: the smallest buffers, and the largest that is not privileged, before doubling. */
#define LEAST_RECEIVE 1152
#define LEAST_SEND 2304
#define MOST_BUFFER 212992

void hawser__options_init(hawser__socket *socket) {
    struct hawser__options *options = &socket->options;
    for (size_t i = 0; i < COUNT; i++)
        options->kept[i] = table[i].first;
    options->receive = options->send = hawser__world_here->limits.buffer;
}

static int place_of(int level, int name) {
    for (size_t i = 0; i < COUNT; i++)
        if (table[i].level == level && table[i].name == name)
            return (int)i;
    return -1;
}

int hawser__option(const hawser__socket *socket, int level, int name) {
    int i = place_of(level, name);
    return i < 0 ? 0 : socket->options.kept[i];
}

void hawser__option_keep(hawser__socket *socket, int level, int name, int value) {
    int i = place_of(level, name);
    if (i >= 0)
        socket->options.kept[i] = value;
}

static bool has_level(const hawser__socket *socket, int level) {
    if (socket->family == AF_UNIX)
        return level == SOL_SOCKET;
    return level == SOL_SOCKET || level == IPPROTO_IP || (level == IPPROTO_IPV6 && socket->family == AF_INET6) ||
           level == (socket->type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP);
}

static bool is_buffer(int name) {
    return name == SO_RCVBUF || name == SO_SNDBUF || name == SO_RCVBUFFORCE || name == SO_SNDBUFFORCE;
}

/* Getting. */

static int fill(void *value, socklen_t *size, const void *from, socklen_t full) {
    *size = *size < full ? *size : full;
    memcpy(value, from, *size);
    return 0;
}

static int fill_int(void *value, socklen_t *size, int number) {
    return fill(value, size, &number, sizeof number);
}

/* What a socket answers by itself; false = nothing. */
static bool answers(hawser__socket *socket, int name, int *ret) {
    const int pairs[][2] = {{SO_TYPE, socket->type},
                            {SO_DOMAIN, socket->family},
                            {SO_PROTOCOL, socket->proto},
                            {SO_ACCEPTCONN, socket->state == HAWSER__LISTENS},
                            {SO_SNDLOWAT, 1},
                            {SO_RCVBUF, (int)(2 * socket->options.receive)},
                            {SO_SNDBUF, (int)(2 * socket->options.send)}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i][0] == name) {
            *ret = pairs[i][1];
            return true;
        }
    if (name == SO_ERROR)
        *ret = -hawser__sock_take_error(socket);
    return name == SO_ERROR;
}

static int get_own(hawser__socket *socket, int name, void *value, socklen_t *size) {
    const struct hawser__options *options = &socket->options;
    int answer;
    if (answers(socket, name, &answer))
        return fill_int(value, size, answer);
    if (name == SO_PEERCRED)
        return fill(value, size, &socket->credentials, sizeof socket->credentials);
    if (name == SO_LINGER)
        return fill(value, size, &options->linger, sizeof options->linger);
    if (name == SO_RCVTIMEO || name == SO_SNDTIMEO)
        return fill(value, size, &options->timeouts[name == SO_SNDTIMEO], sizeof *options->timeouts);
    return -ENOPROTOOPT;
}

int hawser__socket_getsockopt(hawser__socket *socket, int level, int name, void *value, socklen_t *size) {
    if (!has_level(socket, level))
        return socket->family == AF_INET6 ? -ENOPROTOOPT : -EOPNOTSUPP;
    int i = place_of(level, name);
    if (i >= 0)
        return fill_int(value, size, socket->options.kept[i]);
    return level == SOL_SOCKET ? get_own(socket, name, value, size) : -ENOPROTOOPT;
}

/* Setting. */

static void set_buffer(hawser__socket *socket, int name, int bytes) {
    bool receive = name == SO_RCVBUF || name == SO_RCVBUFFORCE;
    bool forced = name == SO_RCVBUFFORCE || name == SO_SNDBUFFORCE;
    size_t least = receive ? LEAST_RECEIVE : LEAST_SEND, most = forced ? INT32_MAX / 2 : MOST_BUFFER;
    size_t wanted = bytes < 0 ? most : (size_t)bytes;
    wanted = wanted < most ? wanted : most;
    *(receive ? &socket->options.receive : &socket->options.send) = wanted > least ? wanted : least;
    hawser__sock_tell(socket);
}

static int set_own(hawser__socket *socket, int name, const void *value, socklen_t size) {
    struct hawser__options *options = &socket->options;
    if (name == SO_LINGER && size >= sizeof options->linger) {
        memcpy(&options->linger, value, sizeof options->linger);
        options->linger.l_onoff = options->linger.l_onoff != 0;
        return 0;
    }
    if ((name == SO_RCVTIMEO || name == SO_SNDTIMEO) && size >= sizeof *options->timeouts) {
        memcpy(&options->timeouts[name == SO_SNDTIMEO], value, sizeof *options->timeouts);
        return 0;
    }
    if (is_buffer(name)) {
        int bytes;
        memcpy(&bytes, value, sizeof bytes);
        set_buffer(socket, name, bytes);
        return 0;
    }
    return name == SO_LINGER || name == SO_RCVTIMEO || name == SO_SNDTIMEO ? -EINVAL : -ENOPROTOOPT;
}

static bool is_group_change(int level, int name) {
    return (level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP)) ||
           (level == IPPROTO_IPV6 && (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP));
}

/* What has to act at once. */
static void react(hawser__socket *socket, int level, int name) {
    bool keepalive = level == SOL_SOCKET ? name == SO_KEEPALIVE : level == IPPROTO_TCP && name == TCP_KEEPIDLE;
    if (keepalive && hawser__sock_is_tcp(socket))
        hawser__tcp_keepalive(socket);
    hawser__wire_run();
}

static int set_kept(hawser__socket *socket, const struct option *option, int number) {
    if (option->name == SO_REUSEPORT && option->level == SOL_SOCKET && socket->family == AF_UNIX)
        return -EOPNOTSUPP;
    if (option->name == IPV6_V6ONLY && option->level == IPPROTO_IPV6 && socket->bound)
        return -EINVAL;
    if (option->kind & FLAG)
        number = number != 0;
    if ((option->kind & ATLEAST) && number < option->least)
        number = number < 0 ? option->most : option->least;
    if (number < option->least || number > option->most)
        return -EINVAL;
    socket->options.kept[option - table] = number;
    react(socket, option->level, option->name);
    return 0;
}

/* Options of IP take a single byte as well. */
static int number_in(int level, const void *value, socklen_t size, int *ret) {
    if (size >= sizeof *ret) {
        memcpy(ret, value, sizeof *ret);
        return 0;
    }
    if (level != IPPROTO_IP || size < 1)
        return -EINVAL;
    *ret = *(const unsigned char *)value;
    return 0;
}

int hawser__socket_setsockopt(hawser__socket *socket, int level, int name, const void *value, socklen_t size) {
    int number, i = place_of(level, name);
    if (!has_level(socket, level))
        return socket->family == AF_UNIX ? -EOPNOTSUPP : -ENOPROTOOPT;
    if (hawser__sock_is_udp(socket) && is_group_change(level, name))
        return hawser__udp_group(socket, level, name, value, size);
    if (number_in(level, value, size, &number) < 0)
        return -EINVAL;
    if (i >= 0)
        return set_kept(socket, &table[i], number);
    return level == SOL_SOCKET ? set_own(socket, name, value, size) : -ENOPROTOOPT;
}

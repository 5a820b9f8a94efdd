/* SPDX-License-Identifier: MIT */
/* Deeds: sockets and connections from their beginning to their end. */
#include "deeds.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define NOWHERE 1                /* a port at which nobody listens */

/* Addresses by their owners. */

static bool address_of(hawser_sock *sock, hawser_addr *addr) {
    return sock && hawser_getsockname(sock, addr) == 0;
}

const char *owner_of(const struct stage *stage, const hawser_addr *addr, char text[static 16]) {
    hawser_addr own;
    for (int i = 0; i < SLOTS; i++)
        if (addr->len > 2 && address_of(stage->socks[i], &own) && hawser_addr_equal(&own, addr)) {
            snprintf(text, 16, "slot %d", i);
            return text;
        }
    return addr->len == 0 ? "nobody" : addr->len == 2 ? "unnamed" : "somebody else";
}

static void loopback(hawser_addr *addr, int family, bool mapped, int port) {
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = in6addr_loopback};
    if (family == AF_INET) {
        hawser_addr_ip(addr, "127.0.0.1", port);
        return;
    }
    if (mapped)
        in.sin6_addr = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
    hawser_addr_from_sockaddr(addr, (const struct sockaddr *)&in, sizeof in);
}

/* Of an address of IP: as it is, or the loopback of one family or the other. A socket of IPv6 that has once tried to connect
 * to an IPv4 address reaches no IPv6 address any more on Linux, nor is a mixture of both of use: within a program all go one
 * way. */
static bool one_way(hawser_sock *sock, const struct step *step) {
    return hawser_family(sock) == AF_INET6 && strncmp(deed_of(step), "connect", 7) == 0;
}

void target(const struct stage *stage, const struct step *step, hawser_addr *addr) {
    hawser_sock *sock = stage->socks[step->slot], *other = stage->socks[step->other];
    int family = hawser_family(sock), port = NOWHERE;
    if (address_of(other, addr) && addr->len > 2) {
        if (hawser_family(other) == AF_UNIX)
            return;
        if (hawser_addr_port(addr) > 0)
            port = (int)hawser_addr_port(addr);
        if (port != NOWHERE && step->how % 10 < 3 && !one_way(sock, step))
            return;
    }
    if (family == AF_UNIX)
        hawser_addr_unix(addr, "\0nobody is here", 15);
    else
        loopback(addr, family, one_way(sock, step) ? stage->mapped : step->how % 2, port);
}

/* Beginnings. */

int free_slot(const struct stage *stage) {
    for (int i = 0; i < SLOTS; i++)
        if (!stage->socks[i])
            return i;
    return -1;
}

/* Without Nagle's algorithm, which may hold back what a socket sends until the other end is shut. */
void keep(struct stage *stage, int slot, hawser_sock *sock) {
    stage->socks[slot] = sock;
    stage->sent[slot] = 0;
    stage->shut[slot] = false;
    if (!sock)
        return;
    hawser_settimeout(sock, 0);
    if (hawser_family(sock) != AF_UNIX && hawser_type(sock) == SOCK_STREAM)
        hawser_setsockopt_int(sock, IPPROTO_TCP, TCP_NODELAY, 1);
}

/* Themes: sockets that can have to do with each other are more of interest. The last one has all of them. */
static const int *kind_for(const struct stage *stage, const struct step *step) {
    static const int kinds[][2] = {{AF_INET, SOCK_STREAM}, {AF_INET6, SOCK_STREAM}, {AF_INET, SOCK_DGRAM},
                                   {AF_INET6, SOCK_DGRAM}, {AF_UNIX, SOCK_STREAM}, {AF_UNIX, SOCK_DGRAM},
                                   {AF_UNIX, SOCK_SEQPACKET}};
    static const struct {
        int first, count;
    } themes[] = {{0, 1}, {0, 2}, {1, 1}, {2, 1}, {2, 2}, {3, 1}, {4, 1}, {5, 1}, {6, 1}, {0, 7}};
    return kinds[themes[stage->theme].first + step->how % themes[stage->theme].count];
}

void act_open(struct stage *stage, const struct step *step, char *line) {
    const int *kind = kind_for(stage, step);
    int slot = free_slot(stage);
    if (slot >= 0)
        keep(stage, slot, hawser_socket(kind[0], kind[1], 0));
    say(line, "%d", slot);
}

void act_pair(struct stage *stage, const struct step *step, char *line) {
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    hawser_sock *pair[2] = {NULL, NULL};
    int result = hawser_socketpair(AF_UNIX, types[step->how % 3], 0, pair);
    say_result(line, result);
    for (int i = 0; i < 2; i++) {
        int slot = free_slot(stage);
        if (slot >= 0)
            keep(stage, slot, pair[i]);
        else
            hawser_close(pair[i]);
    }
}

/* Whether a connection that is over keeps PORT (TIME_WAIT): of a kernel it may be one of another program, by chance, where the
 * port was chosen for an address of the other family. */
static bool port_is_held(int port) {
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    char row[512];
    unsigned own, state;
    unsigned long inode;
    bool held = false;
    for (int i = 0; i < 2; i++) {
        FILE *table = fopen(tables[i], "r");
        while (table && !held && fgets(row, sizeof row, table))
            held = sscanf(row, "%*d: %*[0-9A-F]:%x %*s %x %*s %*s %*s %*d %*d %lu", &own, &state, &inode) == 3 && inode == 0 &&
                   (int)own == port && state != TCP_ESTABLISHED && state != TCP_SYN_RECV && state != TCP_LISTEN;
        if (table)
            fclose(table);
    }
    return held;
}

/* Whether RESULT, of binding or listening with PORT, is another one than expected for that reason. */
static bool is_held(const struct stage *stage, hawser_sock *sock, int result, int port, const char *line) {
    bool news = stage->waits && result < 0 && !strstr(stage->expected, line);
    return news && hawser_type(sock) == SOCK_STREAM && port_is_held(port);
}

/* Most take any port; the others one that another socket of their kind has or had. */
static void bind_ip(struct stage *stage, const struct step *step, char *line) {
    hawser_sock *sock = stage->socks[step->slot], *other = stage->socks[step->other];
    hawser_addr addr;
    int family = hawser_family(sock), port = 0;
    bool same_kind = other && hawser_type(other) == hawser_type(sock);
    if (step->how % 5 == 0 && same_kind && address_of(other, &addr) && hawser_addr_port(&addr) > 0)
        port = (int)hawser_addr_port(&addr);
    loopback(&addr, family, step->how % 7 == 0, port);
    if (step->how % 4 == 0 && family == AF_INET)
        hawser_addr_ip(&addr, "", port);
    else if (step->how % 4 == 0)
        hawser_addr_ip(&addr, "::", port);
    int result = hawser_bind_addr(sock, &addr);
    say_result(line, result);
    stage->over |= is_held(stage, sock, result, port, line);
}

void act_bind(struct stage *stage, const struct step *step, char *line) {
    char name[108];
    if (hawser_family(stage->socks[step->slot]) != AF_UNIX) {
        bind_ip(stage, step, line);
        return;
    }
    bool used = step->how % 8 == 0 && stage->made > 0;
    snprintf(name, sizeof name, "%s%s/%d", step->how % 2 ? "@" : "", stage->folder, stage->made - used);
    stage->made++;
    say_result(line, hawser_bind(stage->socks[step->slot], name, 0));
}

void act_listen(struct stage *stage, const struct step *step, char *line) {
    hawser_sock *sock = stage->socks[step->slot];
    hawser_addr addr;
    bool ip = hawser_family(sock) != AF_UNIX;
    int result = hawser_listen(sock, ip && step->how % 8 == 0 ? 0 : 8);
    say_result(line, result);
    stage->over |= ip && address_of(sock, &addr) && is_held(stage, sock, result, (int)hawser_addr_port(&addr), line);
}

/* The three steps that a server begins with. */
void act_serve(struct stage *stage, const struct step *step, char *line) {
    int slot = free_slot(stage);
    if (slot < 0) {
        say(line, "no slot");
        return;
    }
    char bound[LINE], listening[LINE];
    struct step own = *step;
    own.slot = slot;
    act_open(stage, &own, line);
    act_bind(stage, &own, bound);
    act_listen(stage, &own, listening);
    say(line, "%d: %.32s, %.32s", slot, bound, listening);
}

/* A kernel may choose the port that is connected to, which nobody had, for the client: then it meets itself. */
static bool met_itself(hawser_sock *sock) {
    hawser_addr own, peer;
    return hawser_getsockname(sock, &own) == 0 && hawser_getpeername(sock, &peer) == 0 && hawser_addr_equal(&own, &peer);
}

/* To a kernel's poll a socket that was shut both ways, before, is ready while its connection is under way. */
static bool is_half_way(hawser_sock *sock) {
    struct tcp_info info = {.tcpi_state = TCP_CLOSE};
    socklen_t size = sizeof info;
    return hawser_getsockopt(sock, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_SYN_SENT;
}

void act_connect(struct stage *stage, const struct step *step, char *line) {
    hawser_addr addr;
    hawser_sock *sock = stage->socks[step->slot];
    bool ip = hawser_family(sock) != AF_UNIX;
    target(stage, step, &addr);
    hawser_settimeout(sock, CONNECT_LIMIT);
    int result = hawser_connect_addr(sock, &addr);
    say_result(line, result);
    hawser_settimeout(sock, 0);
    bool news = stage->waits && result == 0 && strcmp(stage->expected, "0") != 0;
    stage->over |= news && ip && (met_itself(sock) || is_half_way(sock));
}

/* A socket of IPv6 that had an IPv4 peer does on Linux not hear (datagrams), or reach (streams), IPv6 without one either. */
void act_dissolve(struct stage *stage, const struct step *step, char *line) {
    hawser_addr none = {.len = sizeof(struct sockaddr_in)};
    hawser_sock *sock = stage->socks[step->slot];
    if (hawser_family(sock) == AF_INET6 && (stage->mapped || hawser_type(sock) == SOCK_STREAM)) {
        say(line, "left out");
        return;
    }
    say_result(line, hawser_connect_addr(sock, &none));
}

/* At a listener that was shut who may wait does not wait either, and is told something else. */
static hawser_sock *accept_one(const struct stage *stage, const struct step *step, hawser_addr *peer) {
    hawser_sock *listener = stage->socks[step->slot];
    if (!stage->shut[step->slot] || hawser_family(listener) != AF_UNIX || step->how % 2)
        return hawser_accept(listener, peer);
    hawser_settimeout(listener, CONNECT_LIMIT);
    hawser_sock *sock = hawser_accept(listener, peer);
    int error = errno;
    hawser_settimeout(listener, 0);
    errno = error;
    return sock;
}

void act_accept(struct stage *stage, const struct step *step, char *line) {
    char who[16];
    hawser_addr peer = {.len = 0};
    int slot = free_slot(stage);
    if (slot < 0) {
        say(line, "no slot");
        return;
    }
    hawser_sock *sock = accept_one(stage, step, &peer);
    if (sock) {
        say(line, "%d from %s", slot, owner_of(stage, &peer, who));
        keep(stage, slot, sock);
    } else {
        say_result(line, -1);
    }
}

/* Ends. */

void act_shutdown(struct stage *stage, const struct step *step, char *line) {
    static const int hows[] = {SHUT_RD, SHUT_WR, SHUT_RDWR, SHUT_WR};
    int how = hows[step->how % 4];
    stage->shut[step->slot] |= how != SHUT_WR;
    say_result(line, hawser_shutdown(stage->socks[step->slot], how));
}

void act_close(struct stage *stage, const struct step *step, char *line) {
    hawser_close(stage->socks[step->slot]);
    stage->socks[step->slot] = NULL;
    say(line, "closed");
}

/* What is left of a connection to a port: who may have it then? Not by chance: one address only. */

static bool connect_to_own(hawser_sock *listener, hawser_sock *two[2]) {
    hawser_addr addr;
    bool fine = hawser_listen(listener, 1) == 0 && hawser_getsockname(listener, &addr) == 0 &&
                (two[0] = hawser_socket(hawser_family(listener), SOCK_STREAM, 0)) && hawser_connect_addr(two[0], &addr) == 0;
    return fine && (two[1] = hawser_accept(listener, NULL));
}

static void end_both(hawser_sock *two[2], int how) {
    const struct linger away = {.l_onoff = 1};
    int first = how % 2;
    if (how / 2 == 1)
        hawser_shutdown(two[1 - first], SHUT_WR);
    if (how / 2 == 2)
        hawser_setsockopt(two[first], SOL_SOCKET, SO_LINGER, &away, sizeof away);
    if (how / 2 == 3)
        hawser_setsockopt_int(two[1], SOL_SOCKET, SO_REUSEADDR, 0);
    hawser_close(two[first]);
    hawser_close(two[1 - first]);
}

void act_rebind(struct stage *stage, const struct step *step, char *line) {
    bool listener_reuses = step->how / 4 % 2, reuses = step->how / 8 % 2;
    int family = step->how % 2 ? AF_INET : AF_INET6;
    hawser_sock *listener = hawser_socket(family, SOCK_STREAM, 0), *next = hawser_socket(family, SOCK_STREAM, 0);
    hawser_sock *two[2] = {NULL, NULL};
    hawser_addr addr;
    (void)stage;
    loopback(&addr, family, false, 0);
    hawser_setsockopt_int(listener, SOL_SOCKET, SO_REUSEADDR, listener_reuses);
    hawser_setsockopt_int(next, SOL_SOCKET, SO_REUSEADDR, reuses);
    if (hawser_bind_addr(listener, &addr) == 0 && connect_to_own(listener, two)) {
        hawser_getsockname(listener, &addr);
        end_both(two, step->other);
        hawser_close(listener);
        listener = NULL;
        int result = hawser_bind_addr(next, &addr);
        say_result(line, result < 0 ? result : hawser_listen(next, 1));
    } else {
        say_result(line, -1);
        hawser_close(two[0]);
    }
    hawser_close(listener);
    hawser_close(next);
}

void act_names(struct stage *stage, const struct step *step, char *line) {
    char own_text[96], host[HAWSER_ADDR_TEXT], who[16];
    hawser_addr own = {.len = 0}, peer = {.len = 0};
    hawser_sock *sock = stage->socks[step->slot];
    int result = hawser_getsockname(sock, &own);
    bool ip = own.ss.ss_family != AF_UNIX;
    if (ip)
        hawser_addr_host(&own, host, sizeof host);
    snprintf(own_text, sizeof own_text, "%d family %d length %d%s %.48s", result, own.ss.ss_family,
             ip ? (int)own.len : own.len > 2, ip ? hawser_addr_port(&own) > 0 ? " port" : " no port" : "", ip ? host : "");
    if (hawser_getpeername(sock, &peer) < 0)
        say(line, "%s; peer: %s", own_text, hawser_strerror(errno));
    else
        say(line, "%s; peer: %s", own_text, owner_of(stage, &peer, who));
}

void act_dup(struct stage *stage, const struct step *step, char *line) {
    int slot = free_slot(stage);
    if (slot >= 0)
        keep(stage, slot, hawser_dup(stage->socks[step->slot]));
    say(line, "%d", slot);
}

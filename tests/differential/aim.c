/* SPDX-License-Identifier: MIT */
/*
 * Aiming: of sockets taken at random few have anything to do with each other. So most steps look from their socket on for one
 * with which they make sense. What is looked at is the same wherever the program runs, for all results so far were.
 */
#include "deeds.h"

#include <sys/socket.h>

static bool is_stream(hawser_sock *sock) {
    return hawser_type(sock) != SOCK_DGRAM;
}

static bool listens(hawser_sock *sock) {
    int value = 0;
    return is_stream(sock) && hawser_getsockopt_int(sock, SOL_SOCKET, SO_ACCEPTCONN, &value) == 0 && value;
}

static bool has_peer(hawser_sock *sock) {
    hawser_addr addr;
    return hawser_getpeername(sock, &addr) == 0;
}

static bool has_name(hawser_sock *sock) {
    hawser_addr addr;
    return hawser_getsockname(sock, &addr) == 0 && addr.len > 2 && hawser_addr_port(&addr) != 0;
}

static bool fits(hawser_sock *sock, enum aim aim) {
    switch (aim) {
    case LISTENER:
        return listens(sock);
    case CONNECTED:
        return has_peer(sock);
    case ALONE:
        return !listens(sock) && !has_peer(sock);
    case NAMED:
        return is_stream(sock) && has_name(sock) && !has_peer(sock);
    case DATAGRAMS:
        return !is_stream(sock);
    case ANY:
        return true;
    }
    return false;
}

static int first_slot(const struct stage *stage, int from, enum aim aim) {
    for (int i = 0; i < SLOTS; i++) {
        hawser_sock *sock = stage->socks[(from + i) % SLOTS];
        if (sock && fits(sock, aim))
            return (from + i) % SLOTS;
    }
    return from;
}

/* Whether SOCK can be reached from FROM. */
static bool is_target(hawser_sock *from, hawser_sock *sock) {
    bool same = (hawser_family(from) == AF_UNIX) == (hawser_family(sock) == AF_UNIX) && hawser_type(from) == hawser_type(sock);
    return same && sock != from && (is_stream(sock) ? listens(sock) : has_name(sock));
}

static int first_target(const struct stage *stage, int slot, int from) {
    hawser_sock *sock = stage->socks[slot];
    for (int i = 0; sock && i < SLOTS; i++) {
        hawser_sock *other = stage->socks[(from + i) % SLOTS];
        if (other && is_target(sock, other))
            return (from + i) % SLOTS;
    }
    return from;
}

struct step aimed(const struct stage *stage, const struct step *step, enum aim aim) {
    struct step better = *step;
    if (step->how % 11 == 0)
        return better;
    better.slot = first_slot(stage, step->slot, aim);
    better.other = first_target(stage, better.slot, step->other);
    return better;
}

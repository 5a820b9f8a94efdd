/* SPDX-License-Identifier: MIT */
/*
 * How many connections each IP address has: a hash table with chains, whose lock is held for a look at a few entries. An
 * address is there only while it has a connection, so no flood of addresses can fill it beyond max_connections. The hash has a
 * secret of its own, so nobody can choose addresses that fall into one chain.
 */
#include "server/connection.h"

#include "base/mem.h"
#include "base/sys.h"

#include <string.h>

#define CHAINS 1024

struct entry {
    struct entry *next;
    size_t count;
    unsigned char address[16];
};

struct hawser__peers {
    hawser__lock lock;
    uint64_t secret[2];
    struct entry *chains[CHAINS];
};

struct hawser__peers *hawser__peers_new(void) {
    struct hawser__peers *peers = hawser__zalloc(sizeof *peers);
    if (peers)
        (void)hawser__sys_random(peers->secret, sizeof peers->secret);
    return peers;
}

void hawser__peers_free(struct hawser__peers *peers) {
    for (size_t i = 0; peers && i < CHAINS; i++)
        while (peers->chains[i]) {
            struct entry *entry = peers->chains[i];
            peers->chains[i] = entry->next;
            hawser__free(entry);
        }
    hawser__free(peers);
}

/* IPv4 addresses as if mapped into IPv6. False: an address without one. */
static bool key_of(const hawser_addr *addr, unsigned char key[16]) {
    if (addr->ss.ss_family == AF_INET6) {
        memcpy(key, &((const struct sockaddr_in6 *)&addr->ss)->sin6_addr, 16);
        return true;
    }
    memset(key, 0, 10);
    memset(key + 10, 0xff, 2);
    memcpy(key + 12, &((const struct sockaddr_in *)&addr->ss)->sin_addr, 4);
    return addr->ss.ss_family == AF_INET;
}

static struct entry **chain_of(struct hawser__peers *peers, const unsigned char key[16]) {
    uint64_t halves[2];
    memcpy(halves, key, sizeof halves);
    uint64_t mixed = (halves[0] ^ peers->secret[0]) * 0x9e3779b97f4a7c15u;
    mixed = ((mixed ^ (mixed >> 32)) + (halves[1] ^ peers->secret[1])) * 0xd6e8feb86659fd93u;
    return &peers->chains[(mixed >> 40) % CHAINS];
}

/* The entry for KEY, or where a new one would go. */
static struct entry **find(struct hawser__peers *peers, const unsigned char key[16]) {
    struct entry **at = chain_of(peers, key);
    while (*at && memcmp((*at)->address, key, 16) != 0)
        at = &(*at)->next;
    return at;
}

static bool add_locked(struct hawser__peers *peers, const unsigned char key[16], size_t most, struct entry **spare) {
    struct entry **at = find(peers, key);
    if (!*at && *spare) {
        memcpy((*spare)->address, key, 16);
        *at = *spare;
        *spare = NULL;
    }
    if (!*at || (*at)->count >= most)
        return false;
    (*at)->count++;
    return true;
}

/* What a new address needs is allocated before the lock is taken. */
bool hawser__peers_add(struct hawser__peers *peers, const hawser_addr *addr, size_t most) {
    unsigned char key[16];
    if (!key_of(addr, key))
        return true;
    struct entry *spare = hawser__zalloc(sizeof *spare);
    hawser__lock_take(&peers->lock);
    bool added = add_locked(peers, key, most, &spare);
    hawser__lock_drop(&peers->lock);
    hawser__free(spare);
    return added;
}

void hawser__peers_remove(struct hawser__peers *peers, const hawser_addr *addr) {
    unsigned char key[16];
    struct entry *gone = NULL;
    if (!key_of(addr, key))
        return;
    hawser__lock_take(&peers->lock);
    struct entry **at = find(peers, key);
    if (*at && --(*at)->count == 0) {
        gone = *at;
        *at = gone->next;
    }
    hawser__lock_drop(&peers->lock);
    hawser__free(gone);
}

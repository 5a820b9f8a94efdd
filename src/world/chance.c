/* SPDX-License-Identifier: MIT */
/* xoshiro256** (Blackman and Vigna), started by SplitMix64 so that seeds 1, 2, 3 have nothing in common. */
#include "world/chance.h"

static uint64_t turned(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

void hawser__chance_seed(hawser__chance *chance, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        chance->state[i] = z ^ (z >> 31);
    }
}

uint64_t hawser__chance_next(hawser__chance *chance) {
    uint64_t *s = chance->state, result = turned(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = turned(s[3], 45);
    return result;
}

/* The high half of a product: the bias is n / 2^64, which no run is long enough to see. */
uint64_t hawser__chance_below(hawser__chance *chance, uint64_t n) {
    return n <= 1 ? 0 : (uint64_t)(((unsigned __int128)hawser__chance_next(chance) * n) >> 64);
}

int64_t hawser__chance_between(hawser__chance *chance, int64_t low, int64_t high) {
    return high <= low ? low : low + (int64_t)hawser__chance_below(chance, (uint64_t)(high - low) + 1);
}

bool hawser__chance_hits(hawser__chance *chance, uint32_t millionths) {
    return millionths > 0 && hawser__chance_below(chance, 1000000) < millionths;
}

/* -ln of a number between 0 and 1 is what memoryless waits are made of. Its powers of two are counted by tosses of a coin; what
 * is left is nearly even, and taken so: 2^-k (1 - u / 2) has -log2 = k + (about) u. */
int64_t hawser__chance_wait(hawser__chance *chance, int64_t mean) {
    uint64_t tosses = hawser__chance_next(chance), halvings = 0;
    while (halvings < 27 && !(tosses >> 63)) {
        tosses <<= 1;
        halvings++;
    }
    uint64_t part = hawser__chance_below(chance, 1 << 16);
    unsigned __int128 log2 = ((unsigned __int128)halvings << 16) + part;   /* sixteen bits behind the point */
    int64_t wait = (int64_t)((log2 * (uint64_t)mean * 45426) >> 32);       /* 45426 / 65536 is ln 2 */
    return wait < 1 ? 1 : wait;
}

void hawser__chance_bytes(hawser__chance *chance, void *buf, size_t size) {
    unsigned char *bytes = buf;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(hawser__chance_next(chance) >> 56);
}

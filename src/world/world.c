/* SPDX-License-Identifier: MIT */
#include "world/world.h"

#include "base/mem.h"
#include "world/host.h"
#include "world/numbers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The longest of the trace. */
#define LINE 512

_Thread_local hawser__world *hawser__world_here;

int hawser__world_open(hawser__world *world, uint64_t seed, const hawser_sim_model *model, const char **fault) {
    *world = (hawser__world){.model = *model};
    hawser__chance_seed(&world->chance, seed);
    return hawser__limits_take(&world->limits, model, fault);
}

void hawser__world_close(hawser__world *world) {
    while (world->hosts) {
        hawser__host *host = world->hosts;
        world->hosts = host->next;
        hawser__free(host);
    }
    hawser__free(world->paths);
    hawser__events_done(&world->events);
}

/* Events. */

void hawser__world_at(hawser__event *event, int64_t at) {
    hawser__world *world = hawser__world_here;
    if (hawser__events_add(&world->events, event, at > world->now ? at : world->now) < 0)
        world->broken = true;
}

void hawser__world_after(hawser__event *event, int64_t delay) {
    hawser__world_at(event, delay < INT64_MAX - hawser__world_now() ? hawser__world_now() + delay : INT64_MAX);
}

void hawser__world_forget(hawser__event *event) {
    hawser__events_remove(&hawser__world_here->events, event);
}

bool hawser__world_step(hawser__world *world) {
    hawser__event *event = hawser__events_first(&world->events);
    if (!event)
        return false;
    hawser__events_remove(&world->events, event);
    if (event->at > world->now)
        world->now = event->at;
    event->happen(event);
    return true;
}

/* Paths. */

int hawser__path_set(hawser__path *path, const hawser_sim_link *link, const char **fault) {
    hawser__path made = {.parted = path->parted, .free_at = path->free_at};
    int result = hawser__path_take(&made, link, fault);
    if (result == 0)
        *path = made;
    return result;
}

hawser__path *hawser__path_between(const hawser__host *from, const hawser__host *to) {
    static hawser__path own;   /* nothing is ever written to it: it has no bandwidth */
    hawser__world *world = hawser__world_here;
    return from == to ? &own : &world->paths[from->number * world->path_room + to->number];
}

/* Bytes leave one after the other: what is sent while others are still leaving waits for them. */
static int64_t time_to_leave(hawser__path *path, size_t size) {
    int64_t now = hawser__world_now();
    if (path->bandwidth == 0)
        return 0;
    int64_t begin = path->free_at > now ? path->free_at : now;
    path->free_at = begin + hawser__numbers_share((int64_t)size, HAWSER__SECOND, path->bandwidth);
    return path->free_at - now;
}

bool hawser__path_carries(hawser__path *path, size_t size, int64_t *delay) {
    hawser__chance *chance = hawser__world_chance();
    *delay = time_to_leave(path, size) + path->latency;
    if (path->jitter > 0)
        *delay += hawser__chance_between(chance, 0, path->jitter);
    return !hawser__chance_hits(chance, path->loss) && !path->cut && !path->parted;
}

/* Hosts. */

hawser__host *hawser__host_number(const hawser__world *world, int number) {
    hawser__host *host = world->hosts;
    while (host && host->number != number)
        host = host->next;
    return host;
}

static int lower(unsigned char byte) {
    return byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;
}

/* Letters of either case are one, whatever the locale. */
static bool same_name(const char *a, const char *b) {
    while (*a && lower((unsigned char)*a) == lower((unsigned char)*b))
        a++, b++;
    return !*a && !*b;
}

hawser__host *hawser__host_named(const hawser__world *world, const char *name) {
    hawser__host *host = world->hosts;
    while (host && !same_name(host->name, name))
        host = host->next;
    return host;
}

/* The table of paths doubles; what was changed in it stays. */
static int make_paths(hawser__world *world, int count) {
    const char *fault;
    int room = world->path_room;
    if (count <= room)
        return 0;
    int larger = room > 0 ? 2 * room : 8;
    hawser__path *paths = hawser__zalloc((size_t)larger * (size_t)larger * sizeof *paths);
    if (!paths)
        return -ENOMEM;
    for (int from = 0; from < larger; from++)
        for (int to = 0; to < larger; to++) {
            hawser__path *path = &paths[from * larger + to];
            if (from < room && to < room)
                *path = world->paths[from * room + to];
            else
                (void)hawser__path_take(path, &world->model.link, &fault);   /* it was found to be good at the start */
        }
    hawser__free(world->paths);
    world->paths = paths;
    world->path_room = larger;
    return 0;
}

/* 10.0.0.1 is host 0, and so on up to 10.0.255.254. */
static void give_addresses(hawser__host *host) {
    unsigned number = (unsigned)host->number + 1;
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000000u + number)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr.s6_addr = {0xfd}};
    six.sin6_addr.s6_addr[14] = (unsigned char)(number >> 8);
    six.sin6_addr.s6_addr[15] = (unsigned char)number;
    memcpy(&host->four.ss, &four, sizeof four);
    memcpy(&host->six.ss, &six, sizeof six);
    host->four.len = sizeof four;
    host->six.len = sizeof six;
}

/* What the resolver would take for a number: 1 to 4 of them, as inet_aton has it. */
static bool is_numeric(const char *name) {
    struct in_addr four;
    return inet_aton(name, &four);
}

static const char *label_fault(const char *label, size_t length) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    if (length == 0)
        return "it has an empty part: before, behind or between its dots there is nothing";
    if (strspn(label, allowed) < length)
        return "the name of a host has letters, digits, \"-\" and \".\" only";
    bool hyphen = label[0] == '-' || label[length - 1] == '-';
    return hyphen ? "no part of the name of a host begins or ends with \"-\"" : NULL;
}

const char *hawser__host_name_fault(const char *name) {
    const char *label = name, *fault = NULL;
    if (!*name)
        return "a host has a name";
    if (strlen(name) >= HAWSER__HOST_NAME)
        return "the name of a host has 63 characters at most";
    for (bool more = true; more && !fault;) {
        size_t length = strcspn(label, ".");
        fault = label_fault(label, length);
        more = label[length] == '.';
        label += length + 1;
    }
    if (!fault && same_name(name, "localhost"))
        return "every host is that to itself";
    return !fault && is_numeric(name) ? "it is taken for a numeric address" : fault;
}

static void set_clock(hawser__host *host, hawser__world *world) {
    hawser__chance *chance = &world->chance;
    int64_t skew = world->limits.clock_skew;
    int32_t drift = world->limits.clock_drift;
    host->skew = skew > 0 ? hawser__chance_between(chance, -skew, skew) : 0;
    host->drift = drift > 0 ? (int32_t)hawser__chance_between(chance, -drift, drift) : 0;
}

int hawser__host_add(hawser__world *world, const char *name, hawser__host **ret) {
    if (hawser__host_name_fault(name))
        return -EINVAL;
    if (hawser__host_named(world, name))
        return -EEXIST;
    if (world->host_count == HAWSER__HOSTS_MOST)
        return -ENOSPC;
    hawser__host *host = make_paths(world, world->host_count + 1) == 0 ? hawser__zalloc(sizeof *host) : NULL;
    if (!host)
        return -ENOMEM;
    host->number = world->host_count++;
    memcpy(host->name, name, strlen(name));
    give_addresses(host);
    host->most_sockets = world->model.descriptors;
    host->allocation_fails = world->limits.allocation_fails;
    if (host->number > 0)
        set_clock(host, world);
    hawser__host **at = &world->hosts;
    while (*at)
        at = &(*at)->next;
    *at = host;
    *ret = host;
    return 0;
}

/* Clocks. */

#define CLOCK_START (1000 * HAWSER__SECOND)   /* 0 and less have meanings of their own */

int64_t hawser__host_clock(const hawser__host *host, int64_t at) {
    return CLOCK_START + at + hawser__numbers_share(at, host->drift, 1000000);
}

/* AT such that the clock shows at least CLOCK. */
int64_t hawser__host_to_world(const hawser__host *host, int64_t clock) {
    int64_t shown = clock - CLOCK_START;
    int64_t at = host->drift == 0 ? shown : hawser__numbers_share(shown, 1000000, 1000000 + host->drift);
    while (hawser__host_clock(host, at) < clock)
        at++;
    return at;
}

/* The trace. */

void hawser__trace_line(const hawser__host *host, const char *format, ...) {
    hawser__world *world = hawser__world_here;
    char line[LINE];
    va_list args;
    int head = snprintf(line, sizeof line, "%lld.%09lld %s ", (long long)(world->now / HAWSER__SECOND),
                        (long long)(world->now % HAWSER__SECOND), host ? host->name : "-");
    va_start(args, format);
    int tail = vsnprintf(line + head, sizeof line - (size_t)head, format, args);
    va_end(args);
    if (tail >= 0)
        world->put_line(line);
}

/* SPDX-License-Identifier: MIT */
#include "memory_world.h"

#include "engine_memory.h"
#include "memory_model.h"

#include <errno.h>
#include <hawser/error.h>
#include <string.h>
#include <unistd.h>

static int64_t wall_time;
static uint64_t random_state;

/* Clocks and chance. */

void memory_engine_set_time(int64_t wall) {
    memory_enter();
    wall_time = wall;
    memory_leave();
}

void memory_engine_seed(uint64_t seed) {
    memory_enter();
    random_state = seed;
    memory_leave();
}

/* The real one: hawser__park, with which tasks wait here, knows no other. */
int64_t memory_now(hawser__engine *engine) {
    (void)engine;
    return hawser__clock_monotonic();
}

int64_t memory_time(hawser__engine *engine) {
    (void)engine;
    memory_enter();
    int64_t now = wall_time;
    memory_leave();
    return now;
}

/* SplitMix64: the next word of a sequence that only the seed decides. */
static uint64_t next_random(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

int memory_random(hawser__engine *engine, void *buf, size_t size) {
    (void)engine;
    memory_enter();
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)buf)[i] = (unsigned char)next_random();
    memory_leave();
    return 0;
}

/* Names. */

static const struct name {
    const char *host;
    const char *addresses[2];
    int error;
    bool never;
} names[] = {
    {.host = "localhost", .addresses = {"::1", "127.0.0.1"}},
    {.host = "both.test", .addresses = {"::1", "127.0.0.1"}},
    {.host = "four.test", .addresses = {"127.0.0.1"}},
    {.host = "six.test", .addresses = {"::1"}},
    {.host = "lost.test", .addresses = {"192.0.2.1"}},
    {.host = "lost-first.test", .addresses = {"192.0.2.1", "127.0.0.1"}},
    {.host = "slow.test", .never = true},
    {.host = "later.test", .error = HAWSER_ETRYAGAIN},
};

static const struct name *find_name(const char *host) {
    for (size_t i = 0; host && i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].host, host) == 0)
            return &names[i];
    return NULL;
}

static int code_of(int eai) {
    switch (eai) {
    case 0:
    case EAI_ADDRFAMILY: /* an address of the other family is no failure of the name */
    case EAI_FAMILY:
        return 0;
    case EAI_MEMORY:
        return ENOMEM;
    case EAI_SERVICE:
        return HAWSER_ENOSERVICE;
    default:
        return HAWSER_ENONAME;
    }
}

/* libc makes the entries (it frees them later; musl keeps a list that was put together); it is only given numbers, so it asks
 * nobody. */
static int append_numeric(hawser__lookup *lookup, const char *address) {
    struct addrinfo hints = lookup->hints, *list = NULL, **end = &lookup->list;
    int saved = errno;
    hints.ai_flags |= AI_NUMERICHOST;
    int failed = getaddrinfo(address, lookup->service, &hints, &list);
    errno = saved;
    while (*end)
        end = &(*end)->ai_next;
    *end = list;
    return code_of(failed);
}

/* Not for libc to say: they differ in what they call an address of the other family. */
static bool is_wanted(const hawser__lookup *lookup, const char *address) {
    int other = strchr(address, ':') ? AF_INET : AF_INET6;
    return lookup->hints.ai_family != other;
}

static int answer(hawser__lookup *lookup, const struct name *name) {
    if (name && name->error)
        return name->error;
    if (!name)
        return append_numeric(lookup, lookup->host);
    for (int i = 0; i < 2 && name->addresses[i]; i++) {
        int error = is_wanted(lookup, name->addresses[i]) ? append_numeric(lookup, name->addresses[i]) : 0;
        if (error)
            return error;
    }
    return lookup->list ? 0 : HAWSER_ENOADDRESS;
}

/* Only addresses are looked up here; services and host entries are no business of a network. */
int memory_resolve(hawser__engine *engine, hawser__lookup *lookup, hawser__deadline deadline) {
    const struct name *name = find_name(lookup->host);
    while (name && name->never) {
        int result = engine->ops->sleep(engine, deadline);
        if (result < 0 || deadline != HAWSER__NEVER)
            return result < 0 ? result : -hawser__deadline_code(deadline);
    }
    lookup->error = lookup->kind == HAWSER__LOOKUP_ADDRINFO ? answer(lookup, name) : HAWSER_ENONAME;
    return 0;
}

/* Unix socket files. */

int memory_unix_claim(hawser__engine *engine, struct hawser__unix_file *file, hawser__deadline deadline) {
    (void)engine, (void)deadline;
    int result = 0;
    memory_enter();
    file->lock = -1;
    file->owner = 0;
    if (model_file(file->path) && !model_file_is_socket(file->path))
        result = -ENOTSOCK;
    else if (model_file_is_live(file->path))
        result = -EADDRINUSE;
    else
        model_remove_file(file->path);
    memory_leave();
    return result;
}

void memory_unix_settle(hawser__engine *engine, struct hawser__unix_file *file, bool bound) {
    (void)engine;
    memory_enter();
    file->inode = bound ? model_file(file->path) : 0;
    file->owner = file->inode ? getpid() : 0;
    memory_leave();
}

void memory_unix_remove(hawser__engine *engine, struct hawser__unix_file *file) {
    (void)engine;
    memory_enter();
    if (file->owner == getpid() && model_file(file->path) == file->inode)
        model_remove_file(file->path);
    file->owner = 0;
    memory_leave();
}

void memory_engine_make_file(const char *path) {
    memory_enter();
    model_make_file(path, false);
    memory_leave();
}

void memory_engine_remove_file(const char *path) {
    memory_enter();
    model_remove_file(path);
    memory_leave();
}

bool memory_engine_has_file(const char *path) {
    memory_enter();
    bool there = model_file(path) != 0;
    memory_leave();
    return there;
}

size_t memory_engine_sockets(void) {
    memory_enter();
    size_t count = model_sockets();
    memory_leave();
    return count;
}

/* SPDX-License-Identifier: MIT */
/* Names of a hosts file in a simulated world, which has none: the host's engine answers them before its own. */
#include "world.h"

#include "support.h"

#include "sim/simulation.h"

#include <netdb.h>

static const char *names;

static void append(hawser__lookup *lookup, const char *address) {
    struct addrinfo hints = lookup->hints, **end = &lookup->list;
    hints.ai_flags |= AI_NUMERICHOST;
    while (*end)
        end = &(*end)->ai_next;
    (void)getaddrinfo(address, lookup->service, &hints, end);   /* not of the family asked for: left out */
}

static bool answers(hawser__lookup *lookup) {
    char address[64], name[64];
    int length = 0;
    bool known = false;
    for (const char *line = names; sscanf(line, "%63s %63s%n", address, name, &length) == 2; line += length)
        if (strcmp(name, lookup->host) == 0) {
            known = true;
            append(lookup, address);
        }
    if (known && !lookup->list)
        lookup->error = HAWSER_ENOADDRESS;
    return known;
}

static int resolve(hawser__engine *engine, hawser__lookup *lookup, hawser__deadline deadline) {
    if (lookup->kind == HAWSER__LOOKUP_ADDRINFO && lookup->host && answers(lookup))
        return 0;
    return hawser__sim_resolve(engine, lookup, deadline);
}

void name_hosts_in_world(const char *hosts) {
    static struct hawser__engine_ops ops;
    names = hosts;
    ops = hawser__sim_ops;
    if (hosts)
        ops.resolve = resolve;
    hawser__simulation_here->host->engine.ops = &ops;
}

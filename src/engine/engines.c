/* SPDX-License-Identifier: MIT */
#include "engine/engines.h"

#include "base/machine.h"
#include "sched/worker.h"

#include <stdlib.h>
#include <string.h>

static _Atomic(hawser__engine *) chosen;

/* On plain threads all engines of the kernel wait in poll. */
hawser__engine *hawser__engine_current(void) {
    hawser__engine *engine = atomic_load_explicit(&chosen, memory_order_acquire);
    hawser__worker *worker = hawser__worker_current();
    if (hawser__machine_here)
        return hawser__machine_here->engine();
    if (engine)
        return engine;
    return worker ? worker->engine : &hawser__poll_engine;
}

static hawser__engine *find(const char *name) {
    for (size_t i = 0; hawser__engines[i]; i++)
        if (strcmp(hawser__engines[i]->ops->name, name) == 0)
            return hawser__engines[i];
    return NULL;
}

/* On another machine the engines of this one are named for nothing. */
static hawser__engine *machines_engine(const char *name) {
    hawser__engine *engine = hawser__machine_here->engine();
    bool known = !name || find(name) || strcmp(name, engine->ops->name) == 0;
    return known ? engine : NULL;
}

hawser__engine *hawser__engine_named(const char *name) {
    hawser__engine *engine = atomic_load_explicit(&chosen, memory_order_acquire);
    if (hawser__machine_here)
        return machines_engine(name);
    if (name)
        return find(name);
    if (engine)
        return engine;
    name = getenv("HAWSER_ENGINE");
    return name && *name ? find(name) : hawser__engines[0];
}

void hawser__engine_use(hawser__engine *engine) {
    atomic_store_explicit(&chosen, engine, memory_order_release);
}

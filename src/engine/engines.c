/* SPDX-License-Identifier: MIT */
#include "engine/engines.h"

static _Atomic(hawser__engine *) chosen;

hawser__engine *hawser__engine_current(void) {
    hawser__engine *engine = atomic_load_explicit(&chosen, memory_order_acquire);
    return engine ? engine : &hawser__poll_engine;
}

void hawser__engine_use(hawser__engine *engine) {
    atomic_store_explicit(&chosen, engine, memory_order_release);
}

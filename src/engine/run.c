/* SPDX-License-Identifier: MIT */
/* hawser_run: looks at the options and picks the engine; sched/run.c does the rest. */
#include "sched/run.h"

#include "base/error.h"
#include "engine/engines.h"
#include "sched/watchdog.h"

#include <errno.h>

#define MOST_WORKERS 1024

int hawser_run(hawser_fn fn, void *arg, const hawser_run_options *options) {
    static const hawser_run_options defaults;
    const hawser_run_options *chosen = options ? options : &defaults;
    hawser__engine *engine = hawser__engine_named(chosen->engine);
    if (hawser__worker_current())
        return hawser__fail(EBUSY, "run fibers inside a run");
    if (chosen->workers < 0 || chosen->workers > MOST_WORKERS)
        return hawser__fail(EINVAL, "run fibers on %d workers", chosen->workers);
    if (hawser__watchdog_fault(chosen))
        return hawser__fail(EINVAL, "watch for stalls as %s says", hawser__watchdog_fault(chosen));
    if (!engine)
        return hawser__fail(EINVAL, "run fibers on engine %s", chosen->engine ? chosen->engine : "HAWSER_ENGINE");
    return hawser__run_on(engine, fn, arg, chosen);
}

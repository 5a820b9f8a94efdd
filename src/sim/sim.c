/* SPDX-License-Identifier: MIT */
/* hawser_sim_run: a run, and two lines on standard error when it failed. */
#include "base/error.h"
#include "sim/attempt.h"
#include "sim/replay.h"

#include <errno.h>

int hawser_sim_run(uint64_t seed, const hawser_sim_model *model, hawser_fn scenario, void *arg) {
    struct hawser__attempt attempt;
    hawser_sim_report report;
    if (hawser__attempt_prepare(&attempt, seed, model, scenario, arg) < 0)
        return -1;
    attempt.death = hawser__death_watch(attempt.model_given);
    int result = hawser__attempt_run(&attempt, true);
    hawser__death_unwatch(attempt.death);
    if (result >= 0 || !attempt.began || attempt.model.quiet)
        return result;
    int code = errno;
    hawser__replay_command(attempt.seed, attempt.model_given ? &attempt.model : NULL, report.command, sizeof report.command);
    hawser__replay_tell(hawser_error(), report.command);
    errno = code;
    return result;
}

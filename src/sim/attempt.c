/* SPDX-License-Identifier: MIT */
#include "sim/attempt.h"

#include "base/error.h"
#include "base/sys.h"
#include "sched/fiber.h"
#include "sim/diagram.h"
#include "sim/model_text.h"
#include "sim/replay.h"
#include "sim/simulation.h"
#include "sim/trace.h"
#include "world/numbers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define SEED "HAWSER_SIM_SEED"
#define MODEL "HAWSER_SIM_MODEL"
#define TRACE "HAWSER_SIM_TRACE"
#define DIAGRAM "HAWSER_SIM_DIAGRAM"

/* A variable that is set to nothing is not set. */
static const char *asked(const char *variable) {
    const char *text = getenv(variable);
    return text && *text ? text : NULL;
}

static bool read_seed(const char *text, uint64_t *ret) {
    uint64_t seed = 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(seed, 10, &seed) ||
            __builtin_add_overflow(seed, (uint64_t)(*text - '0'), &seed))
            return false;
    }
    *ret = seed;
    return true;
}

static int take_seed(struct hawser__attempt *attempt) {
    const char *text = asked(SEED);
    attempt->seed_given = text;
    if (text && !read_seed(text, &attempt->seed))
        return hawser__fail_sentence(EINVAL, SEED "=%.40s in the environment is no seed: a number from 0 to 2^64 - 1", text);
    return 0;
}

static int take_model(struct hawser__attempt *attempt) {
    struct hawser__limits limits;
    char reason[HAWSER__MODEL_REASON];
    const char *text = asked(MODEL), *fault;
    attempt->model_given = text;
    const char *part = text ? hawser__model_read(&attempt->model, text) : NULL;
    if (part)
        return hawser__fail_sentence(EINVAL, MODEL " in the environment has %s", hawser__model_part_reason(part, reason));
    if (hawser__limits_take(&limits, &attempt->model, &fault) == 0)
        return 0;
    return hawser__fail_sentence(EINVAL, text ? MODEL " in the environment makes a world whose %s"
                                              : "simulate a world whose %s",
                                 hawser__model_value_reason(&attempt->model, fault, reason));
}

/* Whether what is to be told can be: better found out now than at the end of a long search. */
static int try_file(const char *variable) {
    const char *path = asked(variable);
    if (!path)
        return 0;
    int fd = hawser__sys_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    hawser__sys_close(fd);
    return fd < 0 ? hawser__fail(fd, "open %s, which %s names", path, variable) : 0;
}

static int take_environment(struct hawser__attempt *attempt) {
    int result = take_seed(attempt);
    if (result == 0)
        result = take_model(attempt);
    if (result == 0)
        result = try_file(TRACE);
    if (result == 0)
        result = try_file(DIAGRAM);
    const char *trace = asked(TRACE), *diagram = asked(DIAGRAM);
    if (result == 0 && trace && diagram && hawser__diagram_is_same_file(trace, diagram))
        result = hawser__fail_sentence(EINVAL, TRACE " and " DIAGRAM " name the same file, %s", trace);
    return result;
}

/* Who has set the variables does not see what the program makes of a failed call. */
static int blame_environment(const struct hawser__attempt *attempt) {
    int code = errno;
    if (!attempt->model.quiet && strstr(hawser_error(), "HAWSER_SIM_"))
        hawser__replay_say("hawser: %s\n", hawser_error());
    errno = code;
    return -1;
}

static const char *refuse(void) {
    if (hawser__machine_here || hawser__trace_in_callback())
        return "inside a simulated world";
    return hawser__fiber_current() ? "in a fiber" : NULL;
}

int hawser__attempt_prepare(struct hawser__attempt *attempt, uint64_t seed, const hawser_sim_model *model, hawser_fn scenario,
                            void *arg) {
    *attempt = (struct hawser__attempt){.seed = seed, .scenario = scenario, .arg = arg};
    if (model)
        attempt->model = *model;
    if (!scenario)
        return hawser__fail(EINVAL, "simulate a world without a scenario");
    if (refuse())
        return hawser__fail(EBUSY, "simulate a world %s", refuse());
    return take_environment(attempt) < 0 ? blame_environment(attempt) : 0;
}

/* The run. */

static int begin(void *arg) {
    struct hawser__attempt *attempt = arg;
    attempt->began = true;
    return attempt->scenario(attempt->arg);
}

static int run(struct hawser__attempt *attempt, const hawser_sim_model *model) {
    attempt->began = false;
    hawser__death_run(attempt->death, attempt->seed, &attempt->model);
    int result = hawser__simulation_run(attempt->seed, model, begin, attempt);
    hawser__death_run_over(attempt->death);
    if (result < 0 && errno == HAWSER_ECHECK)   /* by the callback, which may see a line before the scenario is called */
        attempt->began = true;
    return result;
}

struct drawn {
    hawser__diagram *diagram;
    void (*trace)(const char *line, void *arg);   /* the model's own; NULL = none */
    void *arg;
};

static void draw_and_pass_on(const char *line, void *arg) {
    struct drawn *drawn = arg;
    hawser__diagram_add(drawn->diagram, line);
    if (drawn->trace)
        drawn->trace(line, drawn->arg);
}

/* The result of the run is not the diagram's, so what becomes of that is only said. */
static int run_drawn(struct hawser__attempt *attempt, const char *path) {
    hawser_sim_model model = attempt->model;
    struct drawn drawn = {hawser__diagram_new(), model.trace, model.trace_arg};
    if (!drawn.diagram)
        return hawser__fail(ENOMEM, "draw a diagram");
    model.trace = draw_and_pass_on;
    model.trace_arg = &drawn;
    int result = run(attempt, &model), code = attempt->began ? hawser__diagram_write(drawn.diagram, path) : 0;
    hawser__diagram_free(drawn.diagram);
    if (code < 0 && !model.quiet)
        hawser__replay_say("hawser: write %s, which " DIAGRAM " names: %s\n", path, hawser_strerror(-code));
    return result;
}

static int run_unseen(struct hawser__attempt *attempt) {
    hawser_sim_model model = attempt->model;
    model.trace = NULL;
    hawser__trace_off = true;
    int result = run(attempt, &model);
    hawser__trace_off = false;
    return result;
}

int hawser__attempt_run(struct hawser__attempt *attempt, bool seen) {
    const char *path = asked(DIAGRAM);
    if (!seen)
        return run_unseen(attempt);
    return path ? run_drawn(attempt, path) : run(attempt, &attempt->model);
}

/* SPDX-License-Identifier: MIT */
/*
 * The main of every C test. The build renames the test's own main to test_main (cmake/tests.cmake); with TEST_IN_FIBER=ENGINE
 * in the environment it runs, all of it, inside a fiber on that engine, and has to pass just the same. Bodies that it starts
 * are fibers then, too, and runs that it starts are on that engine unless they name one.
 */
#include "support.h"

#include "engine/engines.h"
#include "world.h"

#include <hawser/sim.h>

#include <string.h>

/* What a worker has from its first look into its port on is there before anything is counted. */
static int whole_test(void *argument) {
    (void)argument;
    note_test_task();
    (void)hawser_sleep(0.0001);
    return test_main();
}

static int run_in_fiber(const char *engine) {
    hawser_run_options options = {.workers = 1, .engine = engine, .stack_size = (size_t)8 << 20};
    setenv("HAWSER_ENGINE", engine, 1);
    start_as_fibers(hawser__engine_named(engine));
    int result = hawser_run(whole_test, NULL, &options);
    if (result < 0)
        fprintf(stderr, "%s\n", hawser_error());
    return result != 0;
}

/* The same on a host of a simulated world, in which time jumps and everything else is as the seed says. */
static int run_on_host(void *argument) {
    hawser_run_options options = {.workers = 1, .stack_size = (size_t)8 << 20};
    (void)argument;
    start_as_fibers(hawser__engine_current());
    return hawser_run(whole_test, NULL, &options);
}

static int run_in_world(void) {
    const hawser_sim_model model = {.buffer = 212992};   /* what Linux gives a socket */
    int result = hawser_sim_run(1, &model, run_on_host, NULL);
    if (result < 0)
        fprintf(stderr, "%s\n", hawser_error());
    return result != 0;
}

char **test_arguments;

int main(int argc, char **argv) {
    (void)argc;
    test_arguments = argv;
    const char *engine = getenv("TEST_IN_FIBER");
    if (engine && strcmp(engine, "sim") == 0)
        return run_in_world();
    return engine ? run_in_fiber(engine) : test_main();
}

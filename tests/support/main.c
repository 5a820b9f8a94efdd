/* SPDX-License-Identifier: MIT */
/*
 * The main of every C test. The build renames the test's own main to test_main (cmake/tests.cmake); with TEST_IN_FIBER=ENGINE in the
 * environment it runs, all of it, inside a fiber on that engine, and has to pass just the same. Bodies that it starts are fibers
 * then, too, and runs that it starts are on that engine unless they name one.
 */
#include "support.h"

#include "engine/engines.h"

static int whole_test(void *argument) {
    (void)argument;
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

char **test_arguments;

int main(int argc, char **argv) {
    (void)argc;
    test_arguments = argv;
    const char *engine = getenv("TEST_IN_FIBER");
    return engine ? run_in_fiber(engine) : test_main();
}

/* SPDX-License-Identifier: MIT */
/* sched/run: how a run begins, what it gives back, and when it is over. Options for stalls are in test_watchdog_asked.c. */
#include "fibers.h"
#include "support.h"

#include "base/error.h"
#include "fiber/overflow.h"
#include "fiber/sanitizers.h"
#include "sched/run.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int nothing(void *arg) {
    (void)arg;
    return 0;
}

static int must_not_run(void *arg) {
    (void)arg;
    EXPECT(!"a fiber of a run that could not start runs");
    return 0;
}

static int wait_at_gate(void *gate) {
    char item;
    return hawser_channel_recv(gate, &item);
}

/* Beginning. */

static void options_that_make_no_sense_are_refused(void **state) {
    (void)state;
    static const struct {
        hawser_run_options options;
        const char *sentence;
    } cases[] = {
        {{.workers = -1}, "run fibers on -1 workers: Invalid argument"},
        {{.workers = 1025}, "run fibers on 1025 workers: Invalid argument"},
        {{.workers = 1, .engine = "pigeon"}, "run fibers on engine pigeon: Invalid argument"},
        {{.workers = 1, .engine = ""}, "run fibers on engine : Invalid argument"},
    };
    census before = take_census();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_fails(run_apart(must_not_run, NULL, &cases[i].options), EINVAL);
        assert_sentence(cases[i].sentence);
    }
    assert_as_expected();
    assert_null(compare_census(before));
}

static int run_inside(void *arg) {
    const hawser_run_options options = {.workers = 1, .engine = "poll"};
    (void)arg;
    EXPECT_FAILURE(hawser_run(must_not_run, NULL, NULL), EBUSY);
    EXPECT_FAILURE(hawser_run(must_not_run, NULL, &options), EBUSY);
    EXPECT(strcmp(hawser_error(), "run fibers inside a run: Device or resource busy") == 0);
    EXPECT(hawser_worker() == 1 && hawser_sleep(0.001) == 0);
    return 0;
}

static void a_fiber_cannot_run_fibers_and_goes_on(void **state) {
    (void)state;
    assert_runs(1, run_inside, NULL);
}

static int count_workers(void *count) {
    *(int *)count = hawser_workers();
    return 0;
}

static void without_a_number_there_is_a_worker_for_each_processor(void **state) {
    (void)state;
    int count = 0;
    cpu_set_t allowed;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    assert_int_equal(run_apart(count_workers, &count, NULL), 0);
    assert_int_equal(count, in_world() ? 2 : CPU_COUNT(&allowed));   /* a simulated host's, unless the model says */
}

static int note_thread(void *threads) {
    ((pthread_t *)threads)[hawser_worker() - 1] = pthread_self();
    return 0;
}

static int look_at_threads(void *caller) {
    pthread_t threads[3];
    hawser_group *group = hawser_group_open(NULL);
    for (int i = 0; i < 3; i++) {
        const hawser_go_options options = {.group = group, .worker = i + 1};
        EXPECT(hawser_go_with(&options, note_thread, threads) == 0);
    }
    EXPECT(hawser_group_wait(group) == 0);
    hawser_group_close(group);
    EXPECT(pthread_equal(threads[0], *(pthread_t *)caller) && !pthread_equal(threads[1], threads[0]));
    EXPECT(!pthread_equal(threads[2], threads[0]) && !pthread_equal(threads[2], threads[1]));
    return 0;
}

static long run_with_threads(void *arg) {
    pthread_t own = pthread_self();
    (void)arg;
    return run_on_workers(3, look_at_threads, &own);
}

static void each_worker_is_a_thread_and_ends_with_the_run(void **state) {
    (void)state;
    census before = take_census();
    runner thread;
    start_thread(&thread, run_with_threads, NULL);
    assert_int_equal(finish(&thread), 0);
    assert_as_expected();
    assert_null(compare_census(before));
}

static int run_scenario(void *argument) {
    const hawser_run_options options = {.workers = 3, .stack_size = TEST_STACK};
    TRY(hawser_run(nothing, argument, &options));
    return 0;
out:
    return -1;
}

static void a_run_that_cannot_start_leaves_nothing(void **state) {
    (void)state;
    if (in_fiber())
        skip(); /* the run has to be on the thread that the faults are meant for */
    assert_true(sweep_allocations(run_scenario, NULL) > 3);
    assert_true(sweep_syscalls(run_scenario, NULL, EMFILE, NULL) > 3);
}

static long run_with_fault(void *nth) {
    const hawser_run_options options = {.workers = 4, .stack_size = TEST_STACK};
    fault_syscall("pthread_create", *(unsigned *)nth, EAGAIN, 1);
    long result = hawser_run(must_not_run, NULL, &options);
    return fault_none() ? result : -2;
}

static void without_a_thread_for_each_worker_the_run_does_not_start(void **state) {
    (void)state;
    census before = take_census();
    for (unsigned nth = 1; nth <= 3; nth++) {
        runner thread;
        start_thread(&thread, run_with_fault, &nth);
        assert_int_equal(finish(&thread), -1);
        assert_int_equal(thread.code, ENOMEM);
        assert_string_equal(thread.sentence, "run fibers: Cannot allocate memory");
    }
    assert_as_expected();
    assert_null(compare_census(before));
}

/* The result. */

static int fail_beside(void *arg) {
    return hawser__fail_moved(EDOM, 3, "do it %s", arg ? "first" : "beside");
}

static int give_with_failures_beside(void *result) {
    EXPECT(hawser_go(fail_beside, NULL) == 0);
    return *(int *)result;
}

static int fail_first(void *arg) {
    EXPECT(hawser_go(fail_beside, NULL) == 0);
    return 4 * fail_beside(arg);
}

static long run_failing(void *arg) {
    return run_on_workers(1, fail_first, arg);
}

static void a_run_gives_what_its_first_fiber_did(void **state) {
    (void)state;
    static int results[] = {0, 1, 1000000};
    runner thread;
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        assert_int_equal(run_on_workers(2, give_with_failures_beside, &results[i]), results[i]);
    start_thread(&thread, run_failing, results);
    assert_int_equal(finish(&thread), -4);
    assert_int_equal(thread.code, EDOM);
    assert_int_equal(thread.moved, 3);
    assert_string_equal(thread.sentence, "do it first: Numerical argument out of domain");
    assert_as_expected();
}

/* The end. */

#define HOPS 300

/* Each is the last of its worker, and mostly of the run. */
static int hop(void *hops) {
    int hop_number = atomic_fetch_add((atomic_int *)hops, 1) + 1;
    return hop_number < HOPS && hawser_go_on(1 + hop_number % 3, hop, hops) < 0 ? -1 : 0;
}

static void a_run_is_over_when_the_last_fiber_ends_wherever_that_is(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        atomic_int hops = 0;
        assert_runs(3, hop, &hops);
        assert_int_equal(atomic_load(&hops), HOPS);
    }
}

static int cancel_run(void *arg) {
    (void)arg;
    hawser_run_cancel();
    EXPECT_FAILURE(hawser_sleep(60), ECANCELED);
    return 0;
}

static long run_and_cancel(void *arg) {
    return run_on_workers(2, cancel_run, arg);
}

static int outlive_other_runs(void *arg) {
    runner threads[2];
    for (int i = 0; i < 2; i++)
        start_thread(&threads[i], run_and_cancel, arg);
    for (int i = 0; i < 2; i++)
        EXPECT(finish(&threads[i]) == 0);
    EXPECT(!hawser_cancelled() && hawser_sleep(0.001) == 0 && hawser_go(nothing, NULL) == 0);
    return 0;
}

static void runs_beside_each_other_are_cancelled_each_for_itself(void **state) {
    (void)state;
    assert_runs(2, outlive_other_runs, NULL);
}

/* A fork. */

/* Each thing that is wrong is a bit. */
static int look_around_in_child(hawser_group *group) {
    atomic_int ran = 0;
    int wrong = hawser_workers() != 2 || hawser_worker() != 1;
    errno = 0;
    wrong |= (hawser_go_on(2, must_not_run, NULL) != -1 || errno != EINVAL) << 1;
    wrong |= (hawser_group_count(group) != 0 || hawser_group_wait(group) != 0) << 2;
    wrong |= (hawser_go_on(HAWSER_ANY_WORKER, count_workers, &ran) != 0) << 3;
    wrong |= (hawser_sleep(0.001) != 0 || atomic_load(&ran) != 2) << 4;
    hawser_group_close(group);
    return wrong;
}

static int fork_among_others(void *gate) {
    hawser_group *group = hawser_group_open(NULL);
    const hawser_go_options second = {.group = group, .worker = 2};
    int status = -1;
    EXPECT(hawser_group_go(group, wait_at_gate, gate) == 0);
    EXPECT(hawser_go_with(&second, wait_at_gate, gate) == 0);
    hawser_yield();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm((unsigned)WAIT_LIMIT);
        return look_around_in_child(group);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    EXPECT(hawser_group_count(group) == 2);
    hawser_channel_close(gate);
    EXPECT(hawser_group_wait(group) == 0);
    hawser_group_close(group);
    return 0;
}

static long run_and_fork(void *gate) {
    pid_t parent = getpid();
    int result = run_on_workers(2, fork_among_others, gate);
    if (getpid() != parent)
        _exit(result);
    return result;
}

static void in_the_child_of_a_fork_the_run_goes_on_with_the_fiber_that_forked(void **state) {
    (void)state;
    skip_in_world("its hosts do not fork");
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    skip(); /* whose own threads do not come along */
#endif
    skip_where_emulated("a fork while other threads run is not survived");
    hawser_channel *gate = hawser_channel_new(1, 0);
    runner thread;
    start_thread(&thread, run_and_fork, gate);
    assert_int_equal(finish(&thread), 0);
    assert_as_expected();
    hawser_channel_free(gate);
}

/* How many fibers there may be. */

static void fill_worker(int worker, int places, void *gate) {
    char sentence[80];
    snprintf(sentence, sizeof sentence, "start fiber on worker %d: Resource temporarily unavailable", worker);
    for (int i = 0; i < places; i++)
        EXPECT(hawser_go_on(worker, wait_at_gate, gate) == 0);
    for (int i = 0; i < 3; i++) {
        EXPECT_FAILURE(hawser_go_on(worker, wait_at_gate, gate), EAGAIN);
        EXPECT(strcmp(hawser_error(), sentence) == 0);
    }
}

static int fill_workers(void *arg) {
    hawser_channel *gate = arg;
    fill_worker(1, 2, gate);
    EXPECT(hawser_go_on(HAWSER_ANY_WORKER, wait_at_gate, gate) == 0);
    fill_worker(2, 2, gate);
    EXPECT_FAILURE(hawser_go_on(HAWSER_ANY_WORKER, nothing, NULL), EAGAIN);
    hawser_channel_close(gate);
    hawser_yield(); /* to those two: they go to their end, and leave room */
    fill_worker(1, 2, gate);
    return 0;
}

static void no_worker_has_more_than_max_fibers(void **state) {
    (void)state;
    const hawser_run_options options = {.workers = 2, .max_fibers = 3, .stack_size = TEST_STACK};
    hawser_channel *gate = hawser_channel_new(1, 0);
    check_run(run_apart(fill_workers, gate, &options), "fill_workers", __FILE__, __LINE__);
    hawser_channel_free(gate);
}

/* A stack that overflows. */

static int (*volatile dig_on)(int depth);

static int dig(int depth) {
    volatile char spade[200];
    spade[depth % 200] = (char)depth;
    return dig_on(depth + 1) + spade[depth % 100];
}

static int dig_in_fiber(void *arg) {
    (void)arg;
    dig_on = dig;
    return dig(0);
}

static int start_digger(void *arg) {
    const hawser_go_options options = {.name = "digger", .worker = 2, .stack_size = 65536};
    return hawser_go_with(&options, dig_in_fiber, arg);
}

static void overflow_in_child(int fd) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    alarm((unsigned)WAIT_LIMIT);
    if (in_fiber())
        hawser__overflow_end(); /* of the run that this test is in */
    signal(SIGSEGV, SIG_DFL);
    dup2(fd, STDERR_FILENO);
    _exit(run_on_workers(2, start_digger, NULL) == 0 ? 0 : 1);
}

static void a_fiber_that_overflows_its_stack_is_named(void **state) {
    (void)state;
    if (HAWSER__SANITIZER_HANDLES_FAULTS)
        skip();
    skip_where_emulated("addresses of faults are not told");
    char text[512] = "";
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        overflow_in_child(ends[1]);
    close(ends[1]);
    for (size_t length = 0; read(ends[0], text + length, 1) == 1 && length < sizeof text - 2; length++)
        ;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    assert_ptr_equal(strstr(text, "hawser: fiber 2 \"digger\" (started with "), text);
    assert_non_null(strstr(text, " overflowed its stack of 6"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(a_fiber_cannot_run_fibers_and_goes_on),
        cmocka_unit_test(without_a_number_there_is_a_worker_for_each_processor),
        cmocka_unit_test(each_worker_is_a_thread_and_ends_with_the_run),
        cmocka_unit_test(a_run_that_cannot_start_leaves_nothing),
        cmocka_unit_test(without_a_thread_for_each_worker_the_run_does_not_start),
        cmocka_unit_test(a_run_gives_what_its_first_fiber_did),
        cmocka_unit_test(a_run_is_over_when_the_last_fiber_ends_wherever_that_is),
        cmocka_unit_test(runs_beside_each_other_are_cancelled_each_for_itself),
        cmocka_unit_test(in_the_child_of_a_fork_the_run_goes_on_with_the_fiber_that_forked),
        cmocka_unit_test(no_worker_has_more_than_max_fibers),
        cmocka_unit_test(a_fiber_that_overflows_its_stack_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

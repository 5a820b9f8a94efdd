/* SPDX-License-Identifier: MIT */
/*
 * fiber/overflow: what a process says and dies of. Each case is a child process whose standard error is a pipe. It may not
 * leave a core file, and its fault is a true one, at an address that the processor reports.
 */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fiber/context.h"
#include "fiber/overflow.h"
#include "fiber/sanitizers.h"
#include "fiber/stack.h"

#define LINE "fiber 7 (dig) has used up its stack"

static hawser__stacks *pool;
static hawser__context own, digger;

/* What a child left. */
static struct {
    int status;
    char text[4096];
} child;

/* cmocka handles these signals while a test runs, and so does the run when the whole test is in a fiber. */
static void handle_nothing(void) {
    if (hawser_worker() > 0)
        hawser__overflow_end();
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
}

/* qemu's emulation of a process says so, too, when a signal kills it. */
static void forget_emulator(char *text) {
    char *line = strstr(text, "qemu: uncaught target signal");
    if (line)
        *line = '\0';
}

static void run_child(void (*body)(void)) {
    int ends[2];
    size_t length = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(ends[1], STDERR_FILENO);
        alarm((unsigned)WAIT_LIMIT);
        handle_nothing();
        body();
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], child.text + length, sizeof child.text - 1 - length)) > 0;)
        length += (size_t)n;
    child.text[length] = '\0';
    forget_emulator(child.text);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &child.status, 0), pid);
}

static bool died_of(int signo) {
    return WIFSIGNALED(child.status) && WTERMSIG(child.status) == signo;
}

static bool describe(const void *address, const void *sp, char *text, size_t size) {
    (void)sp;
    if (!hawser__stacks_guard_hit(pool, address))
        return false;
    snprintf(text, size, "%s", LINE);
    return true;
}

static bool describe_at_length(const void *address, const void *sp, char *text, size_t size) {
    (void)sp;
    memset(text, 'x', size);
    return hawser__stacks_guard_hit(pool, address) != NULL;
}

static int (*volatile dig_on)(int depth);

static int dig(int depth) {
    volatile char spade[200];
    spade[depth % 200] = (char)depth;
    return dig_on(depth + 1) + spade[depth % 100];
}

static void run_digger(void *arg) {
    (void)arg;
    dig(0);
    hawser__context_exit(&digger, &own);
}

static void use_up_a_stack(void) {
    size_t size;
    pool = hawser__stacks_new(64 * 1024);
    void *stack = hawser__stacks_take(pool, &size);
    dig_on = dig;
    hawser__context_adopt(&own);
    hawser__context_make(&digger, stack, size, run_digger, NULL);
    hawser__context_switch(&own, &digger);
}

static void touch_nothing(void) {
    *(char *volatile *)NULL = NULL;
}

static void begin_with(hawser__overflow_describe *describe_it) {
    void *stack;
    if (hawser__overflow_begin(describe_it) != 0 || hawser__overflow_thread_begin(&stack) != 0)
        _exit(3);
}

static void begin(void) {
    begin_with(describe);
}

static void overflow(void) {
    begin();
    use_up_a_stack();
}

static void an_overflow_is_described_in_one_line_and_kills_as_before(void **state) {
    (void)state;
    run_child(overflow);
    assert_string_equal(child.text, LINE "\n");
    assert_true(died_of(SIGSEGV));
}

static void overflow_with_a_long_story(void) {
    begin_with(describe_at_length);
    use_up_a_stack();
}

static void a_description_without_an_end_is_cut(void **state) {
    (void)state;
    run_child(overflow_with_a_long_story);
    assert_in_range(strlen(child.text), 100, 1000);
    assert_int_equal(child.text[strlen(child.text) - 1], '\n');
    assert_true(died_of(SIGSEGV));
}

static void overflow_with_mapped_guards(void) {
    begin();
    fault_syscall("madvise", 1, EINVAL, 1000000);
    use_up_a_stack();
}

static void an_overflow_into_a_mapped_guard_is_described_as_well(void **state) {
    (void)state;
    run_child(overflow_with_mapped_guards);
    assert_string_equal(child.text, LINE "\n");
    assert_true(died_of(SIGSEGV));
}

static void *overflow_on_thread(void *argument) {
    void *stack;
    if (hawser__overflow_thread_begin(&stack) != 0 || !stack)
        _exit(3);
    use_up_a_stack();
    return argument;
}

static void overflow_elsewhere(void) {
    pthread_t thread;
    begin();
    if (pthread_create(&thread, NULL, overflow_on_thread, NULL) == 0)
        pthread_join(thread, NULL);
}

static void every_thread_that_has_begun_is_covered(void **state) {
    (void)state;
    run_child(overflow_elsewhere);
    assert_string_equal(child.text, LINE "\n");
    assert_true(died_of(SIGSEGV));
}

static void fault_otherwise(void) {
    pool = hawser__stacks_new(64 * 1024);
    begin();
    touch_nothing();
}

static void another_fault_kills_without_a_word(void **state) {
    (void)state;
    run_child(fault_otherwise);
    assert_string_equal(child.text, "");
    assert_true(died_of(SIGSEGV));
}

static void send_signal(void) {
    pool = hawser__stacks_new(64 * 1024);
    begin();
    kill(getpid(), SIGBUS);
}

static void a_signal_that_was_sent_kills_without_a_word(void **state) {
    (void)state;
    run_child(send_signal);
    assert_string_equal(child.text, "");
    assert_true(died_of(SIGBUS));
}

static void fault_after_the_end(void) {
    begin();
    begin();
    hawser__overflow_end();
    hawser__overflow_end();
    struct sigaction now;
    if (sigaction(SIGSEGV, NULL, &now) < 0 || now.sa_handler != SIG_DFL || sigaction(SIGBUS, NULL, &now) < 0 ||
        now.sa_handler != SIG_DFL)
        _exit(4);
    use_up_a_stack();
}

static void the_last_end_puts_back_what_was(void **state) {
    (void)state;
    run_child(fault_after_the_end);
    assert_string_equal(child.text, "");
    assert_true(died_of(SIGSEGV));
}

static void overflow_between(void) {
    begin();
    begin();
    hawser__overflow_end();
    use_up_a_stack();
}

static void an_end_that_is_not_the_last_changes_nothing(void **state) {
    (void)state;
    run_child(overflow_between);
    assert_string_equal(child.text, LINE "\n");
    assert_true(died_of(SIGSEGV));
}

/* Programs with handlers of their own. */

static void handle_by_leaving(int signo) {
    _exit(signo == SIGSEGV ? 42 : 43);
}

static void handle_first(void) {
    const struct sigaction action = {.sa_handler = handle_by_leaving, .sa_flags = SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    begin();
    use_up_a_stack();
}

static void handle_later(void) {
    const struct sigaction action = {.sa_handler = handle_by_leaving, .sa_flags = SA_ONSTACK};
    begin();
    sigaction(SIGSEGV, &action, NULL);
    hawser__overflow_end();
    use_up_a_stack();
}

static void a_handler_that_the_program_has_is_left_alone(void **state) {
    (void)state;
    void (*const bodies[])(void) = {handle_first, handle_later};
    for (size_t i = 0; i < 2; i++) {
        run_child(bodies[i]);
        assert_string_equal(child.text, "");
        assert_true(WIFEXITED(child.status));
        assert_int_equal(WEXITSTATUS(child.status), 42);
    }
}

/* In the test's own process, so that a failure of the system is seen as a result. */

static void a_thread_has_its_alternate_stack_from_begin_to_end(void **state) {
    (void)state;
    static char theirs[64 * 1024];
    stack_t before, now, their_stack = {.ss_sp = theirs, .ss_size = sizeof theirs};
    const stack_t none = {.ss_flags = SS_DISABLE};
    void *stack;
    assert_int_equal(sigaltstack(&none, &before), 0);
    assert_int_equal(hawser__overflow_thread_begin(&stack), 0);
    assert_non_null(stack);
    assert_int_equal(sigaltstack(NULL, &now), 0);
    assert_ptr_equal(now.ss_sp, stack);
    hawser__overflow_thread_end(stack);
    assert_int_equal(sigaltstack(&their_stack, &now), 0);
    assert_true(now.ss_flags & SS_DISABLE);
    assert_int_equal(hawser__overflow_thread_begin(&stack), 0);
    assert_null(stack);   /* the thread has one */
    hawser__overflow_thread_end(stack);
    assert_int_equal(sigaltstack(&before, &now), 0);
    assert_ptr_equal(now.ss_sp, theirs);
}

static void an_alternate_stack_that_came_later_is_kept(void **state) {
    (void)state;
    static char theirs[64 * 1024];
    stack_t before, now, their_stack = {.ss_sp = theirs, .ss_size = sizeof theirs};
    const stack_t none = {.ss_flags = SS_DISABLE};
    void *stack;
    assert_int_equal(sigaltstack(&none, &before), 0);
    assert_int_equal(hawser__overflow_thread_begin(&stack), 0);
    assert_int_equal(sigaltstack(&their_stack, NULL), 0);
    hawser__overflow_thread_end(stack);
    assert_int_equal(sigaltstack(&before, &now), 0);
    assert_ptr_equal(now.ss_sp, theirs);
}

static void what_the_system_refuses_is_reported_and_undone(void **state) {
    (void)state;
    stack_t before, now;
    const stack_t none = {.ss_flags = SS_DISABLE};
    void *stack = &before;
    assert_int_equal(sigaltstack(&none, &before), 0);
    fault_syscall("mmap", 1, ENOMEM, 1);
    assert_int_equal(hawser__overflow_thread_begin(&stack), -ENOMEM);
    assert_null(stack);
    for (unsigned nth = 1; nth <= 2; nth++) {
        fault_syscall("sigaltstack", nth, EPERM, 1);
        assert_int_equal(hawser__overflow_thread_begin(&stack), -EPERM);
        assert_null(stack);
    }
    fault_none();
    assert_int_equal(sigaltstack(&before, &now), 0);
    assert_true(now.ss_flags & SS_DISABLE);
}

static void begin_in_vain(void) {
    struct sigaction now;
    for (unsigned nth = 1; nth <= 4; nth++) {
        fault_syscall("sigaction", nth, EINVAL, 1);
        if (hawser__overflow_begin(describe) != -EINVAL || !fault_none())
            _exit(4);
        if (sigaction(SIGSEGV, NULL, &now) < 0 || now.sa_handler != SIG_DFL)
            _exit(5);
    }
}

static void a_begin_that_the_system_refuses_leaves_nothing_behind(void **state) {
    (void)state;
    run_child(begin_in_vain);
    assert_int_equal(child.status, 0);
}

static void a_sanitizer_keeps_its_handler(void **state) {
    (void)state;
    struct sigaction before, now;
    assert_int_equal(sigaction(SIGSEGV, NULL, &before), 0);
    assert_int_equal(hawser__overflow_begin(describe), 0);
    assert_int_equal(sigaction(SIGSEGV, NULL, &now), 0);
    hawser__overflow_end();
    assert_ptr_equal(now.sa_handler, before.sa_handler);
}

int main(void) {
    const struct CMUnitTest plain[] = {
        cmocka_unit_test(an_overflow_is_described_in_one_line_and_kills_as_before),
        cmocka_unit_test(a_description_without_an_end_is_cut),
        cmocka_unit_test(an_overflow_into_a_mapped_guard_is_described_as_well),
        cmocka_unit_test(every_thread_that_has_begun_is_covered),
        cmocka_unit_test(another_fault_kills_without_a_word),
        cmocka_unit_test(a_signal_that_was_sent_kills_without_a_word),
        cmocka_unit_test(the_last_end_puts_back_what_was),
        cmocka_unit_test(an_end_that_is_not_the_last_changes_nothing),
        cmocka_unit_test(a_handler_that_the_program_has_is_left_alone),
        cmocka_unit_test(a_begin_that_the_system_refuses_leaves_nothing_behind),
    };
    const struct CMUnitTest sanitized[] = {
        cmocka_unit_test(a_sanitizer_keeps_its_handler),
    };
    const struct CMUnitTest both[] = {
        cmocka_unit_test(a_thread_has_its_alternate_stack_from_begin_to_end),
        cmocka_unit_test(an_alternate_stack_that_came_later_is_kept),
        cmocka_unit_test(what_the_system_refuses_is_reported_and_undone),
    };
    int failed = HAWSER__SANITIZER_HANDLES_FAULTS ? cmocka_run_group_tests(sanitized, NULL, NULL)
                                                  : cmocka_run_group_tests(plain, NULL, NULL);
    return failed + cmocka_run_group_tests(both, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* sched/offload: a function that forks on its helper thread. */
#include "helpers.h"
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

/* In the child the helper is the first thread, whose end the kernel keeps on show. */
static bool first_thread_has_ended(void *unused) {
    (void)unused;
    char state = ' ';
    FILE *file = fopen("/proc/self/stat", "re");
    bool read = file && fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
    if (file)
        fclose(file);
    return read && state == 'Z';
}

static void *look_around(void *unused) {
    bool ended = wait_until(first_thread_has_ended, NULL);
    _exit(ended && no_helpers(NULL) ? 0 : 1);
    return unused;
}

/* The child returns, too: its thread is nobody's helper any more, and ends. */
static int forks(void *arg) {
    pthread_t other;
    pid_t child = fork();
    if (child != 0) {
        *(pid_t *)arg = child;
        return child < 0 ? -1 : 0;
    }
    alarm((unsigned)WAIT_LIMIT);
    return pthread_create(&other, NULL, look_around, NULL) == 0 ? 0 : -1;
}

static void in_the_child_of_a_function_that_forks_the_helper_is_none_any_more(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    skip(); /* whose own ends do not agree with such a child's */
#endif
    skip_where_emulated("a fork while other threads run is not survived");
    pid_t child = -1;
    int status = -1;
    assert_int_equal(hawser_offload(forks, &child), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_child_of_a_function_that_forks_the_helper_is_none_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

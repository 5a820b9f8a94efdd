/* SPDX-License-Identifier: MIT */
/* stream/file: two tasks at once, and every system call and allocation failing in turn. */
#include "files.h"

#define ROUNDS 20000

static long write_lines(void *argument) {
    for (int i = 0; i < ROUNDS; i++)
        if (hawser_printf(argument, "line %d\n", i) < 0)
            return -1;
    return hawser_flush(argument);
}

static long read_lines(void *argument) {
    char buf[64], expected[64];
    for (int i = 0; i < ROUNDS; i++) {
        int length = snprintf(expected, sizeof expected, "line %d\n", i);
        if (hawser_readline(argument, buf, sizeof buf) != length || strcmp(buf, expected) != 0)
            return i;
    }
    return ROUNDS;
}

static void one_task_reads_and_one_writes_the_same_file(void **state) {
    (void)state;
    hawser_sock *ends[2];
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    hawser_file *files[2] = {hawser_makefile(ends[0], "rw"), hawser_makefile(ends[1], "rw")};
    runner runs[4];
    for (int i = 0; i < 4; i++)
        start(&runs[i], i < 2 ? write_lines : read_lines, files[i % 2]);
    for (int i = 0; i < 4; i++)
        assert_int_equal(finish(&runs[i]), i < 2 ? 0 : ROUNDS);
    for (int i = 0; i < 2; i++) {
        assert_works(hawser_file_close(files[i]));
        hawser_close(ends[i]);
    }
}

static char bulk[70000];

/* Every call of a file at least once: lines and bytes, through the buffer and straight. */
static int have_a_conversation(void *argument) {
    (void)argument;
    static char got[sizeof bulk];
    hawser_sock *ends[2] = {NULL, NULL};
    hawser_file *ask = NULL, *answer = NULL;
    char line[6000];
    int result = -1;
    TRY(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    TRY_NEW(ask, hawser_makefile(ends[0], "rw"));
    TRY_NEW(answer, hawser_makefile(ends[1], "rw"));
    hawser_file_tie(answer, answer);
    TRY(hawser_file_setbuf(answer, 16384)); /* smaller, so that there are more calls to fail */
    TRY(hawser_printf(ask, "hello %d\n", 1));
    TRY(hawser_printf(ask, "%05000d\n", 2));
    TRY(hawser_puts(ask, "skipped\n"));
    TRY(hawser_write(ask, bulk, sizeof bulk));
    TRY(hawser_flush(ask));
    TRY(hawser_readline(answer, line, sizeof line));
    ALWAYS(strcmp(line, "hello 1\n") == 0);
    TRY(hawser_readline(answer, line, sizeof line));
    ALWAYS(strlen(line) == 5001);
    TRY(hawser_skip_line(answer));
    TRY(hawser_read_exactly(answer, got, sizeof got));
    ALWAYS(memcmp(got, bulk, sizeof got) == 0);
    TRY(hawser_printf(answer, "%072000d", 3));
    TRY(hawser_puts(answer, "bye\n"));
    TRY(hawser_flush(answer));
    TRY(hawser_read(ask, got, 60000));
    TRY(hawser_read1(ask, got, 100));
    TRY(hawser_readline(ask, line, 10) < 0 && errno != HAWSER_ETOOLONG ? -1 : 0);
    TRY(hawser_read(ask, got, 11900));
    TRY(hawser_readline(ask, line, sizeof line));
    ALWAYS(strcmp(line, "bye\n") == 0);
    result = 0;
out:
    hawser_file_close(ask);
    hawser_file_close(answer);
    hawser_close(ends[0]);
    hawser_close(ends[1]);
    return result;
}

static void each_failing_system_call_is_reported_and_leaves_nothing(void **state) {
    (void)state;
    memset(bulk, 'b', sizeof bulk);
    static const int errors[] = {EIO, ENOMEM, ECONNRESET, EPIPE};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        assert_true(sweep_syscalls(have_a_conversation, NULL, errors[i], NULL) >= 10);
    assert_true(sweep_interruptions(have_a_conversation, NULL, "socketpair") >= 8);
}

static void each_failing_allocation_is_reported_and_leaves_nothing(void **state) {
    (void)state;
    memset(bulk, 'b', sizeof bulk);
    assert_true(sweep_allocations(have_a_conversation, NULL) >= 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_task_reads_and_one_writes_the_same_file),
        cmocka_unit_test(each_failing_system_call_is_reported_and_leaves_nothing),
        cmocka_unit_test(each_failing_allocation_is_reported_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

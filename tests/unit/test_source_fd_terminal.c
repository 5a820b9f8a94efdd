/* SPDX-License-Identifier: MIT */
/* stream/source_fd: terminals, whose settings and flags stay, and interruption on every kind of descriptor. */
#include "tubes.h"

#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

static void no_flag_of_the_descriptor_changes_and_it_stays_open(void **state) {
    (void)state;
    struct tube tubes[] = {new_pipe(), new_sockets(), new_terminal()};
    for (size_t i = 0; i < 3; i++) {
        struct tube tube = tubes[i];
        int flags_in = fcntl(tube.in, F_GETFL), flags_out = fcntl(tube.out, F_GETFL);
        hawser_file *in = open_fd(tube.in, "r", 0.01), *out = open_fd(tube.out, "w", 0.01);
        char buf[100];
        assert_fails(hawser_readline(in, buf, sizeof buf), ETIMEDOUT);
        assert_result(hawser_puts(out, "line\n"), 5);
        assert_works(hawser_flush(out));
        assert_works(hawser_file_settimeout(in, WAIT_LIMIT));
        assert_line(in, "line\n");
        assert_int_equal(fcntl(tube.in, F_GETFL), flags_in);
        assert_int_equal(fcntl(tube.out, F_GETFL), flags_out);
        assert_false(raw_is_nonblocking(tube.in));
        assert_works(hawser_file_close(in));
        assert_works(hawser_file_close(out));
        assert_int_equal(fcntl(tube.in, F_GETFL), flags_in);
        assert_int_equal(fcntl(tube.out, F_GETFL), flags_out);
        close_tube(tube);
    }
}

static void a_terminals_settings_are_as_before(void **state) {
    (void)state;
    struct tube terminal = new_terminal();
    struct termios before, after;
    memset(&before, 0, sizeof before);
    memset(&after, 0, sizeof after);
    assert_int_equal(tcgetattr(terminal.in, &before), 0);
    hawser_file *file = open_fd(terminal.in, "rw", 0.01);
    char buf[10];
    assert_fails(hawser_readline(file, buf, sizeof buf), ETIMEDOUT);
    assert_result(hawser_puts(file, "> "), 2);
    assert_works(hawser_flush(file));
    type(terminal.out, "abc\n");
    assert_line(file, "abc\n");
    assert_works(hawser_file_close(file));
    assert_int_equal(tcgetattr(terminal.in, &after), 0);
    assert_memory_equal(&before, &after, sizeof before);
    close_tube(terminal);
}

static void the_end_typed_at_a_terminal_is_told_once_and_reading_goes_on(void **state) {
    (void)state;
    struct tube terminal = new_terminal();
    hawser_file *file = open_fd(terminal.in, "r", WAIT_LIMIT);
    char buf[10];
    type(terminal.out, "one\n\4two\n");
    assert_line(file, "one\n");
    assert_line(file, "");
    assert_line(file, "two\n");
    type(terminal.out, "half\4\4");
    assert_line(file, "half");
    type(terminal.out, "again\n");
    assert_int_equal(assert_works(hawser_read(file, buf, 6)), 6);
    assert_memory_equal(buf, "again\n", 6);
    assert_works(hawser_file_close(file));
    close_tube(terminal);
}

/* Empty lines are the worst case: the terminal turns each byte into two. It makes a little room later, by itself, so that the third
 * failure in a row is the one that counts. */
static void a_write_to_a_terminal_nobody_reads_ends_at_its_deadline(void **state) {
    (void)state;
    static const char *const texts[] = {"\n", "x\n", "a line of some length, as programs print them\n"};
    for (size_t t = 0; t < 3; t++) {
        struct tube terminal = new_terminal();
        hawser_file *file = open_fd(terminal.in, "w", 0.05);
        double began = seconds_now();
        int failures = 0;
        do
            failures = hawser_puts(file, texts[t]) < 0 || hawser_flush(file) < 0 ? failures + 1 : 0;
        while (failures < 3 && seconds_now() - began < WAIT_LIMIT);
        assert_int_equal(failures, 3);
        assert_int_equal(errno, ETIMEDOUT);
        assert_true(seconds_now() - began < WAIT_LIMIT / 2);
        assert_fails(hawser_file_close(file), ETIMEDOUT);
        close_tube(terminal);
    }
}

static long read_a_line(void *argument) {
    char buf[64];
    return hawser_readline(argument, buf, sizeof buf);
}

static long read_a_line_until_interrupted(void *argument) {
    if (hawser_interrupt_on_signal(SIGUSR2) < 0)
        return -2;
    long result = read_a_line(argument);
    int code = errno;
    hawser_interrupt_restore(SIGUSR2);
    errno = code;
    return result;
}

static void an_interrupted_read_keeps_what_came(void **state) {
    (void)state;
    struct tube tubes[] = {new_pipe(), new_sockets(), new_terminal()};
    for (size_t i = 0; i < 3; i++) {
        hawser_file *file = open_fd(tubes[i].in, "r", HAWSER_NO_TIMEOUT);
        runner run;
        type(tubes[i].out, i == 2 ? "half\4" : "half");
        assert_result(hawser_wait_fd(tubes[i].in, HAWSER_READABLE, WAIT_LIMIT), HAWSER_READABLE);
        start(&run, read_a_line_until_interrupted, file);
        assert_true(blocked(&run));
        pthread_kill(run.thread, SIGUSR2);
        assert_int_equal(finish(&run), -1);
        assert_int_equal(run.code, ECANCELED);
        assert_int_equal(hawser_buffered(file), 4);
        type(tubes[i].out, " line\n");
        assert_line(file, "half line\n");
        assert_works(hawser_file_close(file));
        close_tube(tubes[i]);
    }
}

static void signals_nobody_asked_for_are_not_seen(void **state) {
    (void)state;
    struct tube tubes[] = {new_pipe(), new_sockets(), new_terminal()};
    count_signals();
    for (size_t i = 0; i < 3; i++) {
        hawser_file *file = open_fd(tubes[i].in, "r", WAIT_LIMIT);
        runner run;
        start(&run, read_a_line, file);
        assert_int_equal(pester(&run, 5), 5);
        type(tubes[i].out, "line\n");
        assert_int_equal(finish(&run), 5);
        assert_works(hawser_file_close(file));
        close_tube(tubes[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_flag_of_the_descriptor_changes_and_it_stays_open),
        cmocka_unit_test(a_terminals_settings_are_as_before),
        cmocka_unit_test(the_end_typed_at_a_terminal_is_told_once_and_reading_goes_on),
        cmocka_unit_test(a_write_to_a_terminal_nobody_reads_ends_at_its_deadline),
        cmocka_unit_test(an_interrupted_read_keeps_what_came),
        cmocka_unit_test(signals_nobody_asked_for_are_not_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

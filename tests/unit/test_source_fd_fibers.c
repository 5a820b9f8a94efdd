/* SPDX-License-Identifier: MIT */
/* stream/source_fd in fibers of one worker, which no foreign descriptor holds up. */
#include "fibers.h"
#include "tubes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void assert_fiber_succeeds(hawser_fn body, void *argument) {
    if (run_on_workers(1, body, argument) < 0)
        fail_msg("%s", hawser_error());
}

/* Two files on one pipe: what makes both of them ready is enough for one. */
static struct {
    hawser_file *files[2];
    struct tube tube;
    int lines;
} shared;

static int read_a_line(void *file) {
    char line[10];
    shared.lines += hawser_readline(file, line, sizeof line) == 2;
    return 0;
}

/* Is never run when the one that came too late keeps the worker. */
static int write_two_lines(void *argument) {
    (void)argument;
    for (int i = 0; i < 2; i++) {
        type(shared.tube.out, "a\n");
        while (shared.lines <= i)
            hawser_yield();
    }
    return 0;
}

static int share_a_pipe(void *argument) {
    (void)argument;
    for (int i = 0; i < 2; i++) {
        shared.files[i] = hawser_file_from_fd(shared.tube.in, "r");
        if (!shared.files[i] || hawser_file_settimeout(shared.files[i], WAIT_LIMIT) < 0 ||
            hawser_go(read_a_line, shared.files[i]) < 0)
            return -1;
    }
    return hawser_go(write_two_lines, NULL);
}

static void a_fiber_that_finds_a_pipe_empty_again_keeps_nobody_waiting(void **state) {
    (void)state;
    shared.tube = new_pipe();
    shared.lines = 0;
    alarm((unsigned)WAIT_LIMIT);
    assert_fiber_succeeds(share_a_pipe, NULL);
    alarm(0);
    assert_int_equal(shared.lines, 2);
    hawser_file_close(shared.files[0]);
    hawser_file_close(shared.files[1]);
    close_tube(shared.tube);
}

#define MUCH ((size_t)1 << 20)

static int write_much(void *argument) {
    struct tube *tube = argument;
    static char data[MUCH];
    fill_pattern(data, MUCH);
    hawser_file *file = hawser_file_from_fd(tube->out, "w");
    bool written = file && hawser_write(file, data, MUCH) == MUCH;
    bool closed = hawser_file_close(file) == 0;
    close(tube->out);
    return written && closed ? 0 : -1;
}

static int read_much(void *argument) {
    struct tube *tube = argument;
    static char got[MUCH], expected[MUCH];
    char more;
    fill_pattern(expected, MUCH);
    hawser_file *file = hawser_file_from_fd(tube->in, "r");
    bool same = file && hawser_read_exactly(file, got, MUCH) == MUCH && memcmp(got, expected, MUCH) == 0;
    bool ended = same && hawser_read(file, &more, 1) == 0;
    hawser_file_close(file);
    close(tube->in);
    return ended ? 0 : -1;
}

static int pass_much_on(void *argument) {
    const hawser_group_options together = {.cancel_on_failure = true};
    hawser_group *group = hawser_group_open(&together);
    int result = group ? hawser_group_go(group, read_much, argument) : -1;
    if (result == 0)
        result = hawser_group_go(group, write_much, argument);
    if (result == 0)
        result = hawser_group_wait(group);
    hawser_group_close(group);
    return result;
}

/* Which a pipe has not room for: writer and reader wait in turn. */
static void fibers_pass_much_on_through_a_pipe_and_through_foreign_sockets(void **state) {
    (void)state;
    struct tube tubes[] = {new_pipe(), new_sockets()};
    assert_fiber_succeeds(pass_much_on, &tubes[0]);
    assert_fiber_succeeds(pass_much_on, &tubes[1]);
}

/* Where the kernel has no call that does not wait, as for terminals: wait first, then. */
static int use_without_such_calls(void *argument) {
    struct tube *tube = argument;
    char buf[4];
    int result = -1;
    hawser_file *in = hawser_file_from_fd(tube->in, "r"), *out = hawser_file_from_fd(tube->out, "w");
    fault_syscall("write", 1, EOPNOTSUPP, 1);
    if (hawser_puts(out, "abc") != 3 || hawser_flush(out) < 0 || !fault_none())
        goto out;
    fault_syscall("read", 1, ENOSYS, 1);
    if (hawser_read(in, buf, 2) != 2 || !fault_none() || hawser_puts(out, "de") != 2 || hawser_flush(out) < 0)
        goto out;
    result = hawser_read(in, buf, 3) == 3 && memcmp(buf, "cde", 3) == 0 ? 0 : -1;
out:
    hawser_file_close(in);
    hawser_file_close(out);
    return result;
}

static void a_fiber_waits_first_where_it_cannot_try(void **state) {
    (void)state;
    struct tube tube = new_pipe();
    assert_fiber_succeeds(use_without_such_calls, &tube);
    close_tube(tube);
}

static int read_regular(void *argument) {
    static char much[100000];
    hawser_file *file = hawser_file_from_fd(*(int *)argument, "r");
    int result = -1;
    char line[10];
    fault_syscall("read", 1, EAGAIN, 1000); /* nothing of it is in memory */
    if (file && hawser_readline(file, line, sizeof line) == 6 && hawser_read(file, much, sizeof much) == 100000 &&
        hawser_readline(file, line, sizeof line) == 5 && hawser_readline(file, line, sizeof line) == 0)
        result = strcmp(line, "") == 0 ? 0 : -1;
    fault_none();
    hawser_file_close(file);
    return result;
}

static void a_fiber_reads_a_regular_file_that_is_not_in_memory(void **state) {
    (void)state;
    static char much[100000];
    int fd = open(own_path("cold"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "first\n", 6), 6);
    assert_int_equal(write(fd, much, sizeof much), sizeof much);
    assert_int_equal(write(fd, "last\n", 5), 5);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_fiber_succeeds(read_regular, &fd);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 100011);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fiber_that_finds_a_pipe_empty_again_keeps_nobody_waiting),
        cmocka_unit_test(fibers_pass_much_on_through_a_pipe_and_through_foreign_sockets),
        cmocka_unit_test(a_fiber_waits_first_where_it_cannot_try),
        cmocka_unit_test(a_fiber_reads_a_regular_file_that_is_not_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

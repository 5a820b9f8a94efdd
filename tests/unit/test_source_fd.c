/* SPDX-License-Identifier: MIT */
/* stream/source_fd: files on pipes, regular files, devices and foreign sockets. */
#include "tubes.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* All kinds. */

static void each_kind_of_stream_reads_lines_times_out_and_ends(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct tube tube = kind ? new_sockets() : new_pipe();
        hawser_file *file = open_fd(tube.in, "r", 0);
        char buf[10], sentence[100];
        type(tube.out, "one\ntwo\nhal");
        assert_line(file, "one\n");
        assert_line(file, "two\n");
        assert_fails(hawser_readline(file, buf, sizeof buf), EAGAIN);
        snprintf(sentence, sizeof sentence, "read from descriptor %d: Resource temporarily unavailable", tube.in);
        assert_sentence(sentence);
        assert_works(hawser_file_settimeout(file, 0.02));
        assert_fails(hawser_readline(file, buf, sizeof buf), ETIMEDOUT);
        assert_works(hawser_file_settimeout(file, HAWSER_NO_TIMEOUT));
        type(tube.out, "f\nrest");
        close(tube.out);
        assert_line(file, "half\n");
        assert_line(file, "rest");
        assert_line(file, "");
        assert_line(file, "");
        assert_works(hawser_file_close(file));
        close(tube.in);
    }
}

static void a_descriptor_that_was_non_blocking_before_works_too(void **state) {
    (void)state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    hawser_file *in = open_fd(fds[0], "r", 0.01), *out = open_fd(fds[1], "w", 0.01);
    char buf[10];
    static char much[200000];
    assert_fails(hawser_readline(in, buf, sizeof buf), ETIMEDOUT);
    assert_fails(hawser_write(out, much, sizeof much), ETIMEDOUT);
    assert_int_equal(hawser_moved(), fcntl(fds[1], F_GETPIPE_SZ));
    assert_result(hawser_read(in, much, (size_t)hawser_moved()), (int64_t)hawser_moved());
    assert_works(hawser_file_close(in));
    assert_works(hawser_file_close(out));
    assert_true(raw_is_nonblocking(fds[0]));
    close(fds[0]);
    close(fds[1]);
}

static void what_is_not_open_or_not_for_that_is_refused(void **state) {
    (void)state;
    struct tube tube = new_pipe();
    int path = open("/", O_PATH | O_CLOEXEC);
    char sentence[100];
    assert_null_fails(hawser_file_from_fd(-1, "r"), EBADF);
    assert_sentence("make a file with mode \"r\" on descriptor -1: Bad file descriptor");
    assert_null_fails(hawser_file_from_fd(tube.in, "w"), EBADF);
    assert_null_fails(hawser_file_from_fd(tube.in, "rw"), EBADF);
    snprintf(sentence, sizeof sentence, "make a file with mode \"rw\" on descriptor %d: Bad file descriptor", tube.in);
    assert_sentence(sentence);
    assert_null_fails(hawser_file_from_fd(tube.out, "r"), EBADF);
    assert_null_fails(hawser_file_from_fd(path, "r"), EBADF);
    assert_null_fails(hawser_file_from_fd(tube.in, "a"), EINVAL);
    close(path);
    close_tube(tube);
}

static void a_descriptor_closed_behind_the_file_is_ebadf(void **state) {
    (void)state;
    struct tube tube = new_pipe();
    hawser_file *file = open_fd(tube.in, "r", WAIT_LIMIT);
    char buf[10];
    close_tube(tube);
    assert_fails(hawser_readline(file, buf, sizeof buf), EBADF);
    assert_works(hawser_file_close(file));
}

/* Full receivers. */

/* Through the buffer, or straight. Either way the stream holds afterwards what the file says that it sent. */
static void overfill(struct tube tube, bool buffered) {
    static char much[1 << 20];
    hawser_file *file = open_fd(tube.out, "w", 0.05);
    assert_works(hawser_file_setbuf(file, buffered ? sizeof much : 0));
    double began = seconds_now();
    if (buffered) {
        assert_result(hawser_write(file, much, sizeof much), sizeof much);
        assert_fails(hawser_flush(file), ETIMEDOUT);
    } else
        assert_fails(hawser_write(file, much, sizeof much), ETIMEDOUT);
    size_t moved = (size_t)hawser_moved();
    assert_true(seconds_now() - began < WAIT_LIMIT / 2);
    assert_in_range(moved, 1, sizeof much - 1);
    assert_true(raw_read(tube.in, much, moved));
    assert_int_equal(unread(tube.in), 0);
    assert_works(hawser_file_settimeout(file, 0));
    assert_int_equal(hawser_file_close(file), buffered ? -1 : 0); /* its rest is more than the stream takes */
    close_tube(tube);
}

static void a_write_into_a_full_stream_ends_at_its_deadline(void **state) {
    (void)state;
    for (int buffered = 0; buffered < 2; buffered++) {
        overfill(new_pipe(), buffered);
        overfill(new_sockets(), buffered);
    }
}

static long read_far_end(void *argument) {
    return raw_drain(*(int *)argument);
}

static void without_a_timeout_a_write_waits_for_the_reader(void **state) {
    (void)state;
    static char much[1 << 20];
    struct tube tubes[] = {new_pipe(), new_sockets()};
    for (size_t i = 0; i < 2; i++) {
        hawser_file *file = open_fd(tubes[i].out, "w", HAWSER_NO_TIMEOUT);
        runner run;
        start(&run, read_far_end, &tubes[i].in);
        assert_result(hawser_write(file, much, sizeof much), sizeof much);
        assert_works(hawser_file_close(file));
        close(tubes[i].out);
        assert_int_equal(finish(&run), sizeof much);
        close(tubes[i].in);
    }
}

static void a_reader_that_is_gone_is_epipe_without_a_signal(void **state) {
    (void)state;
    struct tube tubes[] = {new_pipe(), new_sockets()};
    for (size_t i = 0; i < 2; i++) {
        hawser_file *file = open_fd(tubes[i].out, "w", WAIT_LIMIT);
        char sentence[100];
        sigset_t pending;
        close(tubes[i].in);
        assert_result(hawser_puts(file, "lost"), 4);
        assert_fails(hawser_flush(file), EPIPE);
        snprintf(sentence, sizeof sentence, "write to descriptor %d: Broken pipe", tubes[i].out);
        assert_sentence(sentence);
        assert_int_equal(sigpending(&pending), 0);
        assert_false(sigismember(&pending, SIGPIPE));
        assert_fails(hawser_file_close(file), EPIPE);
        close(tubes[i].out);
    }
}

/* Files and devices. */

static void a_regular_file_is_written_and_read_from_where_it_stands(void **state) {
    (void)state;
    int fd = open(own_path("regular"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    static char much[100000];
    memset(much, 'm', sizeof much);
    hawser_file *out = open_fd(fd, "w", 0);
    assert_result(hawser_puts(out, "first\n"), 6);
    assert_result(hawser_write(out, much, sizeof much), sizeof much);
    assert_result(hawser_puts(out, "\nlast"), 5);
    assert_works(hawser_file_close(out));
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 100011);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    hawser_file *in = open_fd(fd, "r", 0);
    char buf[10];
    assert_line(in, "first\n");
    assert_result(hawser_skip_line(in), 100001);
    assert_line(in, "last");
    assert_line(in, "");
    assert_int_equal(pwrite(fd, "!", 1, 100011), 1);
    assert_result(hawser_read(in, buf, sizeof buf), 1);
    assert_works(hawser_file_close(in));
    close(fd);
}

static void a_folder_cannot_be_read_and_says_so(void **state) {
    (void)state;
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    hawser_file *file = open_fd(fd, "r", HAWSER_NO_TIMEOUT);
    char buf[10];
    assert_fails(hawser_read(file, buf, sizeof buf), EISDIR);
    assert_works(hawser_file_close(file));
    close(fd);
}

static void a_full_disk_is_reported_and_the_bytes_stay(void **state) {
    (void)state;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    hawser_file *file = open_fd(fd, "w", HAWSER_NO_TIMEOUT);
    assert_result(hawser_puts(file, "text"), 4);
    assert_fails(hawser_flush(file), ENOSPC);
    assert_int_equal(hawser_moved(), 0);
    assert_fails(hawser_flush(file), ENOSPC);
    assert_fails(hawser_file_close(file), ENOSPC);
    close(fd);
}

static void an_input_without_end_or_bytes_works(void **state) {
    (void)state;
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC);
    hawser_file *zeros = open_fd(zero, "r", 0), *nothing = open_fd(null, "rw", 0);
    static char buf[100000];
    assert_result(hawser_read(zeros, buf, sizeof buf), sizeof buf);
    assert_fails(hawser_readline(zeros, buf, sizeof buf), HAWSER_ETOOLONG);
    assert_result(hawser_read(nothing, buf, sizeof buf), 0);
    assert_result(hawser_write(nothing, buf, 70000), 70000);
    assert_works(hawser_file_close(zeros));
    assert_works(hawser_file_close(nothing));
    close(zero);
    close(null);
}

/* Faults. */

static int use_a_pipe(void *argument) {
    (void)argument;
    hawser_file *in = NULL, *out = NULL;
    char line[100];
    int fds[2], result = -1;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -1;
    TRY_NEW(in, hawser_file_from_fd(fds[0], "r"));
    TRY_NEW(out, hawser_file_from_fd(fds[1], "w"));
    TRY(hawser_file_settimeout(in, WAIT_LIMIT));
    TRY(hawser_printf(out, "%s\n", "line"));
    TRY(hawser_flush(out));
    TRY(hawser_readline(in, line, sizeof line));
    ALWAYS(strcmp(line, "line\n") == 0);
    result = 0;
out:
    hawser_file_close(in);
    hawser_file_close(out);
    close(fds[0]);
    close(fds[1]);
    return result;
}

static void each_failing_call_is_reported_and_leaves_nothing(void **state) {
    (void)state;
    assert_true(sweep_syscalls(use_a_pipe, NULL, EIO, NULL) >= 6);
    assert_int_equal(sweep_allocations(use_a_pipe, NULL), 4);
    assert_true(sweep_interruptions(use_a_pipe, NULL, "fcntl fstat eventfd") >= 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_stream_reads_lines_times_out_and_ends),
        cmocka_unit_test(a_descriptor_that_was_non_blocking_before_works_too),
        cmocka_unit_test(what_is_not_open_or_not_for_that_is_refused),
        cmocka_unit_test(a_descriptor_closed_behind_the_file_is_ebadf),
        cmocka_unit_test(a_write_into_a_full_stream_ends_at_its_deadline),
        cmocka_unit_test(without_a_timeout_a_write_waits_for_the_reader),
        cmocka_unit_test(a_reader_that_is_gone_is_epipe_without_a_signal),
        cmocka_unit_test(a_regular_file_is_written_and_read_from_where_it_stands),
        cmocka_unit_test(a_folder_cannot_be_read_and_says_so),
        cmocka_unit_test(a_full_disk_is_reported_and_the_bytes_stay),
        cmocka_unit_test(an_input_without_end_or_bytes_works),
        cmocka_unit_test(each_failing_call_is_reported_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Unix socket files when a step fails: nothing of ours stays behind, and nothing of somebody else's is touched. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[128], lock[160];

static int choose_path(void **state) {
    (void)state;
    snprintf(path, sizeof path, "%s", own_path("server"));
    snprintf(lock, sizeof lock, "%s.lock", path);
    return 0;
}

static bool exists(const char *name) {
    struct stat about;
    return lstat(name, &about) == 0;
}

static hawser_sock *serve(int type) {
    char host[160];
    const hawser_listen_options options = {.type = type};
    snprintf(host, sizeof host, "unix:%s", path);
    return hawser_create_server(host, 0, &options);
}

static void assert_serves(void) {
    hawser_sock *server = serve(SOCK_STREAM);
    assert_non_null(server);
    hawser_close(server);
    assert_false(exists(path) || exists(lock));
}

static void a_listen_that_fails_leaves_no_file(void **state) {
    (void)state;
    fault_syscall("listen", 1, ENOMEM, 1);
    assert_null_fails(serve(SOCK_STREAM), ENOMEM);
    assert_true(fault_none());
    assert_false(exists(path) || exists(lock));
    assert_null_fails(serve(SOCK_RAW), EOPNOTSUPP); /* bound as a datagram socket, which cannot listen */
    assert_false(exists(path) || exists(lock));
    assert_serves();
}

static void a_bind_that_fails_leaves_no_file(void **state) {
    (void)state;
    fault_syscall("bind", 1, ENOMEM, 1);
    assert_null_fails(serve(SOCK_STREAM), ENOMEM);
    assert_true(fault_none());
    assert_false(exists(path) || exists(lock));
}

static void a_lock_that_cannot_be_had_leaves_no_file(void **state) {
    (void)state;
    static const struct {
        const char *call;
        int error;
    } rows[] = {{"flock", ENOLCK}, {"flock", EOPNOTSUPP}, {"fstat", EIO}, {"lstat", EIO}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fault_syscall(rows[i].call, 1, rows[i].error, 1);
        assert_null_fails(serve(SOCK_STREAM), rows[i].error);
        assert_true(fault_none());
        assert_false(exists(path) || exists(lock));
    }
}

static void a_file_that_does_not_know_its_name_is_removed_all_the_same(void **state) {
    (void)state;
    fault_syscall("getsockname", 1, ENOMEM, 1);
    hawser_sock *server = serve(SOCK_STREAM);
    assert_true(fault_none());
    hawser_close(server);
    assert_false(exists(path) || exists(lock));
}

static void a_file_of_somebody_elses_is_not_taken_for_our_lock(void **state) {
    (void)state;
    char buf[9] = "";
    int fd = open(lock, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "precious", 8), 8);
    close(fd);
    assert_null_fails(serve(SOCK_STREAM), EEXIST);
    assert_false(exists(path));
    fault_syscall("flock", 1, ENOLCK, 1); /* nor where there are no locks */
    assert_null_fails(serve(SOCK_STREAM), EEXIST);
    fault_none();
    fd = open(lock, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, buf, sizeof buf), 8);
    assert_string_equal(buf, "precious");
    close(fd);
    unlink(lock);
    assert_int_equal(mkfifo(lock, 0600), 0);
    assert_null_fails(serve(SOCK_STREAM), EEXIST);
    assert_true(exists(lock));
    unlink(lock);
    assert_serves();
}

/* Whoever the listener was handed on to still serves under that name. */
static void the_file_of_a_listener_that_was_handed_on_stays(void **state) {
    (void)state;
    hawser_sock *server = serve(SOCK_STREAM), *copy = hawser_dup(server);
    assert_non_null(copy);
    hawser_close(server);
    assert_true(exists(path));
    hawser_close(copy);
    assert_non_null(server = serve(SOCK_STREAM)); /* now it is stale */
    assert_int_equal(hawser_set_inheritable(server, true), 0);
    hawser_close(server);
    assert_true(exists(path));
    assert_serves();
}

#define with_path(function) cmocka_unit_test_setup(function, choose_path)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_path(a_listen_that_fails_leaves_no_file),
        with_path(a_bind_that_fails_leaves_no_file),
        with_path(a_lock_that_cannot_be_had_leaves_no_file),
        with_path(a_file_that_does_not_know_its_name_is_removed_all_the_same),
        with_path(a_file_of_somebody_elses_is_not_taken_for_our_lock),
        with_path(the_file_of_a_listener_that_was_handed_on_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

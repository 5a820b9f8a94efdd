/* SPDX-License-Identifier: MIT */
/* server/activation: hawser_notify. */
#include "support.h"

#include <errno.h>
#include <sys/un.h>
#include <unistd.h>

#include <hawser/activation.h>

/* A service manager's end: a datagram socket at WHERE, "@name" or a path. */
static int new_manager(const char *where) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t length = strlen(where);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(length < sizeof at.sun_path);
    memcpy(at.sun_path, where, length);
    bool abstract = where[0] == '@';
    if (abstract)
        at.sun_path[0] = '\0';
    unlink(where);
    length += offsetof(struct sockaddr_un, sun_path) + !abstract;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, (socklen_t)length), 0);
    setenv("NOTIFY_SOCKET", where, 1);
    return fd;
}

static void assert_told(int manager, const char *state) {
    char buf[256];
    ssize_t got = recv(manager, buf, sizeof buf, 0);
    assert_int_equal(got, (ssize_t)strlen(state));
    assert_memory_equal(buf, state, (size_t)got);
    assert_int_equal(recv(manager, buf, sizeof buf, 0), -1);
}

static void a_state_reaches_the_manager(void **state) {
    (void)state;
    char name[64];
    census before = take_census();
    snprintf(name, sizeof name, "@hawser-test-%ld\\x41", (long)getpid()); /* its bytes as they are */
    const char *const where[] = {own_path("manager"), name};
    for (size_t i = 0; i < 2; i++) {
        int manager = new_manager(where[i]);
        assert_int_equal(assert_works(hawser_notify("READY=1")), 1);
        assert_told(manager, "READY=1");
        assert_int_equal(assert_works(hawser_notify("STOPPING=1\nSTATUS=bye")), 1);
        assert_told(manager, "STOPPING=1\nSTATUS=bye");
        close(manager);
    }
    assert_null(compare_census(before));
}

static void without_a_manager_nothing_is_sent(void **state) {
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    syscalls_made();
    assert_int_equal(assert_works(hawser_notify("READY=1")), 0);
    setenv("NOTIFY_SOCKET", "", 1);
    assert_int_equal(assert_works(hawser_notify("READY=1")), 0);
    assert_int_equal(syscalls_made(), 0);
}

static void addresses_that_are_none_are_EINVAL(void **state) {
    (void)state;
    static const char *const where[] = {"relative", "./relative", "@", "/", "vsock:2:1234", " /run/x"};
    for (size_t i = 0; i < sizeof where / sizeof *where; i++) {
        setenv("NOTIFY_SOCKET", where[i], 1);
        syscalls_made();
        assert_fails(hawser_notify("READY=1"), EINVAL);
        assert_int_equal(syscalls_made(), 0);
    }
    setenv("NOTIFY_SOCKET", "relative", 1);
    assert_fails(hawser_notify("READY=1"), EINVAL);
    assert_sentence("notify service manager at relative: neither an absolute path nor @name");
}

static void there_must_be_a_state(void **state) {
    (void)state;
    int manager = new_manager(own_path("stateless"));
    assert_fails(hawser_notify(NULL), EINVAL);
    assert_fails(hawser_notify(""), EINVAL);
    unsetenv("NOTIFY_SOCKET");
    assert_fails(hawser_notify(""), EINVAL); /* with or without a manager */
    close(manager);
}

static void a_manager_that_is_gone_is_told_apart(void **state) {
    (void)state;
    char path[256], text[300];
    const char *gone = own_path("gone");
    close(new_manager(gone));
    assert_fails(hawser_notify("READY=1"), ECONNREFUSED);
    unlink(gone);
    assert_fails(hawser_notify("READY=1"), ENOENT);
    snprintf(text, sizeof text, "notify service manager at %s: No such file or directory", gone);
    assert_sentence(text);
    for (size_t length = 108; length <= 255; length++) {
        memset(path, '/', length);
        path[length] = '\0';
        setenv("NOTIFY_SOCKET", path, 1);
        assert_fails(hawser_notify("READY=1"), ENAMETOOLONG);
        path[0] = '@';
        setenv("NOTIFY_SOCKET", path, 1);
        assert_fails(hawser_notify("READY=1"), length == 108 ? ECONNREFUSED : ENAMETOOLONG);
    }
}

/* Trap: a manager that does not read must not hold the service up. */
static void a_manager_that_does_not_read_is_EAGAIN(void **state) {
    (void)state;
    int manager = new_manager(own_path("deaf")), sent = 0;
    while (sent < 1000000 && hawser_notify("READY=1") == 1)
        sent++;
    assert_true(sent > 0 && sent < 1000000);
    assert_fails(hawser_notify("READY=1"), EAGAIN);
    close(manager);
}

/* The manager takes what it was told: a full queue would be a failure of its own. */
static int tells(void *manager) {
    char told[64];
    int result;
    while (recv(*(int *)manager, told, sizeof told, MSG_DONTWAIT) > 0)
        ;
    TRY(result = hawser_notify("READY=1"));
    ALWAYS(result == 1);
    return 0;
out:
    return -1;
}

static void whatever_fails_nothing_leaks(void **state) {
    (void)state;
    int manager = new_manager(own_path("sweep"));
    assert_true(sweep_syscalls(tells, &manager, EMFILE, NULL) >= 2);
    assert_true(sweep_interruptions(tells, &manager, NULL) >= 1);
    close(manager);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_reaches_the_manager),
        cmocka_unit_test(without_a_manager_nothing_is_sent),
        cmocka_unit_test(addresses_that_are_none_are_EINVAL),
        cmocka_unit_test(there_must_be_a_state),
        cmocka_unit_test(a_manager_that_is_gone_is_told_apart),
        cmocka_unit_test(a_manager_that_does_not_read_is_EAGAIN),
        cmocka_unit_test(whatever_fails_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

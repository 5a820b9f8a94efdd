/* SPDX-License-Identifier: MIT */
/*
 * server/activation: hawser_listen_fds; the rest is in test_activation_notify.c. Sockets are handed over as a service manager
 * does it: the program is started again with them from descriptor 3 on, and its first argument says which test it is to run
 * (`services`).
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hawser/activation.h>

#define FIRST 3
#define MOST 3

/* What a service is started with. */
struct handed {
    int fds[MOST];
    size_t count;
    const char *names; /* NULL: LISTEN_FDNAMES is not set */
};

static void set_number(const char *name, long number) {
    char text[32];
    snprintf(text, sizeof text, "%ld", number);
    setenv(name, text, 1);
}

/* In the child. First out of the way, so that none is overwritten that is still to be moved; nothing else is inherited. */
static void start_service(const struct handed *handed, const char *test, const char *self) {
    int copies[MOST];
    for (size_t i = 0; i < handed->count; i++)
        copies[i] = fcntl(handed->fds[i], F_DUPFD_CLOEXEC, 100);
    for (size_t i = 0; i < handed->count; i++)
        dup2(copies[i], FIRST + (int)i);
    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", (long)handed->count);
    if (handed->names)
        setenv("LISTEN_FDNAMES", handed->names, 1);
    execl(self, self, test, (char *)NULL);
    _exit(127);
}

static void run_service(const struct handed *handed, const char *test) {
    char self[4096];
    int status;
    skip_where_emulated("the program cannot start itself");
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    self[length] = '\0';
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        start_service(handed, test, self);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0)
        fail_msg("the service \"%s\" failed", test);
}

static struct handed new_listeners(const char *names) {
    int port;
    unlink(own_path("admin"));
    struct handed handed = {.count = 3, .names = names};
    handed.fds[0] = raw_listener(AF_INET, 5, &port);
    handed.fds[1] = raw_unix_listener(own_path("admin"), 5);
    handed.fds[2] = raw_datagrams(&port);
    return handed;
}

static void close_listeners(const struct handed *handed) {
    for (size_t i = 0; i < handed->count; i++)
        close(handed->fds[i]);
}

static void hand_over(const char *names, const char *test) {
    struct handed handed = new_listeners(names);
    run_service(&handed, test);
    close_listeners(&handed);
}

/* The services: their checks are about descriptors 3 (TCP), 4 (Unix) and 5 (UDP). */

static void close_all(hawser_sock **socks, ssize_t count) {
    for (ssize_t i = 0; i < count; i++)
        hawser_close(socks[i]);
}

static void service_takes_by_name(void **state) {
    (void)state;
    hawser_sock *socks[4], *admin;
    assert_int_equal(assert_works(hawser_listen_fds("nosuch", socks, 4)), 0);
    assert_int_equal(assert_works(hawser_listen_fds("web", socks, 4)), 2);
    assert_int_equal(hawser_fileno(socks[0]), 3);
    assert_int_equal(hawser_family(socks[0]), AF_INET);
    assert_int_equal(hawser_type(socks[0]), SOCK_STREAM);
    assert_int_equal(hawser_fileno(socks[1]), 5);
    assert_int_equal(hawser_type(socks[1]), SOCK_DGRAM);
    assert_int_equal(assert_works(hawser_listen_fds("web", socks + 2, 2)), 0);
    assert_int_equal(assert_works(hawser_listen_fds("admi", &admin, 1)), 0);
    assert_int_equal(assert_works(hawser_listen_fds("admin1", &admin, 1)), 0);
    assert_int_equal(assert_works(hawser_listen_fds("admin", &admin, 1)), 1);
    assert_int_equal(hawser_family(admin), AF_UNIX);
    assert_int_equal(assert_works(hawser_listen_fds(NULL, socks + 2, 2)), 0);
    close_all(socks, 2);
    hawser_close(admin);
}

static void service_takes_a_few_at_a_time(void **state) {
    (void)state;
    hawser_sock *socks[4];
    assert_int_equal(assert_works(hawser_listen_fds(NULL, NULL, 0)), 0);
    assert_int_equal(assert_works(hawser_listen_fds(NULL, socks, 2)), 2);
    assert_int_equal(assert_works(hawser_listen_fds("unknown", socks + 2, 2)), 1); /* they have no names */
    assert_int_equal(assert_works(hawser_listen_fds(NULL, socks + 3, 1)), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(hawser_fileno(socks[i]), FIRST + i);
    close_all(socks, 3);
    assert_int_equal(assert_works(hawser_listen_fds(NULL, socks, 4)), 0); /* closed is taken, too */
}

static void service_keeps_them_from_its_own_children(void **state) {
    (void)state;
    hawser_sock *sock;
    for (int fd = FIRST; fd < FIRST + 3; fd++)
        assert_false(raw_is_cloexec(fd));
    bool nonblocking = raw_is_nonblocking(FIRST);
    assert_int_equal(assert_works(hawser_listen_fds("nosuch", &sock, 1)), 0);
    for (int fd = FIRST; fd < FIRST + 3; fd++)
        assert_true(raw_is_cloexec(fd));
    assert_int_equal(assert_works(hawser_listen_fds("admin", &sock, 1)), 1);
    assert_int_equal(hawser_get_inheritable(sock), 0);
    assert_int_equal(raw_is_nonblocking(FIRST), nonblocking);
    hawser_close(sock);
    fcntl(FIRST, F_SETFD, 0); /* what happens to the number later is nobody's business here */
    assert_int_equal(assert_works(hawser_listen_fds("nosuch", &sock, 1)), 0);
    assert_false(raw_is_cloexec(FIRST));
}

static void service_leaves_the_environment_alone(void **state) {
    (void)state;
    hawser_sock *socks[3];
    int status;
    assert_int_equal(assert_works(hawser_listen_fds(NULL, socks, 3)), 3);
    assert_int_equal(atol(getenv("LISTEN_PID")), getpid());
    assert_string_equal(getenv("LISTEN_FDS"), "3");
    assert_string_equal(getenv("LISTEN_FDNAMES"), "web:admin:web");
    close_all(socks, 3);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) /* for whom it is not meant */
        _exit(hawser_listen_fds(NULL, socks, 3) == 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* It answers, and the file of its socket stays for the one that is started next. */
static void service_answers_on_what_it_was_handed(void **state) {
    (void)state;
    hawser_sock *listener;
    struct sockaddr_un at;
    socklen_t size = sizeof at;
    assert_int_equal(assert_works(hawser_listen_fds("admin", &listener, 1)), 1);
    assert_int_equal(getsockname(hawser_fileno(listener), (struct sockaddr *)&at, &size), 0);
    hawser_sock *client = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
    assert_works(hawser_connect(client, at.sun_path, 0));
    hawser_sock *accepted = hawser_accept(listener, NULL);
    assert_non_null(accepted);
    hawser_close(accepted);
    hawser_close(client);
    hawser_close(listener);
    assert_int_equal(access(at.sun_path, F_OK), 0);
}

/* All or nothing: what failed can be tried again. */
static void service_without_memory(void **state) {
    (void)state;
    hawser_sock *socks[3];
    unsigned struck = 0;
    for (;; struck++) {
        fault_alloc(struck + 1);
        ssize_t count = hawser_listen_fds(NULL, socks, 3);
        if (!fault_none()) {
            assert_int_equal(count, 3);
            break;
        }
        assert_int_equal(count, -1);
        assert_int_equal(errno, ENOMEM);
        for (int fd = FIRST; fd < FIRST + 3; fd++)
            assert_true(raw_is_cloexec(fd));
    }
    assert_true(struck >= 6);
    close_all(socks, 3);
}

static void service_that_is_refused_a_call(void **state) {
    (void)state;
    hawser_sock *socks[3];
    fault_syscall("fcntl", 2, EBADF, 1);
    assert_fails(hawser_listen_fds(NULL, socks, 3), EBADF);
    assert_sentence("take over descriptor 4 of the service manager: Bad file descriptor");
    fault_syscall("getsockname", 3, ENOBUFS, 1);
    assert_fails(hawser_listen_fds(NULL, socks, 3), ENOBUFS);
    assert_sentence_has("descriptor 5");
    assert_true(fault_none());
    assert_int_equal(assert_works(hawser_listen_fds(NULL, socks, 3)), 3);
    close_all(socks, 3);
}

static void service_with_a_file_among_them(void **state) {
    (void)state;
    hawser_sock *socks[3];
    assert_fails(hawser_listen_fds(NULL, socks, 3), ENOTSOCK);
    assert_sentence_has("descriptor 4");
    assert_true(fcntl(4, F_GETFD) >= 0);
    assert_int_equal(assert_works(hawser_listen_fds("web", socks, 3)), 1);
    hawser_close(socks[0]);
}

static void service_with_fewer_than_promised(void **state) {
    (void)state;
    hawser_sock *sock;
    setenv("LISTEN_FDS", "1024", 1);
    assert_fails(hawser_listen_fds(NULL, &sock, 1), EBADF);
    setenv("LISTEN_FDS", "1", 1);
    assert_int_equal(assert_works(hawser_listen_fds(NULL, &sock, 1)), 1);
    hawser_close(sock);
}

static void service_with_empty_names(void **state) {
    (void)state;
    hawser_sock *socks[3];
    assert_int_equal(assert_works(hawser_listen_fds("", socks, 3)), 2);
    assert_int_equal(hawser_fileno(socks[0]), 4);
    assert_int_equal(assert_works(hawser_listen_fds("web", socks + 2, 1)), 1);
    close_all(socks, 3);
}

#define SERVICE(name) {#name, service_##name}
static const struct {
    const char *name;
    CMUnitTestFunction function;
} services[] = {
    SERVICE(takes_by_name),
    SERVICE(takes_a_few_at_a_time),
    SERVICE(keeps_them_from_its_own_children),
    SERVICE(leaves_the_environment_alone),
    SERVICE(answers_on_what_it_was_handed),
    SERVICE(without_memory),
    SERVICE(that_is_refused_a_call),
    SERVICE(with_a_file_among_them),
    SERVICE(with_fewer_than_promised),
    SERVICE(with_empty_names),
};

static int be_service(const char *name) {
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        const struct CMUnitTest tests[] = {{.name = services[i].name, .test_func = services[i].function}};
        if (strcmp(services[i].name, name) == 0)
            return cmocka_run_group_tests(tests, NULL, NULL);
    }
    return 1;
}

/* The tests. */

static void sockets_are_taken_once_by_their_names(void **state) {
    (void)state;
    hand_over("web:admin:web", "takes_by_name");
}

static void sockets_without_names_are_unknown(void **state) {
    (void)state;
    hand_over(NULL, "takes_a_few_at_a_time");
}

static void all_are_close_on_exec_from_the_first_call_on(void **state) {
    (void)state;
    hand_over("web:admin:web", "keeps_them_from_its_own_children");
}

static void the_environment_stays_and_is_not_for_children(void **state) {
    (void)state;
    hand_over("web:admin:web", "leaves_the_environment_alone");
}

static void the_file_of_a_unix_socket_is_the_managers(void **state) {
    (void)state;
    hand_over("web:admin:web", "answers_on_what_it_was_handed");
}

static void a_failure_takes_none_of_them(void **state) {
    (void)state;
    hand_over(NULL, "without_memory");
    hand_over(NULL, "that_is_refused_a_call");
}

static void a_descriptor_that_is_no_socket_is_ENOTSOCK(void **state) {
    (void)state;
    struct handed handed = new_listeners("web:fifo:more");
    close(handed.fds[1]);
    handed.fds[1] = open("/dev/null", O_RDWR | O_CLOEXEC);
    run_service(&handed, "with_a_file_among_them");
    close_listeners(&handed);
}

static void a_descriptor_that_is_not_open_is_EBADF(void **state) {
    (void)state;
    struct handed handed = new_listeners(NULL);
    run_service(&(struct handed){.fds = {handed.fds[0]}, .count = 1}, "with_fewer_than_promised");
    close_listeners(&handed);
}

static void a_name_may_be_empty(void **state) {
    (void)state;
    hand_over("web::", "with_empty_names");
}

/* None of these comes to a descriptor. PID NULL: our own; "" = not set, for all three. */
static void variables_are_believed_only_when_they_make_sense(void **state) {
    (void)state;
    static const struct {
        const char *pid, *fds, *names;
        int expected; /* 0, or errno */
    } cases[] = {
        {"", "", "", 0},
        {"", "3", "a:b:c", 0},
        {"1", "3", "", 0},
        {"1", "nonsense", "", 0},
        {"x", "3", "", EINVAL},
        {"-1", "3", "", EINVAL},
        {"99999999999999999999", "3", "", EINVAL},
        {NULL, "", "", 0},
        {NULL, "0", "", 0},
        {NULL, "0", "a", 0},
        {NULL, "x", "", EINVAL},
        {NULL, "3x", "", EINVAL},
        {NULL, " 3", "", EINVAL},
        {NULL, "-1", "", EINVAL},
        {NULL, "1025", "", EINVAL},
        {NULL, "99999999999999999999", "", EINVAL},
        {NULL, "2", "a", EINVAL},
        {NULL, "2", "a:b:c", EINVAL},
    };
    hawser_sock *sock;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const names[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};
        const char *const values[] = {cases[i].pid, cases[i].fds, cases[i].names};
        for (size_t j = 0; j < 3; j++)
            if (!values[j])
                set_number(names[j], getpid());
            else if (*values[j])
                setenv(names[j], values[j], 1);
            else
                unsetenv(names[j]);
        if (cases[i].expected == 0)
            assert_int_equal(assert_works(hawser_listen_fds(NULL, &sock, 1)), 0);
        else
            assert_fails(hawser_listen_fds(NULL, &sock, 1), cases[i].expected);
    }
    assert_sentence("read LISTEN_FDNAMES: 3 names for 2 descriptors");
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

static void empty_variables_are_no_numbers(void **state) {
    (void)state;
    hawser_sock *sock;
    setenv("LISTEN_PID", "", 1);
    assert_fails(hawser_listen_fds(NULL, &sock, 1), EINVAL);
    assert_sentence("read LISTEN_PID: \"\" is no number up to 2147483647");
    unsetenv("LISTEN_PID");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_are_taken_once_by_their_names),
        cmocka_unit_test(sockets_without_names_are_unknown),
        cmocka_unit_test(all_are_close_on_exec_from_the_first_call_on),
        cmocka_unit_test(the_environment_stays_and_is_not_for_children),
        cmocka_unit_test(the_file_of_a_unix_socket_is_the_managers),
        cmocka_unit_test(a_failure_takes_none_of_them),
        cmocka_unit_test(a_descriptor_that_is_no_socket_is_ENOTSOCK),
        cmocka_unit_test(a_descriptor_that_is_not_open_is_EBADF),
        cmocka_unit_test(a_name_may_be_empty),
        cmocka_unit_test(variables_are_believed_only_when_they_make_sense),
        cmocka_unit_test(empty_variables_are_no_numbers),
    };
    return test_arguments[1] ? be_service(test_arguments[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}

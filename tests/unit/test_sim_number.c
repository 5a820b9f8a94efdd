/* SPDX-License-Identifier: MIT */
/* sim/number: what programs in simulated hosts do with the numbers of their sockets, by the library's calls. */
#include "support.h"

#include "base/sys.h"
#include "sim/simulation.h"

#include <errno.h>
#include <fcntl.h>

/* A check inside of a host. */
#define MUST(condition)                                                                                                       \
    do {                                                                                                                      \
        if (!(condition))                                                                                                     \
            hawser_sim_fail("line %d: not so: %s (errno %d)", __LINE__, #condition, errno);                                   \
    } while (0)

struct world {
    hawser_fn scenario;
    hawser_sim_model model;
    int code;                 /* errno of a run that failed, */
    char sentence[256];       /* and why */
};

/* On a thread of its own: the test itself may be a fiber. */
static long run(void *argument) {
    struct world *world = argument;
    world->model.quiet = true;
    int result = hawser_sim_run(1, &world->model, world->scenario, NULL);
    world->code = result < 0 ? errno : 0;
    snprintf(world->sentence, sizeof world->sentence, "%s", result < 0 ? hawser_error() : "");
    return 0;
}

static void run_world(struct world *world) {
    runner thread;
    start_thread(&thread, run, world);
    assert_int_equal(finish(&thread), 0);
}

static void assert_holds(hawser_fn scenario) {
    struct world world = {.scenario = scenario};
    run_world(&world);
    if (world.code)
        fail_msg("%s", world.sentence);
}

/* Programs that come to their ends: what a crash frees is the simulator's doing, which the census does not see, and a leak
 * sanitizer does. */
static void assert_holds_and_leaves_nothing(hawser_fn scenario) {
    census before = take_census();
    assert_holds(scenario);
    const char *left = compare_census(before);
    if (left)
        fail_msg("%s", left);
}

static int sockets_here(void) {
    return hawser__simulation_here->host->socket_count;
}

static bool fails(ssize_t result, int code) {
    return result == -1 && errno == code;
}

static void open_pair(hawser_sock *ret[2]) {
    MUST(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, ret) == 0);
}

/* Owners. */

static int give_and_take(void *arg) {
    hawser_sock *pair[2], *other;
    char buf[8];
    (void)arg;
    open_pair(pair);
    int number = hawser_fileno(pair[0]);
    MUST(number >= HAWSER__FIRST_NUMBER && hawser_fileno(pair[0]) == number && sockets_here() == 2);
    MUST(hawser_fileno(pair[1]) == number + 1);
    other = hawser_sock_from_fd(number);   /* it has an owner */
    MUST(!other && errno == EBADF);
    MUST(hawser_detach(pair[0]) == number && sockets_here() == 2);
    other = hawser_sock_from_fd(number);
    MUST(other && hawser_fileno(other) == number && sockets_here() == 2);
    MUST(hawser_family(other) == AF_UNIX && hawser_type(other) == SOCK_STREAM);
    MUST(hawser_sendall(other, "still", 5) == 0 && hawser_recv(pair[1], buf, sizeof buf) == 5);
    hawser_sock *copy = hawser_fromfd(number);
    MUST(copy && hawser_fileno(copy) == number + 2 && sockets_here() == 3);
    hawser_close(other);
    MUST(hawser_sendall(copy, "more", 4) == 0 && hawser_recv(pair[1], buf, sizeof buf) == 4);
    hawser_close(copy);
    MUST(hawser_recv(pair[1], buf, sizeof buf) == 0);
    hawser_close(pair[1]);
    MUST(sockets_here() == 0);
    return 0;
}

static void a_number_has_one_owner_at_a_time(void **state) {
    (void)state;
    assert_holds_and_leaves_nothing(give_and_take);
}

static int try_what_is_none(void *arg) {
    (void)arg;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    int number = hawser_fileno(sock), none = number + 1;
    MUST(!hawser_sock_from_fd(none) && errno == EBADF);
    MUST(!hawser_sock_from_fd(-1) && errno == EBADF);
    MUST(!hawser_sock_from_fd(0) && errno == EOPNOTSUPP);
    MUST(!hawser_fromfd(none) && errno == EBADF);
    MUST(fails(hawser_wait_fd(none, HAWSER_READABLE, 1), EBADF));
    MUST(!hawser_file_from_fd(none, "r") && errno == EBADF);
    MUST(!hawser_file_from_fd(number, "r") && errno == EOPNOTSUPP);
    MUST(fails(hawser_sendfile(sock, number, -1, 1), EOPNOTSUPP));
    MUST(fails(hawser_sendfile(sock, none, -1, 1), EBADF));
    MUST(hawser__sys_fcntl(number, F_GETFD, 0) == FD_CLOEXEC && hawser__sys_fcntl(number, F_GETFL, 0) == -EOPNOTSUPP);
    MUST(hawser__sys_read(number, NULL, 0) == -EOPNOTSUPP && hawser__sys_pread(none, NULL, 0, 0) == -EBADF);
    MUST(hawser__sys_write_nosigpipe(number, "x", 1) == -EOPNOTSUPP);
    MUST(hawser__sys_fchmod(number, 0600) == 0 && hawser__sys_fchmod(none, 0600) == -EBADF);
    MUST(hawser_set_inheritable(sock, true) == 0 && hawser_get_inheritable(sock) == 1);
    MUST(hawser_set_inheritable(sock, false) == 0 && hawser_get_inheritable(sock) == 0);
    hawser_close(sock);
    MUST(hawser__sys_dup(number) == -EBADF);
    return 0;
}

static void what_a_number_cannot_do_is_told(void **state) {
    (void)state;
    assert_holds_and_leaves_nothing(try_what_is_none);
}

/* On Linux it would be the next one's that has got the same descriptor. */
static int close_beneath(void *arg) {
    (void)arg;
    hawser_sock *sock = hawser_socket(AF_INET, SOCK_STREAM, 0);
    hawser__sys_close(hawser_fileno(sock));
    hawser_sleep(1);
    hawser_close(sock);
    return 0;
}

static void closing_a_number_beneath_its_socket_fails_the_run(void **state) {
    (void)state;
    struct world world = {.scenario = close_beneath};
    run_world(&world);
    assert_int_equal(world.code, EBADF);
    assert_non_null(strstr(world.sentence, "host main closes descriptor 1048576, which a socket has that is open"));
}

static int use_up(void *arg) {
    hawser_sock *pair[2];
    (void)arg;
    MUST(hawser_sim_set_descriptors(0, 3) == 0);
    open_pair(pair);
    MUST(hawser_fileno(pair[0]) >= 0 && hawser_fileno(pair[1]) >= 0);   /* count once */
    int bare = hawser__sys_dup(hawser_fileno(pair[0]));
    MUST(bare >= 0);
    MUST(!hawser_dup(pair[0]) && errno == EMFILE);
    MUST(!hawser_fromfd(hawser_fileno(pair[1])) && errno == EMFILE);
    MUST(!hawser_socket(AF_INET, SOCK_STREAM, 0) && errno == EMFILE);
    hawser__sys_close(bare);
    hawser_sock *copy = hawser_dup(pair[0]);
    MUST(copy);
    hawser_close(copy);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    return 0;
}

static void numbers_and_copies_are_descriptors_to_the_limit(void **state) {
    (void)state;
    assert_holds_and_leaves_nothing(use_up);
}

/* Waiting. */

static int answer_later(void *arg) {
    hawser_sock *sock = arg;
    hawser_sleep(0.5);
    MUST(hawser_sendall(sock, "x", 1) == 0);
    return 0;
}

static int close_and_answer_later(void *arg) {
    hawser_sock **pair = arg;
    hawser_sleep(0.5);
    hawser__sys_close(hawser_detach(pair[0]));
    hawser_sleep(0.5);
    hawser_close(pair[1]);
    return 0;
}

static int wait_for_numbers(void *arg) {
    hawser_sock *pair[2];
    hawser_group *group = hawser_group_open(NULL);
    (void)arg;
    open_pair(pair);
    int number = hawser_fileno(pair[0]), both = HAWSER_READABLE | HAWSER_WRITABLE;
    MUST(fails(hawser_wait_fd(number, HAWSER_READABLE, 0), EAGAIN));
    MUST(fails(hawser_wait_fd(number, HAWSER_READABLE, 0.1), ETIMEDOUT) && hawser_sim_now() >= 0.1);
    MUST(hawser_wait_fd(number, both, 1) == HAWSER_WRITABLE);
    MUST(hawser_group_go(group, answer_later, pair[1]) == 0);
    MUST(hawser_wait_fd(number, HAWSER_READABLE, 10) == HAWSER_READABLE && hawser_sim_now() < 1);
    MUST(hawser_wait_fd(number, both, 10) == both);
    MUST(hawser_recv(pair[0], (char[1]){0}, 1) == 1);
    MUST(hawser_group_go(group, close_and_answer_later, pair) == 0);
    MUST(hawser_wait_fd(number, HAWSER_READABLE, 10) == HAWSER_READABLE && hawser_sim_now() > 1);   /* as on Linux */
    MUST(fails(hawser_wait_fd(number, HAWSER_READABLE, 10), EBADF));
    MUST(hawser_group_wait(group) == 0);
    hawser_group_close(group);
    return 0;
}

static int wait_in_fiber(void *arg) {
    return hawser_run(wait_for_numbers, arg, NULL);
}

static void a_number_is_waited_for_as_its_socket_is(void **state) {
    (void)state;
    assert_holds_and_leaves_nothing(wait_in_fiber);
}

/* Crashes. */

static int wait_at_a_bare_number(void *arg) {
    hawser_sock *pair[2];
    int number, numbers[2];
    (void)arg;
    open_pair(pair);
    number = hawser_detach(pair[0]);
    numbers[0] = hawser__sys_dup(number);
    numbers[1] = hawser_fileno(pair[1]);
    MUST(hawser_send_fds(pair[1], "x", 1, numbers, 2, 0) == 1);   /* nobody reads it */
    MUST(hawser_wait_fd(number, HAWSER_READABLE, 1) == HAWSER_READABLE);
    hawser_sock *again = hawser_sock_from_fd(number);
    MUST(again && hawser_recv(again, (char[1]){0}, 1) == 1);
    number = hawser_detach(again);
    (void)hawser_wait_fd(number, HAWSER_READABLE, HAWSER_NO_TIMEOUT);
    return 0;
}

static int crash_and_restart(void *arg) {
    int host = hawser_sim_start("holder", wait_at_a_bare_number, arg);
    for (int i = 0; i < 3; i++) {
        hawser_sleep(1);
        MUST(hawser_sim_crash(host) == 0);
        MUST(hawser_sim_restart(host) == 0);
    }
    hawser_sleep(1);
    return 0;   /* it waits still */
}

static void a_host_that_crashes_leaves_no_number_behind(void **state) {
    (void)state;
    assert_holds(crash_and_restart);
}

/* Passing. */

static int serve_what_is_passed(void *arg) {
    char buf[8];
    hawser_sock *line = arg;
    int numbers[2];
    size_t count = 2;
    MUST(hawser_recv_fds(line, buf, sizeof buf, numbers, &count, 0, NULL) == 4 && count == 1);
    hawser_sock *listener = hawser_sock_from_fd(numbers[0]);
    MUST(listener && hawser_fileno(listener) == numbers[0]);
    hawser_sock *sock = hawser_accept(listener, NULL);
    MUST(sock && hawser_sendall(sock, "hello", 5) == 0);
    hawser_close(sock);
    hawser_close(listener);
    return 0;
}

static int call(void *arg) {
    char buf[8];
    (void)arg;
    hawser_sock *sock = hawser_create_connection("main", 7000, NULL);
    MUST(sock && hawser_recv_exactly(sock, buf, 5) == 5);
    hawser_close(sock);
    return 0;
}

static int pass_a_listener(void *arg) {
    hawser_sock *pair[2], *listener = hawser_create_server("", 7000, NULL);
    hawser_group *group = hawser_group_open(NULL);
    (void)arg;
    open_pair(pair);
    int client = hawser_sim_start("client", call, NULL), number = hawser_fileno(listener);
    MUST(hawser_send_fds(pair[0], "take", 4, &number, 1, 0) == 4);
    hawser_close(listener);
    hawser_sleep(1);                   /* nobody has it; its queue takes the client in */
    MUST(hawser_group_go(group, serve_what_is_passed, pair[1]) == 0);
    MUST(hawser_group_wait(group) == 0 && hawser_sim_join(client) == 0);
    hawser_group_close(group);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    MUST(sockets_here() == 0);
    return 0;
}

static int pass_in_fiber(void *arg) {
    return hawser_run(pass_a_listener, arg, NULL);
}

static void a_listener_is_handed_on_with_who_waits_there(void **state) {
    (void)state;
    assert_holds_and_leaves_nothing(pass_in_fiber);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_has_one_owner_at_a_time),
        cmocka_unit_test(what_a_number_cannot_do_is_told),
        cmocka_unit_test(closing_a_number_beneath_its_socket_fails_the_run),
        cmocka_unit_test(numbers_and_copies_are_descriptors_to_the_limit),
        cmocka_unit_test(a_number_is_waited_for_as_its_socket_is),
        cmocka_unit_test(a_host_that_crashes_leaves_no_number_behind),
        cmocka_unit_test(a_listener_is_handed_on_with_who_waits_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Unix socket files (trap 20): nobody's is stolen, a dead one does not block, ours is removed by us alone. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/unix_file.h"

static bool exists(const char *path) {
    struct stat about;
    return lstat(path, &about) == 0;
}

static hawser_sock *serve(const char *path) {
    char host[160];
    snprintf(host, sizeof host, "unix:%s", path);
    return hawser_create_server(host, 0, NULL);
}

/* A socket file whose server has died. */
static void leave_stale(const char *path, int type) {
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    unlink(path);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    close(fd);
}

static void assert_no_lock_left(const char *path) {
    char lock[128];
    snprintf(lock, sizeof lock, "%s.lock", path);
    assert_false(exists(lock));
}

static void a_server_makes_its_file_and_removes_it(void **state) {
    (void)state;
    const char *path = own_path("mine");
    hawser_sock *server = serve(path);
    assert_non_null(server);
    assert_true(exists(path));
    assert_no_lock_left(path);
    hawser_addr own;
    assert_works(hawser_getsockname(server, &own));
    assert_non_null(strstr(hawser_addr_str(&own), path));
    hawser_close(server);
    assert_false(exists(path));
    assert_no_lock_left(path);
}

static void the_file_has_the_mode_asked_for_from_its_first_moment(void **state) {
    (void)state;
    skip_in_world("its hosts have no files but the names of sockets");
    char host[160];
    struct stat about;
    const char *path = own_path("mode");
    mode_t old = umask(022);
    snprintf(host, sizeof host, "unix:%s", path);
    static const struct { unsigned asked, made; } rows[] = {{0, 0755}, {0600, 0600}, {0777, 0755}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const hawser_listen_options options = {.mode = rows[i].asked};
        hawser_sock *server = hawser_create_server(host, 0, &options);
        assert_non_null(server);
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(about.st_mode & 0777, rows[i].made);
        hawser_close(server);
    }
    umask(old);
}

static void a_live_servers_file_is_EADDRINUSE_and_the_server_lives_on(void **state) {
    (void)state;
    const char *path = own_path("live");
    hawser_sock *server = serve(path);
    for (int i = 0; i < 3; i++)
        assert_null_fails(serve(path), EADDRINUSE);
    assert_sentence_has("listen on unix:/");
    assert_sentence_has(": Address already in use");
    hawser_sock *client = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
    assert_works(hawser_connect(client, path, 0));
    hawser_close(client);
    hawser_close(server);
}

/* Neither a server that is too busy to take our probe, nor one of another type, is dead. */
static void a_busy_server_and_one_of_another_type_are_alive(void **state) {
    (void)state;
    const char *path = own_path("busy");
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    int listener = raw_unix_listener(path, 0), filler = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(filler, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_null_fails(serve(path), EADDRINUSE);
    close(filler);
    close(listener);
    unlink(path);
    int datagrams = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(datagrams, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_null_fails(serve(path), EADDRINUSE);
    assert_true(exists(path));
    close(datagrams);
    unlink(path);
}

static void a_stale_file_is_replaced(void **state) {
    (void)state;
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    const char *path = own_path("stale");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        leave_stale(path, types[i]);
        hawser_sock *server = serve(path);
        assert_non_null(server);
        int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
        assert_int_equal(connect(client, (struct sockaddr *)&sa, sizeof sa), 0);
        close(client);
        hawser_close(server);
        assert_false(exists(path));
    }
}

static void what_is_no_socket_is_ENOTSOCK_and_stays(void **state) {
    (void)state;
    skip_in_world("its hosts have no files but the names of sockets");
    const char *file = own_path("file"), *folder = own_path("folder"), *link = own_path("link");
    close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(symlink("/dev/null", link), 0);
    const char *const paths[] = {file, folder, link};
    for (int i = 0; i < 3; i++) {
        assert_null_fails(serve(paths[i]), ENOTSOCK);
        assert_true(exists(paths[i]));
        assert_no_lock_left(paths[i]);
    }
    assert_null_fails(serve(own_path("no/such/folder")), ENOENT);
}

/* Somebody else's file at our path, put there after ours was removed by hand. */
static void a_successors_file_is_not_removed(void **state) {
    (void)state;
    const char *path = own_path("successor");
    hawser_sock *first = serve(path);
    unlink(path);
    hawser_sock *second = serve(path);
    assert_non_null(second);
    hawser_close(first);
    assert_true(exists(path));
    hawser_close(second);
    assert_false(exists(path));
}

/* A child closes its copy of the server; the parent goes on serving. */
static void a_forked_child_does_not_remove_the_parents_file(void **state) {
    (void)state;
    const char *path = own_path("parents");
    hawser_sock *server = serve(path);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        hawser_close(server);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(exists(path));
    hawser_sock *client = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
    assert_works(hawser_connect(client, path, 0));
    hawser_close(client);
    hawser_close(server);
    assert_false(exists(path));
}

static void a_detached_listener_leaves_its_file_to_whoever_has_it(void **state) {
    (void)state;
    const char *path = own_path("detached");
    int fd = hawser_detach(serve(path));
    assert_true(fd >= 0 && exists(path));
    close(fd);
    unlink(path);
}

/* Two servers that find the same stale file: one of them gets the place, and it keeps it. */
struct racer {
    const char *path;
    atomic_int *at_start;
};

static long race(void *argument) {
    struct racer *racer = argument;
    atomic_fetch_sub(racer->at_start, 1);
    while (atomic_load(racer->at_start) > 0)
        spin();
    hawser_sock *server = serve(racer->path);
    return (long)server;
}

static void of_two_racing_servers_one_wins_and_the_other_is_told(void **state) {
    (void)state;
    const char *path = own_path("race");
    for (int round = 0; round < 50; round++) {
        atomic_int at_start = 2;
        struct racer racer = {path, &at_start};
        runner runs[2];
        hawser_sock *servers[2];
        leave_stale(path, SOCK_STREAM);
        for (int i = 0; i < 2; i++)
            start(&runs[i], race, &racer);
        for (int i = 0; i < 2; i++)
            servers[i] = (hawser_sock *)finish(&runs[i]);
        int loser = servers[0] ? 1 : 0;
        assert_non_null(servers[!loser]);
        assert_null(servers[loser]);
        assert_int_equal(runs[loser].code, EADDRINUSE);
        hawser_sock *client = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
        assert_works(hawser_connect(client, path, 0)); /* the winner's file is in place */
        hawser_close(client);
        hawser_close(servers[!loser]);
        assert_false(exists(path));
        assert_no_lock_left(path);
    }
}

/* A lock that somebody holds is waited for, and a lock file left by a killed process is none. */
static void a_leftover_lock_file_does_not_block(void **state) {
    (void)state;
    skip_in_world("its hosts have no files but the names of sockets");
    char lock[160];
    const char *path = own_path("locked");
    snprintf(lock, sizeof lock, "%s.lock", path);
    close(open(lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    hawser_sock *server = serve(path);
    assert_non_null(server);
    assert_false(exists(lock));
    hawser_close(server);
}

static long serve_on_thread(void *argument) {
    return (long)serve(argument);
}

static void a_lock_in_use_is_waited_for(void **state) {
    (void)state;
    skip_in_world("its hosts have no files but the names of sockets");
    char lock[160], path[128];
    snprintf(path, sizeof path, "%s", own_path("waited"));
    snprintf(lock, sizeof lock, "%s.lock", path);
    int fd = open(lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    runner run;
    start(&run, serve_on_thread, path);
    assert_true(blocked(&run));
    assert_false(exists(path));
    unlink(lock);
    close(fd);
    hawser_sock *server = (hawser_sock *)finish(&run);
    assert_non_null(server);
    hawser_close(server);
}

/* The lock must not be a way to make us open somebody else's file. */
static void a_link_in_place_of_the_lock_is_not_followed(void **state) {
    (void)state;
    skip_in_world("its hosts have no files but the names of sockets");
    char lock[160];
    const char *path = own_path("linked"), *target = own_path("target");
    snprintf(lock, sizeof lock, "%s.lock", path);
    assert_int_equal(symlink(target, lock), 0);
    assert_null_fails(serve(path), ELOOP);
    assert_false(exists(target));
    unlink(lock);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_makes_its_file_and_removes_it),
        cmocka_unit_test(the_file_has_the_mode_asked_for_from_its_first_moment),
        cmocka_unit_test(a_live_servers_file_is_EADDRINUSE_and_the_server_lives_on),
        cmocka_unit_test(a_busy_server_and_one_of_another_type_are_alive),
        cmocka_unit_test(a_stale_file_is_replaced),
        cmocka_unit_test(what_is_no_socket_is_ENOTSOCK_and_stays),
        cmocka_unit_test(a_successors_file_is_not_removed),
        cmocka_unit_test(a_forked_child_does_not_remove_the_parents_file),
        cmocka_unit_test(a_detached_listener_leaves_its_file_to_whoever_has_it),
        cmocka_unit_test(of_two_racing_servers_one_wins_and_the_other_is_told),
        cmocka_unit_test(a_leftover_lock_file_does_not_block),
        cmocka_unit_test(a_lock_in_use_is_waited_for),
        cmocka_unit_test(a_link_in_place_of_the_lock_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

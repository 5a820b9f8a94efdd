/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "engine/engines.h"
#include "engine_memory.h"

/* A fiber's is that of its run, which main.c has in the environment. */
static void poll_is_everybodys_engine_until_another_is_chosen(void **state) {
    (void)state;
    hawser__engine *own = in_fiber() ? hawser__engine_named(NULL) : &hawser__poll_engine;
    assert_ptr_equal(hawser__engine_current(), own);
    assert_string_equal(hawser__poll_engine.ops->name, "poll");
    hawser__engine_use(&memory_engine);
    assert_ptr_equal(hawser__engine_current(), &memory_engine);
    hawser__engine_use(NULL);
    assert_ptr_equal(hawser__engine_current(), own);
}

static void assert_complete(const struct hawser__engine_ops *operations) {
    for (size_t at = 0; at < sizeof *operations; at += sizeof(void *)) {
        void *operation;
        memcpy(&operation, (const char *)operations + at, sizeof operation);
        assert_non_null(operation);
    }
}

/* An engine that left an operation out would crash a caller, some day. */
static void every_operation_is_there(void **state) {
    (void)state;
    assert_complete(memory_engine.ops);
    for (size_t i = 0; hawser__engines[i]; i++)
        assert_complete(hawser__engines[i]->ops);
}

static void an_engine_is_found_by_its_name_or_that_in_the_environment(void **state) {
    (void)state;
    char *before = getenv("HAWSER_ENGINE") ? strdup(getenv("HAWSER_ENGINE")) : NULL;
    for (size_t i = 0; hawser__engines[i]; i++) {
        assert_ptr_equal(hawser__engine_named(hawser__engines[i]->ops->name), hawser__engines[i]);
        setenv("HAWSER_ENGINE", hawser__engines[i]->ops->name, 1);
        assert_ptr_equal(hawser__engine_named(NULL), hawser__engines[i]);
    }
    setenv("HAWSER_ENGINE", "carrier pigeon", 1);
    assert_null(hawser__engine_named(NULL));
    assert_null(hawser__engine_named(""));
    assert_ptr_equal(hawser__engine_named("poll"), &hawser__poll_engine);
    setenv("HAWSER_ENGINE", "", 1);
    assert_ptr_equal(hawser__engine_named(NULL), hawser__engines[0]);
    unsetenv("HAWSER_ENGINE");
    assert_ptr_equal(hawser__engine_named(NULL), hawser__engines[0]);
    hawser__engine_use(&memory_engine); /* what was chosen by hand goes before the environment, and a name before that */
    assert_ptr_equal(hawser__engine_named(NULL), &memory_engine);
    assert_ptr_equal(hawser__engine_named("poll"), &hawser__poll_engine);
    hawser__engine_use(NULL);
    if (before)
        setenv("HAWSER_ENGINE", before, 1);
    free(before);
}

static void a_socket_stays_with_the_engine_that_made_it(void **state) {
    (void)state;
    char buf[8];
    hawser_sock *memory[2], *kernel[2];
    hawser__engine_use(&memory_engine);
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, memory));
    hawser__engine_use(NULL);
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, kernel));
    assert_int_equal(memory_engine_sockets(), 2);
    assert_int_equal(hawser_fileno(memory[0]), -1);
    assert_true(hawser_fileno(kernel[0]) >= 0);
    assert_works(hawser_sendall(memory[0], "m", 1));
    assert_works(hawser_sendall(kernel[0], "kk", 2));
    assert_int_equal(assert_works(hawser_recv(memory[1], buf, sizeof buf)), 1);
    assert_int_equal(assert_works(hawser_recv(kernel[1], buf, sizeof buf)), 2);
    for (int i = 0; i < 2; i++) {
        hawser_close(memory[i]);
        hawser_close(kernel[i]);
    }
    assert_int_equal(memory_engine_sockets(), 0);
}

/* What only descriptors can do fails with a sentence, not with a crash. */
static void without_descriptors_the_public_calls_say_so(void **state) {
    (void)state;
    hawser_sock *pair[2];
    hawser__engine_use(&memory_engine);
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    assert_null_fails(hawser_sock_from_fd(0), EOPNOTSUPP);
    assert_fails(hawser_detach(pair[0]), EOPNOTSUPP);
    assert_fails(hawser_set_inheritable(pair[0], true), EOPNOTSUPP);
    assert_fails(hawser_get_inheritable(pair[0]), EOPNOTSUPP);
    assert_fails(hawser_wait_fd(0, HAWSER_READABLE, 0), EOPNOTSUPP);
    assert_works(hawser_sendall(pair[0], "still there", 11));
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    hawser__engine_use(NULL);
}

/* A regular file goes over any engine: what the engine cannot do by itself is read and sent. */
static void a_file_is_sent_over_an_engine_without_sendfile(void **state) {
    (void)state;
    char got[16];
    hawser_sock *pair[2];
    FILE *file = fopen(own_path("data"), "w+e");
    assert_int_equal(fwrite("0123456789", 1, 10, file), 10);
    fflush(file);
    hawser__engine_use(&memory_engine);
    assert_works(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    assert_int_equal(assert_works(hawser_sendfile(pair[0], fileno(file), 2, 5)), 5);
    assert_int_equal(assert_works(hawser_recv(pair[1], got, sizeof got)), 5);
    assert_memory_equal(got, "23456", 5);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    hawser__engine_use(NULL);
    fclose(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poll_is_everybodys_engine_until_another_is_chosen),
        cmocka_unit_test(every_operation_is_there),
        cmocka_unit_test(an_engine_is_found_by_its_name_or_that_in_the_environment),
        cmocka_unit_test(a_socket_stays_with_the_engine_that_made_it),
        cmocka_unit_test(without_descriptors_the_public_calls_say_so),
        cmocka_unit_test(a_file_is_sent_over_an_engine_without_sendfile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* base/libc: the table of protocols, whichever C library it is from. */
#include "support.h"

#include <errno.h>

#include "base/libc.h"

#define ROOM 512

static int number_of(const char *name, char *buf, size_t size, struct protoent **entry) {
    static struct protoent room;
    return hawser__libc_getprotobyname(name, &room, buf, size, entry);
}

static void a_protocol_is_found_with_all_that_belongs_to_it_in_the_buffer(void **state) {
    (void)state;
    char buf[ROOM];
    struct protoent *entry = NULL;
    assert_int_equal(number_of("icmp", buf, sizeof buf, &entry), 0);
    assert_int_equal(entry->p_proto, 1);
    assert_string_equal(entry->p_name, "icmp");
    assert_true(entry->p_name >= buf && entry->p_name < buf + sizeof buf);
    for (char **alias = entry->p_aliases; *alias; alias++)
        assert_true(*alias >= buf && *alias < buf + sizeof buf);
}

static void a_second_question_leaves_the_first_answer_as_it_was(void **state) {
    (void)state;
    char bufs[2][ROOM];
    struct protoent rooms[2], *entry = NULL;
    assert_int_equal(hawser__libc_getprotobyname("udp", &rooms[0], bufs[0], ROOM, &entry), 0);
    assert_int_equal(hawser__libc_getprotobyname("tcp", &rooms[1], bufs[1], ROOM, &entry), 0);
    assert_string_equal(rooms[0].p_name, "udp");
    assert_int_equal(rooms[0].p_proto, 17);
}

static void a_protocol_that_is_not_there_is_absent(void **state) {
    (void)state;
    char buf[ROOM];
    struct protoent *entry = NULL;
    int result = number_of("no such protocol", buf, sizeof buf, &entry);
    assert_null(entry);
    assert_true(hawser__libc_entry_absent(result));
    assert_false(hawser__libc_entry_absent(ERANGE));
    assert_false(hawser__libc_entry_absent(EMFILE));
}

/* Wherever the buffer begins, and whatever its size: it fits, or it is ERANGE, and nothing is written beyond the end. */
static void a_buffer_too_small_is_ERANGE_and_never_overrun(void **state) {
    (void)state;
    int fits = 0;
    for (size_t start = 0; start < sizeof(char *); start++) {
        for (size_t size = 0; size < ROOM - sizeof(char *); size++) {
            char buf[ROOM];
            struct protoent *entry = NULL;
            memset(buf, '#', sizeof buf);
            int result = number_of("icmp", buf + start, size, &entry);
            assert_true(result == ERANGE ? !entry : result == 0 && entry);
            fits += result == 0;
            for (size_t i = start + size; i < ROOM; i++)
                assert_int_equal(buf[i], '#');
        }
    }
    assert_true(fits > 0);
}

static void a_host_that_is_not_there_is_no_failure_of_the_system(void **state) {
    (void)state;
    static const int answers[] = {HOST_NOT_FOUND, TRY_AGAIN, NO_DATA};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        assert_false(hawser__libc_host_error_is_errno(answers[i], ENOENT));
    assert_false(hawser__libc_host_error_is_errno(NO_RECOVERY, EBADMSG));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_protocol_is_found_with_all_that_belongs_to_it_in_the_buffer),
        cmocka_unit_test(a_second_question_leaves_the_first_answer_as_it_was),
        cmocka_unit_test(a_protocol_that_is_not_there_is_absent),
        cmocka_unit_test(a_buffer_too_small_is_ERANGE_and_never_overrun),
        cmocka_unit_test(a_host_that_is_not_there_is_no_failure_of_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

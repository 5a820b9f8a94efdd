/* SPDX-License-Identifier: MIT */
/* base/bytes: every length, in memory that ends where it has to; the address sanitizer sees who reads or writes further. */
#include "support.h"

#include "base/bytes.h"

#define MOST 100

static char letter(size_t at) {
    return (char)('a' + at % 23);
}

/* SIZE letters in memory of that size. */
static char *letters(size_t size) {
    char *made = malloc(size ? size : 1);
    assert_non_null(made);
    for (size_t i = 0; i < size; i++)
        made[i] = letter(i);
    return made;
}

static void every_size_is_copied(void **state) {
    (void)state;
    for (size_t size = 0; size <= MOST; size++) {
        char *from = letters(size), *to = malloc(size ? size : 1);
        assert_non_null(to);
        hawser__copy_few(to, from, size);
        assert_memory_equal(to, from, size);
        free(from);
        free(to);
    }
}

/* A line of LENGTH bytes with its "\n" at the front of SIZE bytes, or none when LENGTH is 0. */
static void assert_line(size_t length, size_t size) {
    char *from = letters(size), *to = malloc(size ? size : 1);
    bool found = length > 0 && length <= size - size % HAWSER__CHUNK;
    assert_non_null(to);
    if (length > 0)
        from[length - 1] = '\n';
    if (length > 0 && length < size)
        from[length] = '\n'; /* another one, which is not the first */
    assert_int_equal(hawser__copy_line(to, from, size), found ? length : 0);
    assert_memory_equal(to, from, found ? length : 0);
    free(from);
    free(to);
}

static void a_line_ends_at_any_byte_of_any_size(void **state) {
    (void)state;
    for (size_t size = 0; size <= MOST; size++)
        for (size_t length = 0; length <= size; length++)
            assert_line(length, size);
}

static void no_other_byte_ends_a_line(void **state) {
    char from[HAWSER__CHUNK], to[HAWSER__CHUNK];
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        memset(from, byte, sizeof from);
        assert_int_equal(hawser__copy_line(to, from, sizeof from), byte == '\n');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_is_copied),
        cmocka_unit_test(a_line_ends_at_any_byte_of_any_size),
        cmocka_unit_test(no_other_byte_ends_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The conversions that are made without libc: the same as libc's, or left to it. */
#include "support.h"

#include "stream/format.h"

#include <limits.h>
#include <stdio.h>

#define SIZE 256

/* The length of what comes out; -1 when it is left to libc. */
static ssize_t format(char *out, size_t size, const char *form, ...) __attribute__((format(printf, 3, 4)));
static ssize_t format(char *out, size_t size, const char *form, ...) {
    struct hawser__arguments arguments;
    va_start(arguments.list, form);
    char *end = hawser__format(out, out + size, form, &arguments);
    va_end(arguments.list);
    return end ? end - out : -1;
}

#define SAME(...)                                                                                                              \
    do {                                                                                                                       \
        char ours[SIZE], theirs[SIZE];                                                                                         \
        ssize_t length = format(ours, SIZE, __VA_ARGS__);                                                                      \
        assert_int_equal(length, snprintf(theirs, SIZE, __VA_ARGS__));                                                         \
        assert_memory_equal(ours, theirs, (size_t)length);                                                                     \
    } while (0)

#define LEFT(...)                                                                                                              \
    do {                                                                                                                       \
        char out[SIZE];                                                                                                        \
        assert_int_equal(format(out, SIZE, __VA_ARGS__), -1);                                                                  \
    } while (0)

static void every_conversion_is_the_same(void **state) {
    (void)state;
    SAME("nothing but text");
    SAME("%s", "");
    SAME("OK...%s\n", "hello");
    SAME("%s%s%%%c|", "a", "b", 'c');
    SAME("%c", 0);
    SAME("%d %i %u %x", 0, -1, 1u, 255u);
    SAME("%d %d %u %x", INT_MIN, INT_MAX, UINT_MAX, UINT_MAX);
    SAME("%ld %ld %lu %lx", LONG_MIN, LONG_MAX, ULONG_MAX, ULONG_MAX);
    SAME("%lld %lld %llu %llx", LLONG_MIN, LLONG_MAX, ULLONG_MAX, ULLONG_MAX);
    SAME("%zu %zx %zd", SIZE_MAX, SIZE_MAX, (ssize_t)-1);
    SAME("%d and %s and %ld and %s", 1, "two", 3L, "four");
}

static void what_is_rare_is_left_to_libc(void **state) {
    const char *volatile none = NULL; /* so that no compiler warns of what this is about */
    (void)state;
    LEFT("%5d", 1);
    LEFT("%-s", "x");
    LEFT("%.3s", "x");
    LEFT("%f", 1.0);
    LEFT("%X", 1u);
    LEFT("%hd", 1);
    LEFT("%p", (void *)0);
    LEFT("%s", none);
    LEFT("%ls", L"x");
    LEFT("%jd", (intmax_t)1);
}

/* Bytes that are sorted before "%", and texts of every length that is copied in another way. */
static void any_text_is_the_same(void **state) {
    char text[100];
    (void)state;
    SAME(" !\"#$&\t\n\x7f\x80\xff");
    for (size_t count = 0; count < sizeof text; count++) {
        memset(text, 'a' + (int)count % 26, count);
        text[count] = '\0';
        SAME("%s", text);
        SAME("<%s> %s", text, text + count / 2);
    }
}

/* Neither a byte too far nor one too few. */
static void what_does_not_fit_is_left_too(void **state) {
    char out[32];
    (void)state;
    for (size_t size = 0; size < 24; size++) {
        memset(out, '#', sizeof out);
        ssize_t length = format(out, size, "ab%s-%d%c%%", "cdefgh", -1234567, 'z');
        assert_int_equal(length, size >= 19 ? 19 : -1);
        assert_int_equal(out[size], '#');
    }
}

static void an_end_after_a_percent_is_left(void **state) {
    const char *forms[] = {"%", "x%", "%l", "%ll", "%z"};
    char out[SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct hawser__arguments none = {0};
        assert_null(hawser__format(out, out + SIZE, forms[i], &none));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_conversion_is_the_same),
        cmocka_unit_test(any_text_is_the_same),
        cmocka_unit_test(what_is_rare_is_left_to_libc),
        cmocka_unit_test(what_does_not_fit_is_left_too),
        cmocka_unit_test(an_end_after_a_percent_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

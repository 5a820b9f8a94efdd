/* SPDX-License-Identifier: MIT */
/* base/buffer: content, limits, and what memory is held when. */
#include "support.h"

#include "base/buffer.h"

static char letter(size_t at) {
    return (char)('a' + at % 23);
}

static void append_letters(struct hawser__buffer *buffer, size_t from, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char c = letter(from + i);
        assert_int_equal(hawser__buffer_append(buffer, &c, 1), 0);
    }
}

static void assert_letters(const struct hawser__buffer *buffer, size_t from, size_t count) {
    assert_int_equal(hawser__buffer_used(buffer), count);
    for (size_t i = 0; i < count; i++)
        if (hawser__buffer_data(buffer)[i] != letter(from + i))
            fail_msg("byte %zu of %zu is not what went in", i, count);
}

static void a_new_buffer_holds_no_memory_and_has_content_to_point_at(void **state) {
    (void)state;
    census before = take_census();
    struct hawser__buffer buffer;
    hawser__buffer_init(&buffer, 100);
    assert_null(buffer.memory);
    assert_non_null(hawser__buffer_data(&buffer));
    assert_int_equal(hawser__buffer_room(&buffer), 0);
    hawser__buffer_consume(&buffer, 0);
    assert_int_equal(hawser__buffer_append(&buffer, NULL, 0), 0);
    assert_null(buffer.memory);
    assert_null(compare_census(before));
    hawser__buffer_done(&buffer);
}

static void bytes_come_out_in_the_order_they_went_in(void **state) {
    (void)state;
    struct hawser__buffer buffer;
    size_t in = 0, out = 0;
    uint32_t chance = 12345;
    hawser__buffer_init(&buffer, 20000);
    for (int turn = 0; turn < 3000; turn++) {
        chance = chance * 1664525 + 1013904223;
        size_t count = (chance >> 8) % 300;
        if (chance >> 31 && hawser__buffer_used(&buffer) + count <= buffer.max) {
            append_letters(&buffer, in, count);
            in += count;
        } else {
            count = count < hawser__buffer_used(&buffer) ? count : hawser__buffer_used(&buffer);
            hawser__buffer_consume(&buffer, count);
            out += count;
        }
        assert_letters(&buffer, out, in - out);
    }
    assert_true(out > 100000);
    hawser__buffer_done(&buffer);
}

static void the_maximum_is_never_passed(void **state) {
    (void)state;
    struct hawser__buffer buffer;
    hawser__buffer_init(&buffer, 10);
    append_letters(&buffer, 0, 8);
    assert_int_equal(hawser__buffer_append(&buffer, "xyz", 3), -ENOBUFS);
    assert_int_equal(hawser__buffer_reserve(&buffer, SIZE_MAX), -ENOBUFS);
    assert_letters(&buffer, 0, 8);
    hawser__buffer_consume(&buffer, 1);
    append_letters(&buffer, 8, 3);
    assert_letters(&buffer, 1, 10);
    assert_int_equal(buffer.capacity, 10);
    assert_int_equal(hawser__buffer_append(&buffer, "x", 1), -ENOBUFS);
    hawser__buffer_done(&buffer);
}

static void memory_grows_with_the_content_and_no_faster_than_twofold(void **state) {
    (void)state;
    struct hawser__buffer buffer;
    hawser__buffer_init(&buffer, 65536);
    append_letters(&buffer, 0, 1);
    assert_int_equal(buffer.capacity, HAWSER__BUFFER_KEPT);
    append_letters(&buffer, 1, HAWSER__BUFFER_KEPT);
    assert_int_equal(buffer.capacity, 2 * HAWSER__BUFFER_KEPT);
    assert_int_equal(hawser__buffer_reserve(&buffer, 30000), 0);
    assert_int_equal(buffer.capacity, HAWSER__BUFFER_KEPT + 1 + 30000);
    append_letters(&buffer, HAWSER__BUFFER_KEPT + 1, 65536 - HAWSER__BUFFER_KEPT - 1);
    assert_int_equal(buffer.capacity, 65536);
    assert_letters(&buffer, 0, 65536);
    hawser__buffer_done(&buffer);
}

static void room_at_the_front_is_used_before_more_memory_is(void **state) {
    (void)state;
    struct hawser__buffer buffer;
    hawser__buffer_init(&buffer, 65536);
    append_letters(&buffer, 0, HAWSER__BUFFER_KEPT);
    hawser__buffer_consume(&buffer, 1000);
    append_letters(&buffer, HAWSER__BUFFER_KEPT, 1000);
    assert_int_equal(buffer.capacity, HAWSER__BUFFER_KEPT);
    assert_letters(&buffer, 1000, HAWSER__BUFFER_KEPT);
    hawser__buffer_done(&buffer);
}

static void an_empty_buffer_keeps_a_little_memory_and_gives_back_much(void **state) {
    (void)state;
    census before = take_census();
    struct hawser__buffer buffer;
    hawser__buffer_init(&buffer, 65536);
    append_letters(&buffer, 0, 100);
    hawser__buffer_consume(&buffer, 100);
    assert_int_equal(buffer.capacity, HAWSER__BUFFER_KEPT);
    append_letters(&buffer, 0, HAWSER__BUFFER_KEPT + 1);
    hawser__buffer_consume(&buffer, HAWSER__BUFFER_KEPT);
    assert_int_equal(buffer.capacity, 2 * HAWSER__BUFFER_KEPT);
    hawser__buffer_consume(&buffer, 1);
    assert_int_equal(buffer.capacity, 0);
    assert_null(compare_census(before));
    hawser__buffer_done(&buffer);
}

static void whatever_is_done_to_a_buffer_takes_back_what_was_ready(void **state) {
    (void)state;
    struct hawser__buffer buffer;
    hawser__buffer_init(&buffer, 65536);
    assert_false(hawser__buffer_is_ready(&buffer, 0));
    append_letters(&buffer, 0, 100);
    buffer.ready = 110;
    assert_true(hawser__buffer_is_ready(&buffer, 10));
    assert_false(hawser__buffer_is_ready(&buffer, 11));
    assert_false(hawser__buffer_is_ready(&buffer, SIZE_MAX));
    hawser__buffer_consume(&buffer, 100);
    assert_int_equal(buffer.ready, 0);
    append_letters(&buffer, 0, HAWSER__BUFFER_KEPT);
    hawser__buffer_consume(&buffer, 50);
    buffer.ready = HAWSER__BUFFER_KEPT;
    assert_false(hawser__buffer_is_ready(&buffer, 0));
    append_letters(&buffer, HAWSER__BUFFER_KEPT, 10); /* to where it was before: the content moves */
    assert_int_equal(buffer.ready, 0);
    buffer.ready = HAWSER__BUFFER_KEPT;
    hawser__buffer_done(&buffer);
    assert_int_equal(buffer.ready, 0);
}

static void without_memory_the_content_stays(void **state) {
    (void)state;
    struct hawser__buffer buffer;
    hawser__buffer_init(&buffer, 65536);
    fault_alloc(1);
    assert_int_equal(hawser__buffer_append(&buffer, "x", 1), -ENOMEM);
    assert_true(fault_none());
    assert_int_equal(hawser__buffer_used(&buffer), 0);
    append_letters(&buffer, 0, HAWSER__BUFFER_KEPT);
    hawser__buffer_consume(&buffer, 7);
    fault_alloc(1);
    assert_int_equal(hawser__buffer_reserve(&buffer, 8), -ENOMEM);
    assert_true(fault_none());
    assert_letters(&buffer, 7, HAWSER__BUFFER_KEPT - 7);
    hawser__buffer_done(&buffer);
}

static void done_can_be_called_twice_and_leaves_an_empty_buffer(void **state) {
    (void)state;
    census before = take_census();
    struct hawser__buffer buffer;
    hawser__buffer_init(&buffer, 100);
    append_letters(&buffer, 0, 50);
    hawser__buffer_done(&buffer);
    hawser__buffer_done(&buffer);
    assert_int_equal(hawser__buffer_used(&buffer), 0);
    assert_null(compare_census(before));
    append_letters(&buffer, 0, 50);
    assert_letters(&buffer, 0, 50);
    hawser__buffer_done(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_buffer_holds_no_memory_and_has_content_to_point_at),
        cmocka_unit_test(bytes_come_out_in_the_order_they_went_in),
        cmocka_unit_test(whatever_is_done_to_a_buffer_takes_back_what_was_ready),
        cmocka_unit_test(the_maximum_is_never_passed),
        cmocka_unit_test(memory_grows_with_the_content_and_no_faster_than_twofold),
        cmocka_unit_test(room_at_the_front_is_used_before_more_memory_is),
        cmocka_unit_test(an_empty_buffer_keeps_a_little_memory_and_gives_back_much),
        cmocka_unit_test(without_memory_the_content_stays),
        cmocka_unit_test(done_can_be_called_twice_and_leaves_an_empty_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

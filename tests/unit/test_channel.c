/* SPDX-License-Identifier: MIT */
/* sched/channel. What all calls that wait have in common is in test_waiters_calls.c, select in test_channel_select.c. */
#include "support.h"
#include "tasks.h"

#include <errno.h>
#include <hawser/channel.h>
#include <hawser/deadline.h>
#include <hawser/run.h>

static void items_come_out_in_the_order_they_went_in(void **state) {
    (void)state;
    hawser_channel *channel = hawser_channel_new(sizeof(int), 3);
    int item;
    assert_non_null(channel);
    for (int i = 0, next = 0; i < 20; i++) { /* around the ring more than once, with one, two and three in it */
        assert_works(hawser_channel_send(channel, &i));
        if (i % 3 == 2 || hawser_channel_count(channel) == 3)
            while (hawser_channel_count(channel) > (size_t)(i % 2)) {
                assert_int_equal(hawser_channel_recv(channel, &item), 1);
                assert_int_equal(item, next++);
            }
    }
    hawser_channel_free(channel);
}

static void there_is_room_for_as_many_as_the_capacity(void **state) {
    (void)state;
    for (size_t capacity = 0; capacity < 4; capacity++) {
        hawser_channel *channel = hawser_channel_new(1, capacity);
        char item = 'x';
        for (size_t i = 0; i < capacity; i++) {
            assert_int_equal(hawser_channel_count(channel), i);
            assert_works(hawser_channel_trysend(channel, &item));
        }
        assert_fails(hawser_channel_trysend(channel, &item), EAGAIN);
        assert_sentence("send to channel: Resource temporarily unavailable");
        assert_int_equal(hawser_channel_count(channel), capacity);
        hawser_channel_free(channel);
    }
}

static void nothing_to_receive_is_EAGAIN_and_not_the_end(void **state) {
    (void)state;
    hawser_channel *channel = hawser_channel_new(sizeof(int), 1);
    int item = 5;
    assert_fails(hawser_channel_tryrecv(channel, &item), EAGAIN);
    assert_sentence("receive from channel: Resource temporarily unavailable");
    assert_int_equal(item, 5);
    assert_works(hawser_channel_send(channel, &(int){6}));
    assert_int_equal(assert_works(hawser_channel_tryrecv(channel, &item)), 1);
    assert_int_equal(item, 6);
    hawser_channel_free(channel);
}

static void items_of_any_size_arrive_whole_and_touch_nothing_beside(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 2, 7, 8, 9, 64, 65535, 65536};
    static unsigned char sent[65536], received[65538];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        hawser_channel *channel = hawser_channel_new(sizes[i], 2);
        memset(received, 0xee, sizeof received);
        for (size_t n = 0; n < sizes[i]; n++)
            sent[n] = (unsigned char)(n * 7 + i);
        assert_works(hawser_channel_send(channel, received));
        assert_works(hawser_channel_send(channel, sent));
        assert_int_equal(hawser_channel_recv(channel, received + 1), 1);
        assert_int_equal(hawser_channel_recv(channel, received + 1), 1);
        assert_memory_equal(received + 1, sent, sizes[i]);
        assert_int_equal(received[0], 0xee);
        assert_int_equal(received[sizes[i] + 1], 0xee);
        hawser_channel_free(channel);
    }
}

static void what_cannot_be_made_is_refused(void **state) {
    (void)state;
    assert_null_fails(hawser_channel_new(0, 1), EINVAL);
    assert_sentence("make channel for items of 0 bytes: Invalid argument");
    assert_null_fails(hawser_channel_new(65537, 1), EINVAL);
    assert_null_fails(hawser_channel_new(65536, SIZE_MAX / 2), ENOMEM);
    assert_null_fails(hawser_channel_new(1, SIZE_MAX), ENOMEM);
    fault_alloc(1);
    assert_null_fails(hawser_channel_new(8, 2), ENOMEM);
    assert_sentence("make channel for 2 items of 8 bytes: Cannot allocate memory");
    fault_none();
}

static void after_closing_what_is_left_is_received_and_then_the_end(void **state) {
    (void)state;
    hawser_channel *channel = hawser_channel_new(sizeof(int), 2);
    int item = 0;
    assert_works(hawser_channel_send(channel, &(int){1}));
    assert_works(hawser_channel_send(channel, &(int){2}));
    hawser_channel_close(channel);
    hawser_channel_close(channel);
    assert_fails(hawser_channel_send(channel, &item), EPIPE);
    assert_sentence("send to channel: Broken pipe");
    assert_fails(hawser_channel_trysend(channel, &item), EPIPE);
    assert_int_equal(hawser_channel_recv(channel, &item), 1);
    assert_int_equal(item, 1);
    assert_int_equal(hawser_channel_tryrecv(channel, &item), 1);
    assert_int_equal(item, 2);
    assert_int_equal(assert_works(hawser_channel_recv(channel, &item)), 0);
    assert_int_equal(assert_works(hawser_channel_tryrecv(channel, &item)), 0);
    assert_int_equal(item, 2);
    assert_int_equal(hawser_channel_count(channel), 0);
    hawser_channel_free(channel);
}

#define LINE 4

struct queue {
    hawser_channel *channel;
    int items[LINE]; /* of each, by its place in line */
    atomic_int numbers;
};

static long receive_one(void *argument) {
    struct queue *queue = argument;
    int number = atomic_fetch_add(&queue->numbers, 1);
    return hawser_channel_recv(queue->channel, &queue->items[number]);
}

static long send_one(void *argument) {
    struct queue *queue = argument;
    int number = atomic_fetch_add(&queue->numbers, 1);
    return hawser_channel_send(queue->channel, &(int){number + 1});
}

static struct queue line_up(size_t capacity) {
    return (struct queue){.channel = hawser_channel_new(sizeof(int), capacity)};
}

static void begin(struct queue *queue, runner *runs, long (*body)(void *)) {
    for (int i = 0; i < LINE; i++) {
        start(&runs[i], body, queue);
        assert_true(blocked(&runs[i]));
    }
}

static void receivers_are_served_in_the_order_they_came(void **state) {
    (void)state;
    for (size_t capacity = 0; capacity < 3; capacity++) {
        struct queue queue = line_up(capacity);
        runner runs[LINE];
        begin(&queue, runs, receive_one);
        for (int i = 0; i < LINE; i++)
            assert_works(hawser_channel_trysend(queue.channel, &(int){100 + i}));
        for (int i = 0; i < LINE; i++) {
            assert_int_equal(finish(&runs[i]), 1);
            assert_int_equal(queue.items[i], 100 + i);
        }
        assert_int_equal(hawser_channel_count(queue.channel), 0);
        hawser_channel_free(queue.channel);
    }
}

static void senders_are_served_in_the_order_they_came_behind_what_is_there(void **state) {
    (void)state;
    for (size_t capacity = 0; capacity < 3; capacity++) {
        struct queue queue = line_up(capacity);
        runner runs[LINE];
        int item;
        for (size_t i = 0; i < capacity; i++)
            assert_works(hawser_channel_send(queue.channel, &(int){-1}));
        begin(&queue, runs, send_one);
        assert_int_equal(hawser_channel_count(queue.channel), capacity);
        for (size_t i = 0; i < LINE + capacity; i++) {
            assert_int_equal(hawser_channel_tryrecv(queue.channel, &item), 1);
            assert_int_equal(item, i < capacity ? -1 : (int)(i - capacity) + 1);
        }
        for (int i = 0; i < LINE; i++)
            assert_int_equal(finish(&runs[i]), 0);
        hawser_channel_free(queue.channel);
    }
}

static void a_sender_waits_no_longer_than_until_there_is_room(void **state) {
    (void)state;
    struct queue queue = line_up(1);
    runner runs[LINE];
    int item;
    assert_works(hawser_channel_send(queue.channel, &(int){-1}));
    begin(&queue, runs, send_one);
    assert_int_equal(hawser_channel_recv(queue.channel, &item), 1);
    assert_int_equal(finish(&runs[0]), 0); /* its item is in the channel, where nobody has received it */
    assert_int_equal(hawser_channel_count(queue.channel), 1);
    for (int i = 1; i < LINE; i++)
        assert_true(blocked(&runs[i]));
    hawser_channel_close(queue.channel);
    for (int i = 1; i < LINE; i++)
        finish(&runs[i]);
    hawser_channel_free(queue.channel);
}

static void closing_ends_the_wait_of_every_receiver(void **state) {
    (void)state;
    for (size_t capacity = 0; capacity < 2; capacity++) {
        struct queue queue = line_up(capacity);
        runner runs[LINE];
        begin(&queue, runs, receive_one);
        hawser_channel_close(queue.channel);
        for (int i = 0; i < LINE; i++)
            assert_int_equal(finish(&runs[i]), 0);
        hawser_channel_free(queue.channel);
    }
}

static void closing_ends_the_wait_of_every_sender_and_drops_its_item(void **state) {
    (void)state;
    struct queue queue = line_up(1);
    runner runs[LINE];
    int item;
    assert_works(hawser_channel_send(queue.channel, &(int){-1}));
    begin(&queue, runs, send_one);
    hawser_channel_close(queue.channel);
    for (int i = 0; i < LINE; i++) {
        assert_int_equal(finish(&runs[i]), -1);
        assert_int_equal(runs[i].code, EPIPE);
        assert_string_equal(runs[i].sentence, "send to channel: Broken pipe");
    }
    assert_int_equal(hawser_channel_recv(queue.channel, &item), 1);
    assert_int_equal(item, -1);
    assert_int_equal(hawser_channel_recv(queue.channel, &item), 0);
    hawser_channel_free(queue.channel);
}

static void a_channel_can_be_freed_with_items_in_it(void **state) {
    (void)state;
    census before = take_census();
    hawser_channel *channel = hawser_channel_new(100, 10);
    char item[100] = "";
    assert_works(hawser_channel_send(channel, item));
    hawser_channel_free(channel);
    assert_null(compare_census(before));
}

/* Makers and takers with deadlines that pass now and then: what was sent is received, once, and in order from each maker. */
#define MAKERS 3
#define TAKERS 3
#define ITEMS 1500

struct item {
    int maker, number;
};

struct trade {
    hawser_channel *channel;
    atomic_int places, making;
    atomic_long sum, count;
};

static const double limits[] = {HAWSER_NO_TIMEOUT, HAWSER_NO_TIMEOUT, 0, 1e-6, 1e-5, 1e-4};

static long make(struct trade *trade, int maker) {
    unsigned seed = (unsigned)maker;
    for (int number = 1; number <= ITEMS;) {
        int64_t outer = hawser_deadline_push(limits[next_number(&seed) % 6]);
        int result = hawser_channel_send(trade->channel, &(struct item){maker, number}), code = errno;
        hawser_deadline_pop(outer);
        if (result < 0 && code != ETIMEDOUT && code != EAGAIN)
            return 1;
        number += result == 0;
        if (result < 0)
            hawser_yield();
    }
    if (atomic_fetch_sub(&trade->making, 1) == 1)
        hawser_channel_close(trade->channel);
    return 0;
}

static long take(struct trade *trade, int taker) {
    unsigned seed = 1000u + (unsigned)taker;
    int last[MAKERS] = {0};
    for (;;) {
        struct item item = {0};
        int64_t outer = hawser_deadline_push(limits[next_number(&seed) % 6]);
        int result = hawser_channel_recv(trade->channel, &item), code = errno;
        hawser_deadline_pop(outer);
        if (result == 0)
            return 0;
        if (result < 0 && code != ETIMEDOUT && code != EAGAIN)
            return 1;
        if (result < 0) {
            hawser_yield();
            continue;
        }
        if (item.number <= last[item.maker])
            return 1;
        last[item.maker] = item.number;
        atomic_fetch_add(&trade->sum, item.number);
        atomic_fetch_add(&trade->count, 1);
    }
}

static long make_or_take(void *argument) {
    struct trade *trade = argument;
    int place = atomic_fetch_add(&trade->places, 1);
    return place < MAKERS ? make(trade, place) : take(trade, place - MAKERS);
}

static void every_item_is_received_once_and_in_order_whoever_they_are(void **state) {
    (void)state;
    for (enum arrangement arrangement = 0; arrangement < ARRANGEMENTS; arrangement++)
        for (size_t capacity = 0; capacity < 3; capacity++) {
            struct trade trade = {.channel = hawser_channel_new(sizeof(struct item), capacity), .making = MAKERS};
            assert_int_equal(run_crowd(arrangement, MAKERS + TAKERS, make_or_take, &trade), 0);
            assert_int_equal(trade.count, (long)MAKERS * ITEMS);
            assert_int_equal(trade.sum, MAKERS * ((long)ITEMS * (ITEMS + 1) / 2));
            hawser_channel_free(trade.channel);
        }
}

/* One that never has to wait, because there always is room, and then an item. */
struct traffic {
    hawser_channel *channel;
    atomic_int places;
    atomic_bool others_ran;
};

static long go_on_and_on(void *argument) {
    struct traffic *traffic = argument;
    int item = 0;
    if (atomic_fetch_add(&traffic->places, 1) > 0) {
        atomic_store(&traffic->others_ran, true);
        return 0;
    }
    for (int i = 0; i < 100000 && !atomic_load(&traffic->others_ran); i++)
        if (hawser_channel_send(traffic->channel, &i) < 0 || hawser_channel_recv(traffic->channel, &item) != 1 || item != i)
            return 1;
    return !atomic_load(&traffic->others_ran);
}

static void a_fiber_that_never_waits_lets_others_run_all_the_same(void **state) {
    (void)state;
    struct traffic traffic = {.channel = hawser_channel_new(sizeof(int), 1)};
    assert_int_equal(run_crowd(ONE_WORKER, 2, go_on_and_on, &traffic), 0);
    hawser_channel_free(traffic.channel);
}

/* The receiver of the last item frees the channel, though its sender has hardly left. */
struct parting {
    hawser_channel *channel;
    atomic_int places;
};

static long part(void *argument) {
    struct parting *parting = argument;
    hawser_channel *channel = parting->channel;
    int item = 0;
    if (atomic_fetch_add(&parting->places, 1) > 0)
        return hawser_channel_send(channel, &(int){7}) < 0;
    int result = hawser_channel_recv(channel, &item);
    hawser_channel_free(channel);
    return result != 1 || item != 7;
}

static void whoever_has_received_the_last_item_can_free_the_channel_at_once(void **state) {
    (void)state;
    for (enum arrangement arrangement = 0; arrangement < ARRANGEMENTS; arrangement++)
        for (int round = 0; round < 100; round++) {
            struct parting parting = {.channel = hawser_channel_new(sizeof(int), (size_t)round % 2)};
            assert_int_equal(run_crowd(arrangement, 2, part, &parting), 0);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_the_order_they_went_in),
        cmocka_unit_test(there_is_room_for_as_many_as_the_capacity),
        cmocka_unit_test(nothing_to_receive_is_EAGAIN_and_not_the_end),
        cmocka_unit_test(items_of_any_size_arrive_whole_and_touch_nothing_beside),
        cmocka_unit_test(what_cannot_be_made_is_refused),
        cmocka_unit_test(after_closing_what_is_left_is_received_and_then_the_end),
        cmocka_unit_test(receivers_are_served_in_the_order_they_came),
        cmocka_unit_test(senders_are_served_in_the_order_they_came_behind_what_is_there),
        cmocka_unit_test(a_sender_waits_no_longer_than_until_there_is_room),
        cmocka_unit_test(closing_ends_the_wait_of_every_receiver),
        cmocka_unit_test(closing_ends_the_wait_of_every_sender_and_drops_its_item),
        cmocka_unit_test(a_channel_can_be_freed_with_items_in_it),
        cmocka_unit_test(every_item_is_received_once_and_in_order_whoever_they_are),
        cmocka_unit_test(a_fiber_that_never_waits_lets_others_run_all_the_same),
        cmocka_unit_test(whoever_has_received_the_last_item_can_free_the_channel_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

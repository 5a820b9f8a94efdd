/* SPDX-License-Identifier: MIT */
/* sched/channel_select. What all calls that wait have in common is in test_waiters_calls.c. */
#include "support.h"
#include "tasks.h"

#include <errno.h>
#include <hawser/channel.h>
#include <hawser/deadline.h>
#include <hawser/run.h>
#include <sched.h>

#define MOST 64

static void the_case_that_can_go_goes_and_no_other(void **state) {
    (void)state;
    hawser_channel *full = hawser_channel_new(sizeof(int), 1), *empty = hawser_channel_new(sizeof(int), 1);
    int item = 0, result = 42;
    assert_works(hawser_channel_send(full, &(int){3}));
    const hawser_case into_full[] = {{.channel = full, .item = &item, .send = true},
                                     {.channel = empty, .item = &item, .send = true}};
    const hawser_case from_empty[] = {{.channel = empty, .item = &item}, {.channel = full, .item = &item}};
    assert_int_equal(assert_works(hawser_channel_select(from_empty, 2, &result)), 1);
    assert_int_equal(result, 1);
    assert_int_equal(item, 3);
    assert_int_equal(hawser_channel_count(full), 0);
    assert_works(hawser_channel_send(full, &(int){4}));
    item = 5;
    assert_int_equal(assert_works(hawser_channel_select(into_full, 2, &result)), 1);
    assert_int_equal(result, 0);
    assert_int_equal(hawser_channel_count(full), 1);
    assert_int_equal(hawser_channel_recv(empty, &item), 1);
    assert_int_equal(item, 5);
    hawser_channel_free(full);
    hawser_channel_free(empty);
}

static void a_closed_channel_can_go_and_gives_the_end_or_EPIPE_as_a_result(void **state) {
    (void)state;
    hawser_channel *open = hawser_channel_new(sizeof(int), 0), *closed = hawser_channel_new(sizeof(int), 1);
    int item = 0, result = 42;
    hawser_channel_close(closed);
    const hawser_case receipts[] = {{.channel = open, .item = &item}, {.channel = closed, .item = &item}};
    const hawser_case sendings[] = {{.channel = closed, .item = &item, .send = true},
                                    {.channel = open, .item = &item, .send = true}};
    assert_int_equal(assert_works(hawser_channel_select(receipts, 2, &result)), 1);
    assert_int_equal(result, 0);
    assert_int_equal(assert_works(hawser_channel_select(sendings, 2, &result)), 0);
    assert_int_equal(result, -1);
    assert_int_equal(assert_works(hawser_channel_select(sendings, 2, NULL)), 0);
    hawser_channel_free(open);
    hawser_channel_free(closed);
}

static void a_case_without_a_channel_never_goes(void **state) {
    (void)state;
    hawser_channel *channel = hawser_channel_new(sizeof(int), 1);
    int item = 0;
    const hawser_case cases[] = {{.channel = NULL}, {.channel = channel, .item = &item}, {.channel = NULL, .send = true}};
    assert_works(hawser_channel_send(channel, &item));
    assert_int_equal(assert_works(hawser_channel_select(cases, 3, NULL)), 1);
    int64_t outer = hawser_deadline_push(0.01);
    assert_fails(hawser_channel_select(cases, 3, NULL), ETIMEDOUT);
    assert_sentence("select among 3 channels: Timed out");
    assert_fails(hawser_channel_select(cases, 1, NULL), ETIMEDOUT);
    assert_fails(hawser_channel_select(NULL, 0, NULL), ETIMEDOUT);
    hawser_deadline_pop(outer);
    hawser_channel_free(channel);
}

static void what_makes_no_sense_is_EINVAL(void **state) {
    (void)state;
    hawser_channel *channel = hawser_channel_new(sizeof(int), 1);
    const hawser_case cases[MOST + 1] = {{.channel = channel}};
    int result = 42;
    assert_fails(hawser_channel_select(cases, 1, &result), EINVAL);
    assert_fails(hawser_channel_select(cases + 1, MOST + 1, &result), EINVAL);
    assert_sentence("select among 65 channels: Invalid argument");
    assert_int_equal(result, 42);
    hawser_channel_free(channel);
}

/* 100 expected of each of 10; less than 40 has a chance of one in a hundred million. */
static void all_that_can_go_have_the_same_chance(void **state) {
    (void)state;
    hawser_case cases[20] = {{0}};
    int items[20], chosen[20] = {0};
    for (int i = 0; i < 20; i++) {
        cases[i] = (hawser_case){.channel = hawser_channel_new(sizeof(int), 1), .item = &items[i]};
        if (i % 4 < 2) /* in pairs: were they tried in turn from a random one on, the first of a pair would go most often */
            assert_works(hawser_channel_send(cases[i].channel, &i));
    }
    for (int round = 0; round < 1000; round++) {
        int index = hawser_channel_select(cases, 20, NULL);
        assert_in_range(index, 0, 19);
        chosen[index]++;
        assert_works(hawser_channel_trysend(cases[index].channel, &index));
    }
    for (int i = 0; i < 20; i++) {
        assert_true(i % 4 < 2 ? chosen[i] >= 40 && chosen[i] <= 200 : chosen[i] == 0);
        hawser_channel_free(cases[i].channel);
    }
}

struct choice {
    hawser_case cases[MOST];
    int items[MOST];
    size_t count;
    int result;
};

static long choose(void *argument) {
    struct choice *choice = argument;
    return hawser_channel_select(choice->cases, choice->count, &choice->result);
}

static struct choice open_choice(size_t count, size_t capacity) {
    struct choice choice = {.count = count};
    for (size_t i = 0; i < count; i++)
        choice.cases[i].channel = hawser_channel_new(sizeof(int), capacity);
    return choice;
}

static void begin(struct choice *choice, runner *run) {
    for (size_t i = 0; i < choice->count; i++)
        choice->cases[i].item = &choice->items[i];
    start(run, choose, choice);
    assert_true(blocked(run));
}

static void close_choice(struct choice *choice) {
    for (size_t i = 0; i < choice->count; i++)
        hawser_channel_free(choice->cases[i].channel);
}

/* Afterwards the select is in no line any more: what is sent to the others stays there. */
static void a_select_waits_for_whichever_comes_first_and_leaves_the_others(void **state) {
    (void)state;
    static const size_t counts[] = {1, 2, 8, 9, MOST};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct choice choice = open_choice(counts[i], 1);
        size_t first = counts[i] / 2;
        runner run;
        begin(&choice, &run);
        assert_works(hawser_channel_trysend(choice.cases[first].channel, &(int){7}));
        assert_int_equal(finish(&run), first);
        assert_int_equal(choice.result, 1);
        assert_int_equal(choice.items[first], 7);
        for (size_t n = 0; n < counts[i]; n++) {
            assert_works(hawser_channel_trysend(choice.cases[n].channel, &(int){8}));
            assert_int_equal(hawser_channel_count(choice.cases[n].channel), 1);
        }
        close_choice(&choice);
    }
}

static void at_most_one_of_two_things_at_once_is_done(void **state) {
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct choice choice = open_choice(2, 1);
        runner run;
        begin(&choice, &run);
        assert_works(hawser_channel_trysend(choice.cases[round % 2].channel, &(int){1}));
        assert_works(hawser_channel_trysend(choice.cases[1 - round % 2].channel, &(int){2}));
        assert_int_equal(finish(&run), round % 2);
        assert_int_equal(choice.items[round % 2], 1);
        assert_int_equal(choice.items[1 - round % 2], 0);
        assert_int_equal(hawser_channel_count(choice.cases[1 - round % 2].channel), 1);
        close_choice(&choice);
    }
}

static void a_waiting_select_learns_that_a_channel_is_closed(void **state) {
    (void)state;
    for (int send = 0; send < 2; send++) {
        struct choice choice = open_choice(3, 0);
        runner run;
        for (int i = 0; i < 3; i++)
            choice.cases[i].send = send;
        begin(&choice, &run);
        hawser_channel_close(choice.cases[1].channel);
        assert_int_equal(finish(&run), 1);
        assert_int_equal(choice.result, send ? -1 : 0);
        assert_string_equal(run.sentence, "");
        close_choice(&choice);
    }
}

static void one_that_gives_up_is_passed_over(void **state) {
    (void)state;
    hawser_channel *channel = hawser_channel_new(sizeof(int), 0);
    int item = 0;
    const hawser_case cases[] = {{.channel = channel, .item = &item}, {.channel = channel, .item = &item, .send = true}};
    int64_t outer = hawser_deadline_push(0.01);
    assert_fails(hawser_channel_select(cases, 2, NULL), ETIMEDOUT);
    hawser_deadline_pop(outer);
    assert_fails(hawser_channel_trysend(channel, &item), EAGAIN);
    assert_fails(hawser_channel_tryrecv(channel, &item), EAGAIN);
    hawser_channel_free(channel);
}

static void sending_to_and_receiving_from_one_channel_it_never_meets_itself(void **state) {
    (void)state;
    for (int send = 0; send < 2; send++) {
        struct choice choice = {.count = 4, .items = {10, 11, 12, 13}};
        hawser_channel *channel = hawser_channel_new(sizeof(int), 0);
        runner run;
        int item = 20;
        for (int i = 0; i < 4; i++)
            choice.cases[i] = (hawser_case){.channel = channel, .send = i >= 2};
        begin(&choice, &run);
        assert_works(send ? hawser_channel_trysend(channel, &item) : hawser_channel_tryrecv(channel, &item));
        assert_int_equal(finish(&run), send ? 0 : 2);
        assert_int_equal(choice.result, send);
        assert_int_equal(send ? choice.items[0] : item, send ? 20 : 12);
        assert_fails(hawser_channel_trysend(channel, &item), EAGAIN);
        assert_fails(hawser_channel_tryrecv(channel, &item), EAGAIN);
        hawser_channel_free(channel);
    }
}

static void in_one_channel_with_room_it_can_do_either(void **state) {
    (void)state;
    hawser_channel *channel = hawser_channel_new(sizeof(int), 2);
    int in = 0, out = 9;
    const hawser_case cases[] = {{.channel = channel, .item = &in}, {.channel = channel, .item = &out, .send = true}};
    assert_int_equal(assert_works(hawser_channel_select(cases, 2, NULL)), 1); /* empty */
    assert_works(hawser_channel_send(channel, &out));
    assert_int_equal(assert_works(hawser_channel_select(cases, 2, NULL)), 0); /* full */
    assert_int_equal(in, 9);
    hawser_channel_free(channel);
}

static void two_selects_meet(void **state) {
    (void)state;
    struct choice choice = open_choice(3, 0);
    runner run;
    int item = 30, result = 42;
    begin(&choice, &run);
    const hawser_case others[] = {{.channel = choice.cases[2].channel, .item = &item, .send = true}};
    assert_int_equal(assert_works(hawser_channel_select(others, 1, &result)), 0);
    assert_int_equal(result, 0);
    assert_int_equal(finish(&run), 2);
    assert_int_equal(choice.items[2], 30);
    close_choice(&choice);
}

/* Everybody selects among sending and receiving on the same channels, in different orders, with deadlines: what was sent is
 * received, and nobody is left waiting when somebody could have met him. */
#define PLAYERS 6
#define CHANNELS 3
#define ROUNDS 1500

struct game {
    hawser_channel *channels[CHANNELS];
    atomic_int places;
    atomic_long sent, received, given_up;
};

static const double limits[] = {0.002, 0, 1e-6, 1e-5, 1e-4};

static long play_once(struct game *game, int place, unsigned *seed) {
    hawser_case cases[2 * CHANNELS];
    int in = 0, out = (int)(next_number(seed) % 1000) + 1, result = 42;
    for (unsigned i = 0; i < 2 * CHANNELS; i++) {
        unsigned turned = (i + (unsigned)place) % (2 * CHANNELS);
        cases[i] = (hawser_case){.channel = game->channels[turned % CHANNELS], .item = turned < CHANNELS ? &in : &out,
                                 .send = turned >= CHANNELS};
    }
    int64_t outer = hawser_deadline_push(limits[next_number(seed) % 5]);
    int index = hawser_channel_select(cases, 2 * CHANNELS, &result), code = errno;
    hawser_deadline_pop(outer);
    if (index < 0) {
        atomic_fetch_add(&game->given_up, 1);
        hawser_yield();
        return in != 0 || (code != ETIMEDOUT && code != EAGAIN);
    }
    atomic_fetch_add(cases[index].send ? &game->sent : &game->received, cases[index].send ? out : in);
    return result != !cases[index].send || (in != 0) != !cases[index].send;
}

static long play(void *argument) {
    struct game *game = argument;
    int place = atomic_fetch_add(&game->places, 1);
    unsigned seed = (unsigned)place;
    long wrong = 0;
    for (int i = 0; i < ROUNDS; i++)
        wrong += play_once(game, place, &seed);
    return wrong;
}

static void what_selects_send_is_received_once_whoever_they_are(void **state) {
    (void)state;
    for (enum arrangement arrangement = 0; arrangement < ARRANGEMENTS; arrangement++) {
        struct game game = {.channels = {NULL}};
        for (int i = 0; i < CHANNELS; i++)
            game.channels[i] = hawser_channel_new(sizeof(int), (size_t)i);
        assert_int_equal(run_crowd(arrangement, PLAYERS, play, &game), 0);
        for (int i = 0, item; i < CHANNELS; i++) {
            while (hawser_channel_count(game.channels[i]) > 0 && hawser_channel_tryrecv(game.channels[i], &item) == 1)
                game.received += item;
            hawser_channel_free(game.channels[i]);
        }
        assert_int_equal(game.sent, game.received);
        assert_true(game.sent > 0);
    }
}

struct traffic {
    hawser_channel *channel;
    atomic_int places;
    atomic_bool others_ran;
};

static long choose_on_and_on(void *argument) {
    struct traffic *traffic = argument;
    int in = 0, out = 1;
    const hawser_case cases[] = {{.channel = traffic->channel, .item = &in},
                                 {.channel = traffic->channel, .item = &out, .send = true}};
    if (atomic_fetch_add(&traffic->places, 1) > 0) {
        atomic_store(&traffic->others_ran, true);
        return 0;
    }
    for (int i = 0; i < 100000 && !atomic_load(&traffic->others_ran); i++)
        if (hawser_channel_select(cases, 2, NULL) != (i % 2 == 0))
            return 1;
    return !atomic_load(&traffic->others_ran);
}

static void a_fiber_that_always_has_a_choice_lets_others_run_all_the_same(void **state) {
    (void)state;
    struct traffic traffic = {.channel = hawser_channel_new(sizeof(int), 1)};
    assert_int_equal(run_crowd(ONE_WORKER, 2, choose_on_and_on, &traffic), 0);
    hawser_channel_free(traffic.channel);
}

/* Two that can only meet each other, and come at the same moment: were a meeting missed, both would wait in vain. */
struct pair {
    hawser_channel *a, *b;
    atomic_int places, arrived;
};

static void wait_for_the_other(struct pair *pair, int round) {
    atomic_fetch_add(&pair->arrived, 1);
    for (int spins = 0; atomic_load(&pair->arrived) < 2 * (round + 1); spins++)
        if (spins % 100 == 99) {
            hawser_yield();
            sched_yield();
        }
}

static long meet(void *argument) {
    struct pair *pair = argument;
    int place = atomic_fetch_add(&pair->places, 1), in, out = place, sum = 0;
    for (int round = 0; round < 500; round++) {
        const hawser_case cases[] = {{.channel = place ? pair->a : pair->b, .item = &in},
                                     {.channel = place ? pair->b : pair->a, .item = &out, .send = true}};
        wait_for_the_other(pair, round);
        int index = hawser_channel_select(cases, 2, NULL);
        if (index < 0) { /* the deadline of all; the other must not wait for the next round */
            atomic_store(&pair->arrived, 1000000);
            return 10000000;
        }
        sum += index == 1 ? 1 : -1;
    }
    return sum;
}

static void no_meeting_of_two_selects_is_missed(void **state) {
    (void)state;
    for (enum arrangement arrangement = 0; arrangement < ARRANGEMENTS; arrangement++) {
        struct pair pair = {.a = hawser_channel_new(sizeof(int), 0), .b = hawser_channel_new(sizeof(int), 0)};
        assert_int_equal(run_crowd(arrangement, 2, meet, &pair), 0);
        hawser_channel_free(pair.a);
        hawser_channel_free(pair.b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_case_that_can_go_goes_and_no_other),
        cmocka_unit_test(a_closed_channel_can_go_and_gives_the_end_or_EPIPE_as_a_result),
        cmocka_unit_test(a_case_without_a_channel_never_goes),
        cmocka_unit_test(what_makes_no_sense_is_EINVAL),
        cmocka_unit_test(all_that_can_go_have_the_same_chance),
        cmocka_unit_test(a_select_waits_for_whichever_comes_first_and_leaves_the_others),
        cmocka_unit_test(at_most_one_of_two_things_at_once_is_done),
        cmocka_unit_test(a_waiting_select_learns_that_a_channel_is_closed),
        cmocka_unit_test(one_that_gives_up_is_passed_over),
        cmocka_unit_test(sending_to_and_receiving_from_one_channel_it_never_meets_itself),
        cmocka_unit_test(in_one_channel_with_room_it_can_do_either),
        cmocka_unit_test(two_selects_meet),
        cmocka_unit_test(what_selects_send_is_received_once_whoever_they_are),
        cmocka_unit_test(a_fiber_that_always_has_a_choice_lets_others_run_all_the_same),
        cmocka_unit_test(no_meeting_of_two_selects_is_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

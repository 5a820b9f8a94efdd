/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "sched/inbox.h"

#define SENDERS 4
#define EACH 5000

/* A post that knows who sent it, and when. */
struct letter {
    hawser__post post;
    int sender, number;
};

static struct {
    int handled;
    int last[SENDERS]; /* the number of the last one of each */
    bool out_of_order;
} desk;

static void note(hawser__post *post) {
    struct letter *letter = (struct letter *)post;
    desk.out_of_order |= letter->number != desk.last[letter->sender] + 1;
    desk.last[letter->sender] = letter->number;
    desk.handled++;
}

static void clear_desk(void) {
    memset(&desk, 0, sizeof desk);
}

static void posts_are_handled_in_the_order_they_came(void **state) {
    (void)state;
    hawser__inbox inbox = {NULL};
    struct letter letters[10];
    clear_desk();
    assert_true(hawser__inbox_empty(&inbox));
    for (int i = 0; i < 10; i++) {
        letters[i] = (struct letter){.post.handle = note, .number = i + 1};
        assert_int_equal(hawser__inbox_push(&inbox, &letters[i].post), i == 0); /* only the first finds it empty */
    }
    assert_false(hawser__inbox_empty(&inbox));
    hawser__inbox_handle(&inbox);
    assert_int_equal(desk.handled, 10);
    assert_false(desk.out_of_order);
    assert_true(hawser__inbox_empty(&inbox));
    hawser__inbox_handle(&inbox);
    assert_int_equal(desk.handled, 10);
}

/* What is posted while posts are handled waits for the next time, and finds the inbox empty. */
struct answered {
    struct letter letter;
    hawser__inbox *inbox;
    struct letter answer;
    bool found_empty;
};

static void answer(hawser__post *post) {
    struct answered *answered = (struct answered *)post;
    note(post);
    answered->found_empty = hawser__inbox_push(answered->inbox, &answered->answer.post);
}

static void a_post_may_post(void **state) {
    (void)state;
    hawser__inbox inbox = {NULL};
    struct answered first = {.letter = {.post.handle = answer, .number = 1},
                             .inbox = &inbox,
                             .answer = {.post.handle = note, .number = 2}};
    clear_desk();
    hawser__inbox_push(&inbox, &first.letter.post);
    hawser__inbox_handle(&inbox);
    assert_int_equal(desk.handled, 1);
    assert_true(first.found_empty);
    hawser__inbox_handle(&inbox);
    assert_int_equal(desk.handled, 2);
    assert_false(desk.out_of_order);
}

static void release(hawser__post *post) {
    desk.handled++;
    free(post);
}

static void a_post_may_be_freed_by_its_handler(void **state) {
    (void)state;
    hawser__inbox inbox = {NULL};
    clear_desk();
    for (int i = 0; i < 3; i++) {
        struct letter *letter = malloc(sizeof *letter);
        *letter = (struct letter){.post.handle = release};
        hawser__inbox_push(&inbox, &letter->post);
    }
    hawser__inbox_handle(&inbox);
    assert_int_equal(desk.handled, 3);
}

struct sender {
    hawser__inbox *inbox;
    atomic_int *bells; /* how often an inbox was found empty */
    int number;
    struct letter letters[EACH];
};

static long send_all(void *argument) {
    struct sender *sender = argument;
    for (int i = 0; i < EACH; i++) {
        sender->letters[i] = (struct letter){.post.handle = note, .sender = sender->number, .number = i + 1};
        if (hawser__inbox_push(sender->inbox, &sender->letters[i].post))
            atomic_fetch_add(sender->bells, 1);
    }
    return 0;
}

/* Each time the inbox was taken whole somebody found it empty before: who sleeps has always been called. */
static void posts_of_many_threads_come_once_and_each_ones_in_order(void **state) {
    (void)state;
    static struct sender senders[SENDERS];
    runner runners[SENDERS];
    hawser__inbox inbox = {NULL};
    atomic_int bells = 0;
    int rounds = 0;
    clear_desk();
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.inbox = &inbox, .bells = &bells, .number = i};
        start_thread(&runners[i], send_all, &senders[i]);
    }
    for (double end = seconds_now() + WAIT_LIMIT; desk.handled < SENDERS * EACH && seconds_now() < end;) {
        int before = desk.handled;
        hawser__inbox_handle(&inbox);
        rounds += desk.handled > before;
    }
    for (int i = 0; i < SENDERS; i++)
        finish(&runners[i]);
    assert_int_equal(desk.handled, SENDERS * EACH);
    assert_false(desk.out_of_order);
    assert_int_equal(atomic_load(&bells), rounds);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_are_handled_in_the_order_they_came),
        cmocka_unit_test(a_post_may_post),
        cmocka_unit_test(a_post_may_be_freed_by_its_handler),
        cmocka_unit_test(posts_of_many_threads_come_once_and_each_ones_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

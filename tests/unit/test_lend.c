/* SPDX-License-Identifier: MIT */
/* sched/lend: whose the buffers for lending reads are. */
#include "fibers.h"
#include "support.h"

#include "base/mem.h"
#include "sched/lend.h"
#include "sched/run.h"

#define KEPT 4 /* of each worker */

static int spares(void) {
    return hawser__worker_current()->loans.count;
}

/* Takes one, fills it, and ends with it. */
static int take(void *ret) {
    char *lent = hawser__lend_take();
    EXPECT(lent && hawser__lend_take() == lent); /* one at a time */
    if (lent)
        memset(lent, 'x', HAWSER__LOAN);
    *(void **)ret = lent;
    return 0;
}

/* COUNT fibers that all have one at the same time. */
struct borrowers {
    hawser_channel *gate;
    int count;
    void *lent[8];
    atomic_int next;
};

static int take_and_wait(void *arg) {
    struct borrowers *borrowers = arg;
    char item;
    take(&borrowers->lent[atomic_fetch_add(&borrowers->next, 1)]);
    return hawser_channel_recv(borrowers->gate, &item);
}

static void borrow(struct borrowers *borrowers, int count) {
    hawser_group *group = hawser_group_open(NULL);
    *borrowers = (struct borrowers){.gate = hawser_channel_new(1, 0), .count = count};
    for (int i = 0; i < count; i++)
        EXPECT(hawser_group_go(group, take_and_wait, borrowers) == 0);
    hawser_yield();
    hawser_channel_close(borrowers->gate);
    EXPECT(hawser_group_wait(group) == 0);
    hawser_group_close(group);
    hawser_channel_free(borrowers->gate);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++)
            EXPECT(borrowers->lent[i] != borrowers->lent[k]);
}

static bool was_there(const struct borrowers *before, const void *lent) {
    for (int i = 0; i < before->count; i++)
        if (before->lent[i] == lent)
            return true;
    return false;
}

static int borrow_more_and_more(void *arg) {
    struct borrowers before, after;
    (void)arg;
    borrow(&before, 3);
    EXPECT(spares() == 3);
    borrow(&after, 2);
    EXPECT(spares() == 3);
    for (int i = 0; i < 2; i++)
        EXPECT(was_there(&before, after.lent[i]));
    borrow(&before, 8);
    EXPECT(spares() == KEPT);
    return 0;
}

static void a_worker_keeps_a_few_of_those_that_its_fibers_end_with(void **state) {
    (void)state;
    census before = take_census();
    assert_runs(1, borrow_more_and_more, NULL);
    assert_null(compare_census(before));
}

static int give_back_and_keep(void *arg) {
    hawser__task *self = hawser__task_current();
    void *first = hawser__lend_take(), **kept = arg;
    hawser__lend_return(self);
    EXPECT(self->lent == NULL && spares() == 1);
    hawser__lend_return(self); /* has none */
    EXPECT(spares() == 1 && hawser__lend_keep() == NULL);
    EXPECT(hawser__lend_take() == first && spares() == 0);
    EXPECT(hawser__lend_keep() == first && self->lent == NULL);
    EXPECT(hawser__lend_take() != first && self->lent != NULL);
    *kept = first;
    return 0;
}

static void a_buffer_is_given_back_or_kept_for_good(void **state) {
    (void)state;
    char *kept = NULL;
    census before = take_census();
    assert_runs(1, give_back_and_keep, &kept);
    memset(kept, 'y', HAWSER__LOAN); /* the run is over, and it is there */
    hawser__free(kept);
    assert_null(compare_census(before));
}

static int take_without_memory(void *arg) {
    fault_alloc(1);
    EXPECT(hawser__lend_take() == NULL && hawser__task_current()->lent == NULL);
    EXPECT(fault_none());
    hawser__lend_return(hawser__task_current());
    EXPECT(spares() == 0 && hawser__lend_keep() == NULL);
    EXPECT(hawser__lend_take() != NULL);
    (void)arg;
    return 0;
}

static void without_memory_there_is_none_and_later_there_is(void **state) {
    (void)state;
    census before = take_census();
    assert_runs(1, take_without_memory, NULL);
    assert_null(compare_census(before));
}

static int free_spares(void *arg) {
    struct borrowers borrowers;
    borrow(&borrowers, 3);
    hawser__lend_done(hawser__worker_current());
    EXPECT(spares() == 0);
    hawser__lend_done(hawser__worker_current());
    borrow(&borrowers, 1); /* and goes on */
    EXPECT(spares() == 1);
    (void)arg;
    return 0;
}

static void what_a_worker_keeps_can_be_freed(void **state) {
    (void)state;
    census before = take_census();
    assert_runs(1, free_spares, NULL);
    assert_null(compare_census(before));
}

static bool one_is_busy(void *run) {
    return atomic_load(&((hawser__run *)run)->busy) == 1;
}

static int end_with_one(void *arg) {
    hawser__run *run = hawser__worker_current()->run;
    void *own = NULL, *other = NULL;
    (void)arg;
    take(&own);
    EXPECT(hawser_go_on(2, take, &other) == 0);
    EXPECT(wait_until(one_is_busy, run));
    EXPECT(other && other != own && spares() == 0);
    EXPECT(run->workers[1].loans.count == 1); /* it stays with the worker of the fiber that had it */
    return 0;
}

static void each_worker_keeps_its_own(void **state) {
    (void)state;
    census before = take_census();
    assert_runs(2, end_with_one, NULL);
    assert_null(compare_census(before));
}

static int take_pieces(void *arg) {
    void *pieces[HAWSER__SPARES + 2];
    struct hawser__spares *spare = &hawser__worker_current()->pieces;
    for (int i = 0; i < HAWSER__SPARES + 2; i++) {
        pieces[i] = hawser__piece_take();
        EXPECT(pieces[i] && (i == 0 || pieces[i] != pieces[i - 1]));
        memset(pieces[i], 'p', HAWSER__PIECE);
    }
    for (int i = 0; i < HAWSER__SPARES + 2; i++)
        hawser__piece_return(pieces[i]);
    EXPECT(spare->count == HAWSER__SPARES);
    EXPECT(hawser__piece_take() == pieces[HAWSER__SPARES - 1]); /* the last returned that was kept */
    EXPECT(spare->count == HAWSER__SPARES - 1);
    hawser__free(pieces[HAWSER__SPARES - 1]);
    hawser__lend_done(hawser__worker_current());
    fault_alloc(1);
    EXPECT(spare->count == 0 && hawser__piece_take() == NULL && fault_none());
    (void)arg;
    return 0;
}

static void a_worker_keeps_pieces_and_no_more_than_it_has_room_for(void **state) {
    (void)state;
    census before = take_census();
    assert_runs(1, take_pieces, NULL);
    assert_null(compare_census(before));
}

/* A plain thread. */

static long take_a_piece(void *arg) {
    void *piece = hawser__piece_take();
    memset(piece, 'p', HAWSER__PIECE);
    hawser__piece_return(piece);
    (void)arg;
    return 0;
}

static void a_thread_keeps_no_piece(void **state) {
    (void)state;
    census before = take_census();
    runner thread;
    start_thread(&thread, take_a_piece, NULL);
    assert_int_equal(finish(&thread), 0);
    assert_null(compare_census(before));
}

static long take_return_keep(void *arg) {
    hawser__task *self = hawser__task_current();
    char *lent = hawser__lend_take();
    memset(lent, 'x', HAWSER__LOAN);
    hawser__lend_return(self); /* it has no worker to keep it: the thread's own buffer stays */
    bool stays = self->lent == lent && hawser__lend_take() == lent;
    bool kept = hawser__lend_keep() == lent && self->lent == NULL && hawser__lend_keep() == NULL;
    hawser__free(lent);
    (void)arg;
    return stays && kept && hawser__lend_take(); /* which ends with the thread */
}

static void a_plain_thread_has_one_until_it_ends(void **state) {
    (void)state;
    runner thread;
    census before = take_census();
    start_thread(&thread, take_return_keep, NULL);
    assert_true(finish(&thread));
    assert_null(compare_census(before));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_keeps_a_few_of_those_that_its_fibers_end_with),
        cmocka_unit_test(a_buffer_is_given_back_or_kept_for_good),
        cmocka_unit_test(without_memory_there_is_none_and_later_there_is),
        cmocka_unit_test(what_a_worker_keeps_can_be_freed),
        cmocka_unit_test(each_worker_keeps_its_own),
        cmocka_unit_test(a_worker_keeps_pieces_and_no_more_than_it_has_room_for),
        cmocka_unit_test(a_plain_thread_has_one_until_it_ends),
        cmocka_unit_test(a_thread_keeps_no_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

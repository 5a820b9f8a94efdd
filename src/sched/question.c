/* SPDX-License-Identifier: MIT */
#include "sched/question.h"

#include "base/mem.h"
#include "sched/park.h"
#include "sched/picture.h"

#include <errno.h>

static void let_go(hawser__question *question) {
    if (atomic_fetch_sub(&question->refs, 1) > 1)
        return;
    hawser__buffer_done(&question->text);
    hawser__free(question);
}

static bool advance(hawser__question *question, enum hawser__progress to) {
    enum hawser__progress expected = HAWSER__ASKED;
    return atomic_compare_exchange_strong(&question->progress, &expected, to);
}

/* The worker's side. */

static void answer(hawser__question *question) {
    if (!advance(question, HAWSER__BEGUN))
        return;
    question->count = hawser__picture_take(question->worker, &question->text);
    atomic_store(&question->progress, HAWSER__ANSWERED);
    hawser__seat_wake(&question->seat);
}

static void answer_posted(hawser__post *post) {
    hawser__question *question = (hawser__question *)((char *)post - offsetof(hawser__question, post));
    answer(question);
    let_go(question);
}

/* The other side. */

/* In the child of a fork most are gone. */
static int workers_there(const hawser__run *run) {
    int there = 0;
    for (int i = 0; i < run->count; i++)
        there += !run->workers[i].gone;
    return there;
}

static hawser__question *question_new(hawser__run *run, hawser__worker *worker) {
    hawser__question *made = hawser__zalloc(sizeof *made);
    if (!made)
        return NULL;
    made->post.handle = answer_posted;
    atomic_init(&made->refs, 1);
    made->worker = worker;
    made->sight = hawser__sight_take(worker);
    made->run = run->number;
    made->number = worker->number;
    made->workers = workers_there(run);
    made->engine = worker->engine->ops->name;
    hawser__buffer_init(&made->text, SIZE_MAX / 2);
    return made;
}

static void ask(hawser__question *question) {
    if (question->worker == hawser__worker_current()) {
        answer(question);
        return;
    }
    atomic_fetch_add(&question->refs, 1);
    hawser__worker_post(question->worker, &question->post);
}

int hawser__question_ask(hawser__run *run, hawser__question **list) {
    hawser__question *later = *list;
    int result = 0;
    for (int i = 0; i < run->count && result == 0; i++) {
        if (run->workers[i].gone)
            continue;
        hawser__question *question = question_new(run, &run->workers[i]);
        *list = question;
        if (question) {
            ask(question);
            list = &question->next;
        }
        result = question ? 0 : -ENOMEM;
    }
    *list = later;
    return result;
}

/* An answer that has been begun is waited for, however long it is: that is work, and not being held up. */
static int finish_waiting(hawser__question *question, int result) {
    if (result < 0 && advance(question, HAWSER__GIVEN_UP))
        return result;
    while (atomic_load(&question->progress) != HAWSER__ANSWERED)
        hawser__wait_through("dump", -1);
    return question->count < 0 ? (int)question->count : 0;
}

int hawser__question_await(hawser__question *question, hawser__deadline patience, hawser__deadline limit) {
    int result = 0;
    hawser__seat_take(&question->seat);
    while (result == 0 && atomic_load(&question->progress) < HAWSER__ANSWERED)
        result = hawser__wait("dump", -1, limit < patience ? limit : patience);
    result = finish_waiting(question, result);
    hawser__seat_leave(&question->seat);
    return result == -ETIMEDOUT && patience <= limit ? 0 : result;
}

bool hawser__question_answered(hawser__question *question) {
    return atomic_load(&question->progress) == HAWSER__ANSWERED;
}

void hawser__questions_free(hawser__question *list) {
    while (list) {
        hawser__question *next = list->next;
        advance(list, HAWSER__GIVEN_UP);
        let_go(list);
        list = next;
    }
}

/* SPDX-License-Identifier: MIT */
/* Numbers in comments are those of the contract in src/sched/engine.h. */
#include "engine_situations.h"

#include <errno.h>
#include <signal.h>

#include <hawser/group.h>
#include <hawser/world.h>

#include "base/wake.h"
#include "sched/park.h"
#include "sched/run.h"

const char *const waiter_names[WAITERS] = {"a plain thread", "a fiber", "a fiber after one of another worker"};

int64_t call(struct play *play, hawser__deadline deadline) {
    return play->scene.operation->call(&play->scene, deadline);
}

/* (1) */
static int64_t look(struct play *play) {
    return call(play, HAWSER__NOW);
}

static int64_t again(const struct play *play) {
    (void)play;
    return -EAGAIN;
}

const struct situation looking = {.name = "what may not wait", .body = look, .expected = again};

/* (1) Whatever its deadline, one that has passed as well. A TCP connect begun in vain is tried again by the kernel a second
 * later: it is waited for. */
static int64_t insist(struct play *play, hawser__deadline deadline) {
    double end = seconds_now() + WAIT_LIMIT;
    int64_t result = call(play, deadline);
    while ((result == -EAGAIN || result == -ETIMEDOUT) && seconds_now() < end && waits_for_connection(play->scene.operation)) {
        rest_a_moment();
        result = call(play, deadline);
    }
    return result;
}

static int64_t insist_now(struct play *play) {
    return insist(play, HAWSER__NOW);
}

static int64_t insist_when_it_is_past(struct play *play) {
    return insist(play, PAST);
}

static void make_ready(struct play *play) {
    play->scene.operation->ready(&play->scene);
}

static bool gets_ready(const struct play *play) {
    return play->scene.operation->ready != NULL;
}

static bool gets_ready_and_looks(const struct play *play) {
    return gets_ready(play) && !play->scene.operation->only_hints;
}

const struct situation now_ready = {
    .name = "ready, without time", .fits = gets_ready_and_looks, .before = make_ready, .body = insist_now};
const struct situation past_ready = {
    .name = "ready, when the time is up", .fits = gets_ready, .before = make_ready, .body = insist_when_it_is_past};
const struct situation becoming_ready = {.name = "ready later", .time = WAIT_LIMIT, .fits = gets_ready, .act = make_ready};
const struct situation becoming_ready_without_limit = {.name = "ready later, without limit", .fits = gets_ready, .act = make_ready};

/* (1) Never early, and nothing is half done: the same call still works afterwards. */
static int64_t let_run_out(struct play *play) {
    double began = seconds_now();
    int64_t first = call(play, in_seconds(0.02));
    if (seconds_now() - began < 0.02)
        play->wrong = "ended early";
    int64_t second = call(play, PAST);
    if (first != -ETIMEDOUT || second != -ETIMEDOUT)
        play->wrong = "did not time out";
    return first;
}

static int64_t timed_out(const struct play *play) {
    (void)play;
    return -ETIMEDOUT;
}

const struct situation running_out = {.name = "never ready", .body = let_run_out, .expected = timed_out};

/* (3) A signal ends poll; the call goes on. */
static void pester_a_little(struct play *play) {
    if (pester(&play->run, 3) != 3)
        play->wrong = "a signal ended it";
    make_ready(play);
}

const struct situation pestered = {
    .name = "hit by signals", .time = WAIT_LIMIT, .fits = gets_ready, .act = pester_a_little, .alone = true};

/* (3) With the time that is left: signals come until the call has ended. Were the deadline extended, it never would. On a busy
 * machine one may end before the first hit. */
static long hits;

static void pester_to_the_end(struct play *play) {
    hits += pester(&play->run, 1000000);
}

long hits_so_far(void) {
    return hits;
}

/* Signals hit a fiber's worker, whatever the fiber waits for. */
static bool differs_for_signals(const struct play *play) {
    return play->waiter == WAITER_THREAD || (play->waiter == WAITER_FIBER && play->scene.operation == &operations[0]);
}

const struct situation pestered_to_the_end = {.name = "hit by signals to the end",
                                              .time = 0.02,
                                              .fits = differs_for_signals,
                                              .act = pester_to_the_end,
                                              .expected = timed_out,
                                              .alone = true};

/* (2) Until that is cleared; then it is as if nothing had been. */
static int64_t fail_until_cleared(struct play *play, void (*clear)(void)) {
    int64_t result = call(play, HAWSER__NEVER), repeated = call(play, HAWSER__NEVER);
    clear();
    if (repeated != result)
        play->wrong = "worked again too soon";
    else if (call(play, HAWSER__NOW) != -EAGAIN)
        play->wrong = "did something, or does not work any more";
    return result;
}

static int64_t wait_interruptibly(struct play *play) {
    if (hawser_interrupt_on_signal(play->signal) < 0)
        play->wrong = "could not ask for a signal";
    unhold(&play->run);
    int64_t result = fail_until_cleared(play, hawser_interrupt_clear);
    hawser_interrupt_restore(play->signal);
    return result;
}

static void interrupt(struct play *play) {
    pthread_kill(play->run.thread, play->signal);
}

static int64_t cut_short(const struct play *play) {
    (void)play;
    return -ECANCELED;
}

const struct situation interrupted = {
    .name = "interrupted", .body = wait_interruptibly, .prepares = true, .act = interrupt, .expected = cut_short};

static int64_t wait_to_be_cancelled(struct play *play) {
    return fail_until_cleared(play, hawser_cancel_clear);
}

static void cancel(struct play *play) {
    hawser_group_cancel(play->group);
}

static bool is_fiber(const struct play *play) {
    return play->waiter != WAITER_THREAD;
}

const struct situation cancelled = {
    .name = "cancelled", .fits = is_fiber, .body = wait_to_be_cancelled, .act = cancel, .expected = cut_short};

/* (4) */
static int64_t wait_to_be_evicted(struct play *play) {
    int64_t result = call(play, HAWSER__NEVER);
    if (call(play, HAWSER__NEVER) != -EBADF || call(play, HAWSER__NOW) != -EBADF)
        play->wrong = "worked again";
    return result;
}

static void evict(struct play *play) {
    ops()->evict(play->scene.self);
}

static int64_t bad_descriptor(const struct play *play) {
    (void)play;
    return -EBADF;
}

const struct situation evicted = {.name = "closed", .body = wait_to_be_evicted, .act = evict, .expected = bad_descriptor};

/* (4) Also one that could be done at once. A TCP connect is skipped: its room may come a second later. */
static void make_ready_and_evict(struct play *play) {
    if (gets_ready(play) && !waits_for_connection(play->scene.operation))
        make_ready(play);
    evict(play);
}

static int64_t call_with_time(struct play *play) {
    if (call(play, HAWSER__NOW) != -EBADF)
        play->wrong = "worked without time";
    return call(play, in_seconds(WAIT_LIMIT));
}

const struct situation evicted_before = {
    .name = "closed before", .before = make_ready_and_evict, .body = call_with_time, .expected = bad_descriptor};

static bool can_be_reset(const struct play *play) {
    return play->scene.operation->reset != NULL;
}

static void reset(struct play *play) {
    play->scene.operation->reset(&play->scene);
}

/* What is told of it is the system's business: a Unix socket is broken, a TCP connection reset, a connect refused. */
static int64_t wait_to_be_reset(struct play *play) {
    int64_t result = call(play, HAWSER__NEVER);
    return result == -EPIPE || result == -ECONNREFUSED ? -ECONNRESET : result;
}

static int64_t as_after_reset(const struct play *play) {
    bool waits_only = play->scene.operation->only_hints || play->scene.fds[0] >= 0;
    return waits_only && play->scene.operation->expected != 4 ? play->scene.operation->expected : -ECONNRESET;
}

const struct situation being_reset = {
    .name = "reset", .fits = can_be_reset, .body = wait_to_be_reset, .act = reset, .expected = as_after_reset};

/* The task that waits. */

/* What the host of a fiber waits at. A timer would hide a wake-up that is lost. */
struct play_end {
    hawser__task *host;
    atomic_bool come;
};

static int wait_elsewhere(void *argument) {
    struct play *play = argument;
    int64_t result = call(play, in_seconds(0.002));
    if (result != -ETIMEDOUT)
        play->wrong = "did not time out on the other worker";
    return 0;
}

static int make_call(void *argument) {
    struct play *play = argument;
    if (!play->situation->prepares)
        unhold(&play->run);
    play->result = play->situation->body ? play->situation->body(play) : call(play, play->deadline);
    if (play->end) {
        atomic_store(&play->end->come, true);
        hawser__task_wake(play->end->host);
    }
    return 0;
}

static int act_beside(void *argument) {
    struct play *play = argument;
    if (!blocked(&play->run) && play->actor == ACTOR_ANOTHER)
        play->wrong = "does not wait";
    play->situation->act(play);
    return 0;
}

/* A fiber of the same worker need not look: its turn comes when the other has parked. */
static int act_at_once(void *argument) {
    struct play *play = argument;
    play->situation->act(play);
    return 0;
}

static int host(void *argument) {
    struct play *play = argument;
    struct play_end end = {.host = hawser__task_current()};
    play->end = &end;
    play->group = hawser_group_open(NULL);
    if (play->waiter == WAITER_STRANGER) {
        const hawser_go_options elsewhere = {.worker = 2, .group = play->group};
        hawser_go_with(&elsewhere, wait_elsewhere, play);
        hawser_group_wait(play->group);
    }
    hawser_group_go(play->group, make_call, play);
    if (play->situation->act && play->actor != ACTOR_THREAD)
        hawser_go_on(play->actor == ACTOR_BESIDE ? 1 : 2, play->actor == ACTOR_BESIDE ? act_at_once : act_beside, play);
    while (!atomic_load(&end.come))
        hawser__wait_through("host", -1);
    hawser_group_close(play->group);
    return 0;
}

static long host_fibers(void *argument) {
    const hawser_run_options options = {.workers = 2, .stack_size = TEST_STACK};
    struct play *play = argument;
    if (hawser__run_on(subject.engine, host, play, &options) < 0)
        play->wrong = "could not run fibers";
    return 0;
}

static long make_call_on_thread(void *argument) {
    return make_call(argument);
}

/* For a plain thread: the actor is a fiber of a run of its own. */
static void act_in_a_run(struct play *play) {
    const hawser_run_options options = {.workers = 1, .stack_size = TEST_STACK};
    if (run_apart(act_at_once, play, &options) < 0)
        play->wrong = "could not run fibers";
}

/* The course of a play. */

static void begin_play(struct play *play, size_t number) {
    double time = play->situation->time;
    play->scene = make_scene(play->scene.operation);
    play->signal = SIGRTMIN + (int)(number % 30);
    if (play->situation->before)
        play->situation->before(play);
    play->deadline = time > 0 ? in_seconds(time) : HAWSER__NEVER;
    if (play->waiter == WAITER_THREAD)
        start_host(&play->run, NULL, make_call_on_thread, play);
    else
        start_host(&play->run, subject.engine, host_fibers, play);
}

static void act(struct play *play) {
    bool by_test = play->actor == ACTOR_THREAD, on_thread = play->waiter == WAITER_THREAD;
    if (!play->situation->act || !(by_test || on_thread))
        return;
    if (!blocked(&play->run) && !play->situation->alone)
        play->wrong = "does not wait";
    if (by_test)
        play->situation->act(play);
    else
        act_in_a_run(play);
}

static bool end_play(struct play *play) {
    const struct operation *operation = play->scene.operation;
    finish(&play->run);
    int64_t expected = play->situation->expected ? play->situation->expected(play) : operation->expected;
    strike_scene(&play->scene);
    if (play->result == expected && !play->wrong)
        return true;
    print_error("%s, %s, %s by %s: gave %lld, expected %lld; %s\n", ops()->name, operation->name, play->situation->name,
                waiter_names[play->waiter], (long long)play->result, (long long)expected, play->wrong ? play->wrong : "");
    return false;
}

/* What never gets ready by our doing may do so by itself, after a while. What is done before leaves nothing to wait for on another
 * worker. */
bool can_play(const struct play *play) {
    bool is_ended = play->situation == &evicted || play->situation == &being_reset;
    return (gets_ready(play) || is_ended) && (play->waiter != WAITER_STRANGER || !play->situation->before) &&
           (!play->situation->fits || play->situation->fits(play)) &&
           (subject.foreign || !play->scene.operation->needs_foreign);
}

void play_together(struct play *plays, size_t count) {
    for (size_t i = 0; i < count; i++)
        begin_play(&plays[i], i);
    for (size_t i = 0; i < count; i++)
        act(&plays[i]);
    bool well = true;
    for (size_t i = 0; i < count; i++)
        well &= end_play(&plays[i]);
    assert_true(well);
}

void play_all(const struct situation *situation, enum waiter waiter, enum actor actor) {
    struct play plays[MOST_PLAYS];
    size_t count = 0;
    for (size_t i = 0; i < operation_count; i++) {
        struct play play = {.situation = situation, .waiter = waiter, .actor = actor, .scene.operation = &operations[i]};
        if (can_play(&play) && !takes_long(&operations[i]))
            plays[count++] = play;
    }
    if (!situation->alone)
        play_together(plays, count);
    else
        for (size_t i = 0; i < count; i++)
            play_together(&plays[i], 1);
}

/* SPDX-License-Identifier: MIT */
/* engine/kernel: what it costs to watch a connection, and what a watch leaves to the reads that follow. */
#include "fibers.h"
#include "support.h"

#include "engine/poll_watch.h"
#include "net/handle.h"
#include "sched/worker.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int shots;

static void shoot(hawser__watch *watch, bool ended) {
    (void)watch;
    EXPECT(!ended);
    atomic_fetch_add(&shots, 1);
}

static hawser__watch watch = {shoot};

static int arm(wire *w) {
    bool ended = false;
    hawser__endpoint *endpoint = w->sock->endpoints[0];
    int result = endpoint->engine->ops->watch(endpoint, hawser__worker_current()->port, &watch, &ended);
    EXPECT(!ended);
    return result;
}

static bool disarm(wire *w) {
    return w->sock->endpoints[0]->engine->ops->unwatch(w->sock->endpoints[0], &watch);
}

/* The system calls of it. */
static int calls_to_arm(wire *w) {
    (void)syscalls_made();
    EXPECT(arm(w) == 0);
    return (int)syscalls_made();
}

static bool has_fired(void *unused) {
    (void)unused;
    return atomic_load(&shots) > 0;
}

static void ask(wire *w) {
    EXPECT(raw_write(w->far, "question", 8));
    EXPECT(wait_until(has_fired, NULL));
    atomic_store(&shots, 0);
}

static int answer_questions(void *arg) {
    wire *w = arg;
    char buf[64];
    if (!told_changes())
        return 0;
    EXPECT(calls_to_arm(w) == 2);   /* registered, and looked at */
    for (int i = 0; i < 5; i++) {
        ask(w);
        (void)syscalls_made();
        EXPECT(hawser_recv(w->sock, buf, sizeof buf) == 8);
        EXPECT(hawser_sendall(w->sock, "answer", 6) == 0);
        EXPECT(syscalls_made() == 2);
        EXPECT(raw_read(w->far, buf, 6));
        EXPECT(calls_to_arm(w) == 0);
    }
    ask(w);
    EXPECT(hawser_recv(w->sock, buf, 8) == 8);   /* there may be more */
    EXPECT(calls_to_arm(w) == 1);
    EXPECT(disarm(w));
    return 0;
}

static void from_answer_to_question_a_connection_is_watched_without_a_system_call(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    assert_runs(1, answer_questions, &w);
    assert_as_expected();
    cut(w);
}

/* Nothing was there after all: the next wait is for a change, and is told it. */
static int write_later(void *far) {
    EXPECT(raw_write(*(int *)far, "late", 4));
    return 0;
}

static int wait_after_a_vain_shot(void *arg) {
    wire *w = arg;
    char buf[64], byte;
    if (!told_changes())
        return 0;
    (void)calls_to_arm(w);
    ask(w);
    EXPECT(read(hawser_fileno(w->sock), buf, sizeof buf) == 8);   /* by somebody else */
    EXPECT(hawser_go(write_later, &w->far) == 0);
    EXPECT(hawser_recv(w->sock, buf, sizeof buf) == 4);
    EXPECT(calls_to_arm(w) == 0);
    EXPECT(raw_write(w->far, "x", 1));
    EXPECT(wait_until(has_fired, NULL));
    EXPECT(hawser_recv(w->sock, &byte, 1) == 1);
    return 0;
}

static void after_a_vain_shot_a_read_waits_for_what_comes(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    assert_works(hawser_settimeout(w.sock, WAIT_LIMIT));
    atomic_store(&shots, 0);
    assert_runs(1, wait_after_a_vain_shot, &w);
    assert_as_expected();
    cut(w);
}

/* A look that fails is no reason not to look: who reads will see. */
static int arm_in_vain(void *arg) {
    wire *w = arg;
    if (told_changes())
        fault_syscall("epoll_ctl", 1, ENOSPC, 1);
    else
        fault_alloc(1);
    EXPECT(arm(w) == (told_changes() ? -ENOSPC : -ENOMEM));
    EXPECT(fault_none());
    EXPECT(!disarm(w));
    fault_syscall("poll", 1, ENOMEM, 1);
    EXPECT(arm(w) == 1);
    EXPECT(fault_none());
    EXPECT(!disarm(w));
    return 0;
}

static void what_fails_leaves_nothing_armed(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    assert_runs(1, arm_in_vain, &w);
    assert_as_expected();
    cut(w);
}

/* Where the worker cannot ask poll at all, it may be there. */
static int sleep_without_poll(void *arg) {
    wire *w = arg;
    if (told_changes())
        return 0;
    EXPECT(arm(w) == 0);
    fault_syscall("poll", 1, EINVAL, 1);
    EXPECT(wait_until(has_fired, NULL));
    EXPECT(fault_none());
    EXPECT(!disarm(w));
    return 0;
}

static void without_poll_it_fires_in_case(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    atomic_store(&shots, 0);
    assert_runs(1, sleep_without_poll, &w);
    assert_as_expected();
    cut(w);
}

/* In the child nobody watches; the parent's stays armed. */
static int fork_with_a_watch(void *arg) {
    wire *w = arg;
    int status = -1;
    EXPECT(arm(w) == 0);
    pid_t child = fork();
    if (child == 0) {
        alarm((unsigned)WAIT_LIMIT);
        bool well = !disarm(w) && arm(w) == 0 && disarm(w) && atomic_load(&shots) == 0;
        _exit(well && atomic_load(&hawser__poll_listed) == 0 ? 0 : 1);
    }
    EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    EXPECT(raw_write(w->far, "x", 1));
    EXPECT(wait_until(has_fired, NULL));
    return 0;
}

static void after_a_fork_only_the_parent_watches(void **state) {
    (void)state;
    wire w = tcp_wire(false);
    atomic_store(&shots, 0);
    assert_runs(1, fork_with_a_watch, &w);
    assert_as_expected();
    cut(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_answer_to_question_a_connection_is_watched_without_a_system_call),
        cmocka_unit_test(after_a_vain_shot_a_read_waits_for_what_comes),
        cmocka_unit_test(what_fails_leaves_nothing_armed),
        cmocka_unit_test(without_poll_it_fires_in_case),
        cmocka_unit_test(after_a_fork_only_the_parent_watches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

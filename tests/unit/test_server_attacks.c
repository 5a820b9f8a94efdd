/* SPDX-License-Identifier: MIT */
/* Stops that have to end, whoever waits for what, and hooks and other tasks that meddle with a connection: each case hung, lost
 * bytes or crashed once. */
#include "serving.h"

#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#define SOON 10.0           /* what takes longer hangs */
#define FOR_EVER 1000.0

/* A server of a test that failed may still serve: it is never on the stack. */
static serving *new_serving(void) {
    static serving all[256];
    static size_t used;
    assert_true(used < sizeof all / sizeof *all);
    return &all[used++];
}

/* The stop that cuts, which may have been asked for already. */
static void cut_serving(serving *s) {
    int64_t outer = hawser_deadline_push(SOON);
    int result = hawser_server_shutdown(s->server, 0, NULL);
    hawser_deadline_pop(outer);
    assert_result(result, 0);
    assert_int_equal(finish(&s->run), 0);
    close_server(s);
    assert_int_equal(s->counters.active + s->counters.kept, 0);
}

/* Stops that cut. */

#define CALLERS 2
#define CALLS 150           /* of each: its own descriptors and the server's fit into a usual limit */
#define AHEAD 8             /* calls that the server has not taken yet */

static struct {
    serving *to;
    sem_t turns;
    atomic_int calls;
    atomic_bool over;
    int fds[CALLERS][CALLS];
} crowd;

/* Whatever the server takes is followed by another call: what it finds in its queue never ends. */
static bool let_another_call(hawser_request *r) {
    (void)r;
    sem_post(&crowd.turns);
    return true;
}

static bool take_turn_to_call(void) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += (time_t)WAIT_LIMIT;
    return sem_timedwait(&crowd.turns, &limit) == 0 && !atomic_load(&crowd.over);
}

/* None of them says or closes anything. */
static long call_and_stay(void *argument) {
    const struct sockaddr *address = (const struct sockaddr *)&crowd.to->address;
    int *fds = argument;
    for (int i = 0; i < CALLS && take_turn_to_call(); i++) {
        fds[i] = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fds[i], address, crowd.to->address_len);
        atomic_fetch_add(&crowd.calls, 1);
    }
    return 0;
}

static void let_them_call(serving *s, runner *callers) {
    crowd.to = s;
    atomic_store(&crowd.calls, 0);
    atomic_store(&crowd.over, false);
    memset(crowd.fds, -1, sizeof crowd.fds);
    sem_init(&crowd.turns, 0, AHEAD);
    for (int i = 0; i < CALLERS; i++)
        start_thread(&callers[i], call_and_stay, crowd.fds[i]);
}

static void hang_up(int *fds) {
    for (int i = 0; i < CALLS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void send_them_home(runner *callers) {
    atomic_store(&crowd.over, true);
    for (int i = 0; i < CALLERS; i++)
        sem_post(&crowd.turns);
    for (int i = 0; i < CALLERS; i++) {
        finish(&callers[i]);
        hang_up(crowd.fds[i]);
    }
    sem_destroy(&crowd.turns);
}

static void listen_to_them(hawser_request *r) {
    char line[64];
    while (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_puts(r->wfile, line);
}

static void a_stop_that_cuts_ends_while_clients_go_on_connecting(const setting *in) {
    hawser_server_options options = {
        .concurrency = in->mode, .workers = in->mode == HAWSER_FIBERS ? 2 : 0, .verify_request = let_another_call};
    static runner callers[CALLERS];
    for (int round = 0; round < 8; round++) {
        serving *s = new_serving();
        serve(s, TCP, listen_to_them, &options);
        let_them_call(s, callers);
        assert_true(wait_for_count(&crowd.calls, 10 + 12 * round));
        cut_serving(s);
        send_them_home(callers);
    }
}

static void sleep_for_ever(hawser_request *r) {
    atomic_fetch_add(count_of(r, 0), 1);
    hawser_sleep(FOR_EVER);
}

/* Some of them begin to be handled after the cut. */
static void a_stop_that_cuts_ends_the_handlers_of_datagrams(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode, .workers = 2};
    for (int round = 0; round < 20; round++) {
        serving *s = new_serving();
        serve(s, UDP, sleep_for_ever, &options);
        int fd = open_client(s);
        assert_true(raw_write(fd, "x", 1));
        assert_true(wait_for_count(&s->board->counts[0], 1));
        for (int i = 0; i < 2 * round; i++)
            assert_true(raw_write(fd, "x", 1));
        hawser_server_stop(s->server, 0);
        for (int i = 0; i < 2; i++)
            (void)send(fd, "x", 1, MSG_NOSIGNAL);
        cut_serving(s);
        close(fd);
        assert_int_equal(s->counters.datagrams, s->counters.finished);
    }
}

static void keep_after_a_line(hawser_request *r) {
    char line[64];
    atomic_fetch_add(count_of(r, 0), 1);
    hawser_readline(r->rfile, line, sizeof line);
    hawser_keep(r);
}

static void wait_in_finish(hawser_request *r) {
    char line[64];
    atomic_fetch_add(count_of(r, 1), 1);
    hawser_readline(r->rfile, line, sizeof line);
}

/* One is cut while its handler waits, the other while it is kept. */
static void a_finish_that_waits_after_the_cut_does_not_hold_up_the_stop(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode, .workers = 3, .finish = wait_in_finish};
    serving *s = new_serving();
    serve(s, TCP, keep_after_a_line, &options);
    int silent = open_client(s), speaking = open_client(s);
    assert_true(raw_write(speaking, "a\n", 2));
    assert_true(wait_for_count(&s->board->counts[0], 2));
    assert_true(wait_until(one_is_kept, s));
    cut_serving(s);
    assert_int_equal(atomic_load(&s->board->counts[1]), 2);
    close(silent);
    close(speaking);
}

/* The run around it. */

static int cancel_when_it_is_served(void *argument) {
    serving *s = argument;
    while (atomic_load(&s->board->counts[0]) == 0)
        if (hawser_sleep(0.001) < 0)
            return 0;
    hawser_run_cancel();
    return 0;
}

static int serve_in_run(void *argument) {
    serving *s = argument;
    EXPECT(hawser_go(cancel_when_it_is_served, s) == 0);
    (void)hawser_serve_forever(s->server);
    return 0;
}

static long run_around(void *argument) {
    return hawser_run(serve_in_run, argument, &(hawser_run_options){.workers = 2, .stack_size = TEST_STACK});
}

static void a_run_that_is_cancelled_ends_the_server_inside_it(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode};
    serving *s = new_serving();
    make_server(s, TCP, keep_after_a_line, &options);
    int first = open_client(s), second = open_client(s);
    assert_true(raw_write(second, "a\n", 2));
    start_thread(&s->run, run_around, s);
    finish(&s->run);
    assert_as_expected();
    close_server(s);
    assert_int_equal(s->counters.active, 0);
    close(first);
    close(second);
}

/* The polite stop. */

#define QUEUED 12

static void answer_when_released(hawser_request *r) {
    char line[64];
    atomic_fetch_add(count_of(r, 0), 1);
    while (atomic_load(count_of(r, 1)) == 0)
        hawser_sleep(0.002);
    while (hawser_readline(r->rfile, line, sizeof line) > 0)
        hawser_printf(r->wfile, "OK %s", line);
}

static void a_polite_stop_serves_all_that_wait_for_a_child(const setting *in) {
    (void)in;
    hawser_server_options options = {.concurrency = HAWSER_FORKS, .max_children = 2};
    serving *s = new_serving();
    int fds[QUEUED];
    serve(s, TCP, answer_when_released, &options);
    for (int i = 0; i < QUEUED; i++) {
        fds[i] = open_client(s);
        assert_true(raw_write(fds[i], "x\n", 2));
        assert_int_equal(shutdown(fds[i], SHUT_WR), 0);
    }
    assert_true(wait_for_count(&s->board->counts[0], 2));
    hawser_server_stop(s->server, WAIT_LIMIT);
    atomic_store(&s->board->counts[1], 1);
    stop_serving(s);
    assert_int_equal(s->counters.finished, QUEUED);
    assert_int_equal(s->counters.cut, 0);
    for (int i = 0; i < QUEUED; i++) {
        assert_true(ask(fds[i], TCP, "", "OK x\n") && ends(fds[i]));
        close(fds[i]);
    }
}

/* Output that is held back. */

static hawser_mutex *mutex;
static hawser_cond *cond;

static const char much[1000000];
#define HELD 30000

static void stall_at_condition(hawser_request *r) {
    stuff(r->sock);
    if (hawser_mutex_lock(mutex) < 0)
        return;
    hawser_write(r->wfile, much, HELD);
    atomic_store(count_of(r, 0), 1);
    hawser_cond_wait(cond, mutex);
    hawser_mutex_unlock(mutex);
    atomic_store(count_of(r, 1), 1);
}

static bool take_turn(void) {
    if (hawser_mutex_lock(mutex) < 0)
        return false;
    hawser_cond_notify(cond);
    rest_a_moment();
    hawser_mutex_unlock(mutex);
    rest_a_moment();
    return true;
}

static bool take_turns(int turns) {
    int64_t outer = hawser_deadline_push(SOON);
    int taken = 0;
    while (taken < turns && take_turn())
        taken++;
    hawser_deadline_pop(outer);
    return taken == turns;
}

/* Its client does not read: what it wrote before the wait cannot go out, and it does not have the mutex meanwhile. A Unix
 * socket that is full stays so, while TCP goes on to move what it has taken, and makes room. */
static void who_still_sends_before_a_wait_does_not_get_the_mutex(const setting *in) {
    hawser_server_options options = {.concurrency = in->mode};
    serving *s = new_serving();
    mutex = hawser_mutex_new();
    cond = hawser_cond_new();
    assert_true(mutex && cond);
    serve(s, UNIX_STREAM, stall_at_condition, &options);
    int fd = open_client(s);
    assert_true(wait_for_count(&s->board->counts[0], 1));
    assert_true(take_turns(30));
    assert_int_equal(atomic_load(&s->board->counts[1]), 0);
    assert_true(raw_drain(fd) > HELD);
    assert_true(wait_for_count(&s->board->counts[1], 1));
    close(fd);
    stop_serving(s);
    hawser_mutex_free(mutex);
    hawser_cond_free(cond);
}

static atomic_bool foreign_started;

static int send_much(void *argument) {
    hawser_sock *sock = argument;
    atomic_store(&foreign_started, true);
    hawser_sendall(sock, much, sizeof much);
    hawser_unref(sock);
    return 0;
}

static void wait_for(atomic_int *count) {
    while (atomic_load(count) == 0 && hawser_sleep(0.002) == 0)
        ;
}

/* Of one worker: the other fiber has started, so it waits for the client by now. */
static void write_while_another_sends(hawser_request *r) {
    hawser_setsockopt_int(r->sock, SOL_SOCKET, SO_SNDBUF, 4096);
    if (hawser_go(send_much, hawser_ref(r->sock)) < 0)
        return;
    while (!atomic_load(&foreign_started))
        hawser_sleep(0.001);
    hawser_puts(r->wfile, "precious");
    hawser_sleep(0.002);
    atomic_store(count_of(r, 0), 1);
    wait_for(count_of(r, 1));
    note(board_of(r->server), "%s", hawser_puts(r->wfile, " more") == 5 ? "goes-on" : hawser_error());
}

static void what_is_held_back_outlives_what_another_task_sends(const setting *in) {
    static char got[sizeof much];
    (void)in;
    hawser_server_options options = {.workers = 1};
    serving *s = new_serving();
    atomic_store(&foreign_started, false);
    serve(s, TCP, write_while_another_sends, &options);
    int fd = open_client(s);
    assert_true(wait_for_count(&s->board->counts[0], 1));
    assert_true(raw_read(fd, got, sizeof got));
    atomic_store(&s->board->counts[1], 1);
    assert_true(ask(fd, TCP, "", "precious more"));
    assert_true(ends(fd));
    end_client(fd);
    stop_serving(s);
    assert_string_equal(s->board->text, "goes-on ");
    assert_int_equal(s->counters.broken, 0);
}

static const serving_case cases[] = {
    CASE(a_stop_that_cuts_ends_while_clients_go_on_connecting, BIT(HAWSER_FIBERS) | BIT(HAWSER_THREADS), 0),
    CASE(a_stop_that_cuts_ends_the_handlers_of_datagrams, BIT(HAWSER_FIBERS), 0),
    CASE(a_finish_that_waits_after_the_cut_does_not_hold_up_the_stop, BIT(HAWSER_FIBERS) | BIT(HAWSER_THREADS), 0),
    CASE(a_run_that_is_cancelled_ends_the_server_inside_it, ALL_MODES & ~BIT(HAWSER_FORKS), 0),
    CASE(a_polite_stop_serves_all_that_wait_for_a_child, BIT(HAWSER_FORKS), 0),
    CASE(who_still_sends_before_a_wait_does_not_get_the_mutex, BIT(HAWSER_FIBERS) | BIT(HAWSER_THREADS), 0),
    CASE(what_is_held_back_outlives_what_another_task_sends, BIT(HAWSER_FIBERS), 0),
};

int main(void) {
    return run_cases(cases);
}

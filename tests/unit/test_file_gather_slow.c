/* SPDX-License-Identifier: MIT */
/* What a handler has written when the peer takes it slowly, or not at all: it goes out with the next wait, and is told. */
#include "serving.h"

#include <errno.h>

static atomic_bool released;

static void wait_for_release(void) {
    while (!atomic_load(&released))
        hawser_sleep(0.002);
}

static ssize_t print_word(hawser_file *file) {
    return hawser_printf(file, "%s ", "word");
}

static ssize_t put_word(hawser_file *file) {
    return hawser_puts(file, "word ");
}

static ssize_t (*const ways[])(hawser_file *file) = {print_word, put_word};
static ssize_t (*way)(hawser_file *file);

/* The peer reads nothing. What a wait could not send in time stays, and the call after the wait says so. */
static void wait_in_vain(hawser_request *r) {
    board *on = board_of(r->server);
    (void)stuff(r->sock);
    hawser_settimeout(r->sock, 0.01);
    note(on, "%s", way(r->wfile) == 5 ? "held" : "refused");
    note(on, "%s", hawser_sleep(0.001) == 0 ? "slept" : hawser_error());
    ssize_t n = way(r->wfile);
    note(on, "%s", n < 0 && strstr(hawser_error(), "Timed out; 5 bytes were not sent") ? "told" : "not-told");
    note(on, "%s", way(r->wfile) == 5 ? "goes-on" : "refused");
    atomic_store(&on->counts[0], 1);
}

static void what_was_not_sent_in_time_is_told_by_every_way_to_write(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        serving s;
        way = ways[i];
        serve(&s, TCP, wait_in_vain, NULL);
        int fd = open_client(&s);
        assert_true(wait_for_count(&s.board->counts[0], 1));
        end_client(fd);
        stop_serving(&s);
        assert_string_equal(s.board->text, "held slept told goes-on ");
    }
}

/* Nothing is lost by that: what the flush left is sent by the next wait. */
static void flush_in_vain(hawser_request *r) {
    board *on = board_of(r->server);
    atomic_store(&on->counts[1], (int)stuff(r->sock));
    hawser_settimeout(r->sock, 0.01);
    note(on, "%s", way(r->wfile) == 5 ? "held" : "refused");
    note(on, "%s", hawser_flush(r->wfile) < 0 && errno == ETIMEDOUT ? "late" : "flushed");
    hawser_settimeout(r->sock, WAIT_LIMIT);
    atomic_store(&on->counts[0], 1);
    wait_for_release();
}

static void read_word_behind(serving *s, int fd) {
    static char got[1 << 24];
    size_t much = (size_t)atomic_load(&s->board->counts[1]);
    assert_true(much + 5 <= sizeof got && raw_read(fd, got, much + 5));
    assert_memory_equal(got + much, "word ", 5);
}

/* A word that HANDLER writes arrives before the handler is released, or has ended. */
static void check_word(void (*handler)(hawser_request *r), const char *noted) {
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        serving s;
        way = ways[i];
        atomic_store(&released, false);
        serve(&s, TCP, handler, NULL);
        int fd = open_client(&s);
        assert_true(wait_for_count(&s.board->counts[0], 1));
        read_word_behind(&s, fd);
        atomic_store(&released, true);
        assert_true(ends(fd));
        end_client(fd);
        stop_serving(&s);
        assert_string_equal(s.board->text, noted);
    }
}

static void what_a_flush_could_not_send_goes_out_before_the_next_wait(void **state) {
    (void)state;
    check_word(flush_in_vain, "held late ");
}

/* Its bytes are in the file, and go out with what comes next. */
static int write_in_vain(void *arg) {
    hawser_request *r = arg;
    board *on = board_of(r->server);
    note(on, "%s", way(r->wfile) < 0 ? "fails" : "works");
    note(on, "%s", hawser_moved() == 5 ? "5 taken" : "not taken");
    atomic_store(&released, true);
    return 0;
}

static void let_another_write_in_vain(hawser_request *r) {
    board *on = board_of(r->server);
    atomic_store(&on->counts[1], (int)stuff(r->sock));
    hawser_settimeout(r->sock, 0.01);
    assert_works(hawser_go(write_in_vain, r));
    wait_for_release();
    hawser_settimeout(r->sock, WAIT_LIMIT);
    atomic_store(&on->counts[0], 1);
}

static void of_what_others_write_in_vain_nothing_is_told_twice(void **state) {
    (void)state;
    check_word(let_another_write_in_vain, "fails 5 taken ");
}

#define PIECE ((size_t)40000)
#define PIECES 10

static ssize_t print_much(hawser_file *file, const char *much) {
    return hawser_printf(file, "%s", much);
}

static ssize_t (*const long_ways[])(hawser_file *file, const char *much) = {hawser_puts, print_much};
static ssize_t (*long_way)(hawser_file *file, const char *much);

/* The next piece fits when the one before has been sent, which takes a while. */
static void write_much_and_wait(hawser_request *r) {
    static char much[PIECE + 1];
    int few = 4096;
    memset(much, 'm', PIECE);
    assert_works(hawser_setsockopt(r->sock, SOL_SOCKET, SO_SNDBUF, &few, sizeof few));
    for (int i = 0; i < PIECES; i++)
        EXPECT(long_way(r->wfile, much) == (ssize_t)PIECE);
    wait_for_release();
}

static void what_was_held_back_after_a_wait_goes_out_before_the_next(void **state) {
    static char got[PIECE * PIECES];
    (void)state;
    for (size_t i = 0; i < sizeof long_ways / sizeof *long_ways; i++) {
        serving s;
        long_way = long_ways[i];
        atomic_store(&released, false);
        serve(&s, TCP, write_much_and_wait, NULL);
        int fd = open_client(&s);
        assert_true(raw_read(fd, got, sizeof got));
        atomic_store(&released, true);
        assert_true(ends(fd));
        end_client(fd);
        stop_serving(&s);
        assert_as_expected();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_sent_in_time_is_told_by_every_way_to_write),
        cmocka_unit_test(what_a_flush_could_not_send_goes_out_before_the_next_wait),
        cmocka_unit_test(of_what_others_write_in_vain_nothing_is_told_twice),
        cmocka_unit_test(what_was_held_back_after_a_wait_goes_out_before_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

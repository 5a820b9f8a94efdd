/* SPDX-License-Identifier: MIT */
/* sim/control and sim/life: what hosts can be called, what signals do to them, and how to wait for one that comes back. */
#include "support.h"

#include <signal.h>

#include "sim_call.h"

/* In a world a check that fails is the failure of the run, and its sentence that of the call. */
#define need(condition)                                                                                                       \
    do {                                                                                                                      \
        if (!(condition))                                                                                                     \
            hawser_sim_fail("line %d: %s (%s)", __LINE__, #condition, hawser_error());                                        \
    } while (0)
#define need_failure(call, wanted) need((int)(call) == -1 && errno == (wanted))

static int return_at_once(void *arg) {
    (void)arg;
    return 0;
}

static int fail_to_listen(void *arg) {
    (void)arg;
    return hawser_create_server("nowhere", 1, NULL) ? 0 : -1;
}

static void assert_makes(struct call *call, int result) {
    int made = make(call);
    if (made != result)
        fail_msg("%d in place of %d: %s", made, result, call->said);
}

/* Names. */

static int try_names(void *arg) {
    static const char *const faults[][2] = {
        {"", "a host has a name"}, {"localhost", "every host is that to itself"}, {"LocalHost", "every host is that to itself"},
        {"10.0.0.1", "taken for a numeric address"}, {"1", "taken for a numeric address"},
        {"0x7f.1", "taken for a numeric address"}, {".", "empty part"}, {"a..b", "empty part"}, {"a.", "empty part"},
        {".a", "empty part"}, {"a b", "letters, digits"}, {"a_b", "letters, digits"}, {"::1", "letters, digits"},
        {"a\nb", "letters, digits"}, {"\303\244", "letters, digits"}, {"-", "begins or ends with"},
        {"a-.b", "begins or ends with"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "63 characters at most"},
    };
    (void)arg;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        need_failure(hawser_sim_start(faults[i][0], return_at_once, NULL), EINVAL);
        need(strstr(hawser_error(), faults[i][1]));
    }
    need_failure(hawser_sim_start("Main", return_at_once, NULL), EEXIST);
    need_failure(hawser_sim_start("MAIN", return_at_once, NULL), EEXIST);
    need(hawser_sim_start("db-1.eu.example", return_at_once, NULL) == 1);
    need(hawser_sim_start("10.example", return_at_once, NULL) == 2);
    need(hawser_sim_start("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", return_at_once, NULL) == 3);
    hawser_addrinfo *list = NULL;
    need(hawser_getaddrinfo("DB-1.eu.Example", "1", AF_INET, SOCK_STREAM, 0, 0, &list) == 0);
    hawser_freeaddrinfo(list);
    return 7;
}

static void a_name_that_cannot_work_is_refused_by_its_rule(void **state) {
    (void)state;
    struct call call = {.seed = 1, .scenario = try_names};
    assert_makes(&call, 7);
}

/* Signals. */

static int send_signals(void *arg) {
    static const int ignored[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH}, stop[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
    int host = hawser_sim_start("sleeper", sleep_long, arg);
    hawser_sleep(1);
    for (size_t i = 0; i < 4; i++) {
        need(hawser_sim_kill(host, ignored[i]) == 0);
        need_failure(hawser_sim_kill(host, stop[i]), EOPNOTSUPP);
        need(hawser_sim_running(host));
    }
    need(hawser_sim_kill(host, SIGTERM) == 0);
    need(!hawser_sim_running(host));
    return 7;
}

static void a_signal_does_to_a_program_what_it_does_by_default(void **state) {
    (void)state;
    struct call call = {.seed = 1, .scenario = send_signals};
    assert_makes(&call, 7);
}

/* Links. */

static int set_wrong_link(void *arg) {
    (void)arg;
    int host = hawser_sim_start("other", return_at_once, NULL);
    need_failure(hawser_sim_set_link(0, host, &(hawser_sim_link){.reorder = 1.5}), EINVAL);
    need(strcmp(hawser_error(), "set a link whose reorder is 1.5; it is a probability, from 0 to 1") == 0);
    return 7;
}

static void a_link_is_refused_with_value_and_range(void **state) {
    (void)state;
    struct call call = {.seed = 1, .scenario = set_wrong_link};
    assert_makes(&call, 7);
}

/* Coming back. */

static int crash_and_wait(void *arg) {
    int host = hawser_sim_start("sleeper", sleep_long, arg);
    need(hawser_sim_running(host) && hawser_sim_running(0));
    need(!hawser_sim_running(2));
    need(!hawser_sim_running(-1));
    need_failure(hawser_sim_join(0), EINVAL);
    hawser_sleep(1);
    hawser_sim_crash(host);
    need(!hawser_sim_running(host));
    need_failure(hawser_sim_join(host), ECONNABORTED);
    hawser_sim_restart(host);
    need(hawser_sim_running(host));
    return hawser_sim_join(host);
}

static void who_has_crashed_is_seen_not_to_run(void **state) {
    (void)state;
    struct call call = {.seed = 1, .scenario = crash_and_wait};
    assert_makes(&call, 0);
    assert_false(hawser_sim_running(0));
}

/* As the manual says it. */
static int wait_until_it_returns(void *arg) {
    int host = hawser_sim_start("sleeper", sleep_long, arg);
    while (hawser_sim_join(host) < 0 && errno == ECONNABORTED)
        hawser_sleep(0.1);
    return hawser_sim_now() > 100 ? 0 : -1;
}

static void a_host_that_crashes_can_be_waited_for_until_it_has_done_its_work(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct call call = {.seed = seed, .scenario = wait_until_it_returns, .model = {.crash_every = 100, .crash_time = 1}};
        assert_makes(&call, 0);
    }
}

/* What there is none of. */

static void handle(hawser_request *request) {
    (void)request;
}

static int serve_in_processes(void *arg) {
    hawser_server_options options = {.concurrency = HAWSER_FORKS};
    hawser_server *server = hawser_tcp_server("", 80, handle, &options);
    (void)arg;
    need(server);
    need_failure(hawser_serve_forever(server), EOPNOTSUPP);
    need(strstr(hawser_error(), "serve in processes on a simulated host"));
    need_failure(hawser_handle_request(server), EOPNOTSUPP);
    hawser_server_close(server);
    need(!hawser_socket(AF_INET, SOCK_RAW, 1) && errno == EPROTONOSUPPORT);
    need(!hawser_socket(AF_PACKET, SOCK_RAW, 0) && errno == EAFNOSUPPORT);
    return 7;
}

static void what_a_host_cannot_do_fails_at_the_start(void **state) {
    (void)state;
    struct call call = {.seed = 1, .scenario = serve_in_processes};
    assert_makes(&call, 7);
}

/* Ends. */

static void keep_end(const char *line, void *arg) {
    if (strstr(line, " host end"))
        snprintf(arg, SAID, "%s", line);
}

static int run_a_host_that_fails(void *arg) {
    int host = hawser_sim_start("host", fail_to_listen, arg);
    hawser_sim_join(host);
    return 0;
}

static void why_a_program_failed_is_in_the_trace(void **state) {
    (void)state;
    char line[SAID] = "";
    struct call call = {.seed = 1, .scenario = run_a_host_that_fails, .model = {.trace = keep_end, .trace_arg = line}};
    assert_makes(&call, 0);
    assert_non_null(strstr(line, "end, failed: listen on nowhere:1: "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test(a_name_that_cannot_work_is_refused_by_its_rule),
        test(a_signal_does_to_a_program_what_it_does_by_default),
        test(a_link_is_refused_with_value_and_range),
        test(who_has_crashed_is_seen_not_to_run),
        test(a_host_that_crashes_can_be_waited_for_until_it_has_done_its_work),
        test(what_a_host_cannot_do_fails_at_the_start),
        test(why_a_program_failed_is_in_the_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

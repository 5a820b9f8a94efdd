/* SPDX-License-Identifier: MIT */
/* net/services: names of services and protocols. Machines without the tables (Debian: netbase) skip what is about their
 * content. */
#include "helpers.h"
#include "support.h"

#include <limits.h>
#include <unistd.h>

static bool have(const char *path) {
    return access(path, R_OK) == 0;
}

static void services_have_ports_and_ports_have_services(void **state) {
    (void)state;
    char name[NI_MAXSERV];
    if (!have("/etc/services"))
        skip();
    assert_int_equal(assert_works(hawser_getservbyname("http", "tcp")), 80);
    assert_int_equal(assert_works(hawser_getservbyname("ssh", NULL)), 22);
    assert_works(hawser_getservbyport(80, "tcp", name, sizeof name));
    assert_string_equal(name, "http");
    assert_works(hawser_getservbyport(53, "udp", name, sizeof name));
    assert_string_equal(name, "domain");
    assert_works(hawser_getservbyport(22, NULL, name, 4));
    assert_fails(hawser_getservbyport(22, NULL, name, 3), HAWSER_EOVERFLOW);
}

static void services_that_do_not_exist_are_refused(void **state) {
    (void)state;
    char name[NI_MAXSERV];
    assert_fails(hawser_getservbyname("nosuch", "tcp"), HAWSER_ENOSERVICE);
    assert_sentence("look up service nosuch/tcp: No such service");
    assert_fails(hawser_getservbyname("nosuch", NULL), HAWSER_ENOSERVICE);
    assert_sentence("look up service nosuch: No such service");
    assert_fails(hawser_getservbyport(80, "nosuch", name, sizeof name), HAWSER_ENOSERVICE);
    assert_sentence("look up service at port 80/nosuch: No such service");
}

static void ports_outside_0_to_65535_are_refused_before_anybody_is_asked(void **state) {
    (void)state;
    static const int ports[] = {-1, 65536, INT_MIN, INT_MAX};
    char name[NI_MAXSERV];
    for (size_t i = 0; i < 4; i++) {
        syscalls_made();
        assert_fails(hawser_getservbyport(ports[i], "tcp", name, sizeof name), ERANGE);
        assert_int_equal(syscalls_made(), 0);
    }
    assert_fails(hawser_getservbyport(65536, "tcp", name, sizeof name), ERANGE);
    assert_sentence("look up service at port 65536/tcp: port must be 0 to 65535");
}

static void protocols_have_numbers(void **state) {
    (void)state;
    assert_fails(hawser_getprotobyname("nosuch"), HAWSER_ENONAME);
    assert_sentence("look up protocol nosuch: Name or service not known");
    if (!have("/etc/protocols"))
        skip();
    assert_int_equal(assert_works(hawser_getprotobyname("icmp")), IPPROTO_ICMP);
    assert_int_equal(assert_works(hawser_getprotobyname("tcp")), IPPROTO_TCP);
}

static void codes_of_the_tables_come_up_as_they_are(void **state) {
    (void)state;
    char name[NI_MAXSERV] = "old";
    fault_syscall("getservbyname", 1, EMFILE, 1);
    fault_everywhere();
    assert_fails(hawser_getservbyname("http", "tcp"), EMFILE);
    fault_syscall("getservbyport", 1, ENOMEM, 1);
    fault_everywhere();
    assert_fails(hawser_getservbyport(80, "tcp", name, sizeof name), ENOMEM);
    fault_syscall("getprotobyname", 1, EMFILE, 1);
    fault_everywhere();
    assert_fails(hawser_getprotobyname("tcp"), EMFILE);
    assert_true(fault_none());
    assert_string_equal(name, "old");
}

/* What is not there is no failure of this scenario, but running out of something is. */
static int absent(int result, int code) {
    return result == -1 && errno == code ? 0 : -1;
}

static int asks_everything(void *argument) {
    (void)argument;
    char text[NI_MAXSERV];
    ALWAYS(helpers_gone()); /* so that each look-up makes the same calls in every run */
    TRY(absent(hawser_getservbyport(9, "nosuch", text, sizeof text), HAWSER_ENOSERVICE));
    ALWAYS(helpers_gone());
    TRY(absent(hawser_getservbyname("nosuch", NULL), HAWSER_ENOSERVICE));
    ALWAYS(helpers_gone());
    TRY(absent(hawser_getprotobyname("nosuch"), HAWSER_ENONAME));
    return 0;
out:
    return -1;
}

static void whatever_fails_nothing_leaks(void **state) {
    (void)state;
    assert_true(sweep_allocations(asks_everything, NULL) >= 6);
    assert_true(sweep_syscalls(asks_everything, NULL, EMFILE, "eventfd") >= 3);
    assert_true(helpers_gone());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_have_ports_and_ports_have_services),
        cmocka_unit_test(services_that_do_not_exist_are_refused),
        cmocka_unit_test(ports_outside_0_to_65535_are_refused_before_anybody_is_asked),
        cmocka_unit_test(protocols_have_numbers),
        cmocka_unit_test(codes_of_the_tables_come_up_as_they_are),
        cmocka_unit_test(whatever_fails_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * net/names: names of hosts, and of this one. Of this machine only one thing is taken for granted: "localhost" is
 * 127.0.0.1, and 127.0.0.1 has a name in the hosts file. Answers of name servers are simulated.
 */
#include "helpers.h"
#include "support.h"

#include "engine/engines.h"

#include <limits.h>
#include <unistd.h>

static hawser_addr ip(const char *host, int port) {
    hawser_addr addr;
    assert_result(hawser_addr_ip(&addr, host, port), 0);
    return addr;
}

/* The next look-up through CALL ends with CODE. */
static void answer_with(const char *call, int code) {
    fault_syscall(call, 1, code, 1);
    fault_everywhere();
}

/* An engine that knows one host, and remembers which names it was asked for. */
static struct {
    const struct hostent *entry;
    int flags;
} known;

static int known_resolve(hawser__engine *engine, hawser__lookup *lookup, hawser__deadline deadline) {
    (void)engine, (void)deadline;
    known.flags = lookup->flags;
    strcpy(lookup->host_out, "some.host");
    strcpy(lookup->service_out, "some-service");
    lookup->error = lookup->kind == HAWSER__LOOKUP_HOSTBYADDR ? -hawser__hostent_new(known.entry, &lookup->entry) : 0;
    return 0;
}

static void use_known_engine(void) {
    static struct hawser__engine_ops ops;
    static hawser__engine engine = {.ops = &ops};
    ops = *hawser__poll_engine.ops;
    ops.resolve = known_resolve;
    hawser__engine_use(&engine);
}

static bool have(const char *path) {
    return access(path, R_OK) == 0;
}

/* getnameinfo. */

static void trap_22_numeric_names_are_given_without_helper_or_system_call(void **state) {
    (void)state;
    static const struct {
        const char *host;
        int port;
        const char *host_text, *port_text;
    } cases[] = {
        {"127.0.0.1", 80, "127.0.0.1", "80"},
        {"::1", 65535, "::1", "65535"},
        {"0.0.0.0", 0, "0.0.0.0", "0"},
        {"::ffff:192.0.2.7", 1, "192.0.2.7", "1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char host[NI_MAXHOST], service[NI_MAXSERV];
        hawser_addr addr = ip(cases[i].host, cases[i].port);
        syscalls_made();
        assert_works(hawser_getnameinfo(&addr, NI_NUMERICHOST | NI_NUMERICSERV, host, sizeof host, service, sizeof service));
        assert_int_equal(syscalls_made(), 0);
        assert_string_equal(host, cases[i].host_text);
        assert_string_equal(service, cases[i].port_text);
    }
}

static void only_what_is_asked_for_is_looked_up(void **state) {
    (void)state;
    char host[NI_MAXHOST], service[NI_MAXSERV];
    hawser_addr addr = ip("127.0.0.1", 80);
    syscalls_made();
    assert_works(hawser_getnameinfo(&addr, NI_NUMERICHOST, host, sizeof host, NULL, 0));
    assert_string_equal(host, "127.0.0.1");
    assert_works(hawser_getnameinfo(&addr, NI_NUMERICSERV, NULL, 0, service, sizeof service));
    assert_string_equal(service, "80");
    assert_int_equal(syscalls_made(), 0);
}

static void a_name_nobody_wants_is_not_looked_up(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    char host[NI_MAXHOST], service[NI_MAXSERV];
    hawser_addr addr = ip("127.0.0.1", 80);
    use_known_engine();
    assert_works(hawser_getnameinfo(&addr, NI_DGRAM, NULL, 0, service, sizeof service));
    assert_string_equal(service, "some-service");
    assert_int_equal(known.flags, NI_DGRAM | NI_NUMERICHOST);
    assert_works(hawser_getnameinfo(&addr, NI_NOFQDN, host, sizeof host, NULL, 0));
    assert_string_equal(host, "some.host");
    assert_int_equal(known.flags, NI_NOFQDN | NI_NUMERICSERV);
    assert_works(hawser_getnameinfo(&addr, NI_NUMERICHOST, host, sizeof host, service, sizeof service));
    assert_string_equal(host, "127.0.0.1");
    assert_string_equal(service, "some-service");
    hawser__engine_use(NULL);
}

static void the_name_of_the_loopback_address_is_in_the_hosts_file(void **state) {
    (void)state;
    char host[NI_MAXHOST], service[NI_MAXSERV];
    hawser_addr addr = ip("127.0.0.1", 80), mapped = ip("::ffff:127.0.0.1", 80);
    assert_works(hawser_getnameinfo(&addr, NI_NAMEREQD | NI_NUMERICSERV, host, sizeof host, service, sizeof service));
    assert_string_not_equal(host, "127.0.0.1");
    assert_string_equal(service, "80");
    char again[NI_MAXHOST];
    assert_works(hawser_getnameinfo(&mapped, NI_NAMEREQD, again, sizeof again, NULL, 0));
    assert_string_equal(again, host);
}

static void services_have_names_for_streams_and_for_datagrams(void **state) {
    (void)state;
    char host[NI_MAXHOST], service[NI_MAXSERV];
    if (!have("/etc/services"))
        skip();
    hawser_addr addr = ip("127.0.0.1", 80), tftp = ip("127.0.0.1", 69);
    assert_works(hawser_getnameinfo(&addr, NI_NUMERICHOST, host, sizeof host, service, sizeof service));
    assert_string_equal(host, "127.0.0.1");
    assert_string_equal(service, "http");
    assert_works(hawser_getnameinfo(&tftp, NI_DGRAM, NULL, 0, service, sizeof service));
    assert_string_equal(service, "tftp");
}

static void names_fit_or_are_refused_whole(void **state) {
    (void)state;
    char host[NI_MAXHOST], service[NI_MAXSERV];
    hawser_addr addr = ip("127.0.0.1", 80);
    const int flags = NI_NUMERICHOST | NI_NUMERICSERV;
    assert_fails(hawser_getnameinfo(&addr, flags, host, 9, service, sizeof service), HAWSER_EOVERFLOW);
    assert_fails(hawser_getnameinfo(&addr, flags, host, sizeof host, service, 2), HAWSER_EOVERFLOW);
    assert_fails(hawser_getnameinfo(&addr, flags, host, 0, service, 0), HAWSER_EOVERFLOW);
    assert_works(hawser_getnameinfo(&addr, flags, host, 10, service, 3));
}

static void addresses_without_a_name_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"unix:/x", "netlink:1:2", "vsock:1:2", "family:2:0050"};
    char host[NI_MAXHOST];
    hawser_addr addr = {.len = 0};
    assert_fails(hawser_getnameinfo(&addr, NI_NUMERICHOST, host, sizeof host, NULL, 0), EAFNOSUPPORT);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_works(hawser_addr_parse(&addr, texts[i]));
        assert_fails(hawser_getnameinfo(&addr, NI_NUMERICHOST, host, sizeof host, NULL, 0), EAFNOSUPPORT);
    }
}

static void wrong_questions_about_names_are_refused(void **state) {
    (void)state;
    char host[NI_MAXHOST];
    hawser_addr addr = ip("127.0.0.1", 80);
    assert_fails(hawser_getnameinfo(&addr, 1 << 30, host, sizeof host, NULL, 0), HAWSER_EFLAGS);
    assert_fails(hawser_getnameinfo(&addr, 0, NULL, 0, NULL, 0), HAWSER_ENONAME);
    assert_fails(hawser_getnameinfo(&addr, NI_NAMEREQD | NI_NUMERICHOST, host, sizeof host, NULL, 0), HAWSER_ENONAME);
    answer_with("getnameinfo", HAWSER_ETRYAGAIN);
    assert_fails(hawser_getnameinfo(&addr, 0, host, sizeof host, NULL, 0), HAWSER_ETRYAGAIN);
    assert_sentence("look up names of 127.0.0.1:80: The name server did not answer");
    fault_none();
}

/* gethostbyname and its relatives. */

static void the_address_of_a_host_is_text(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"127.0.0.1", "127.0.0.1"}, {"", "0.0.0.0"}, {NULL, "0.0.0.0"}, {"<broadcast>", "255.255.255.255"}};
    char text[INET_ADDRSTRLEN];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        syscalls_made();
        assert_works(hawser_gethostbyname(cases[i][0], text, sizeof text));
        assert_int_equal(syscalls_made(), 0);
        assert_string_equal(text, cases[i][1]);
    }
    assert_works(hawser_gethostbyname("localhost", text, sizeof text));
    assert_string_equal(text, "127.0.0.1");
}

static void a_host_without_an_ipv4_address_has_no_address_as_text(void **state) {
    (void)state;
    char text[INET_ADDRSTRLEN] = "old";
    assert_fails(hawser_gethostbyname("::1", text, sizeof text), HAWSER_ENOADDRESS);
    answer_with("getaddrinfo", HAWSER_ENONAME);
    assert_fails(hawser_gethostbyname("nosuch.invalid", text, sizeof text), HAWSER_ENONAME);
    assert_sentence("look up nosuch.invalid: Name or service not known");
    assert_fails(hawser_gethostbyname("127.0.0.1", text, 9), HAWSER_EOVERFLOW);
    assert_string_equal(text, "old");
    fault_none();
}

static void everything_about_a_host_comes_in_one_entry(void **state) {
    (void)state;
    hawser_hostent *entry = NULL;
    census before = take_census();
    syscalls_made();
    assert_works(hawser_gethostbyname_ex("192.0.2.7", &entry));
    assert_int_equal(syscalls_made(), 0);
    assert_string_equal(entry->name, "192.0.2.7");
    assert_null(entry->aliases[0]);
    assert_string_equal(entry->addresses[0], "192.0.2.7");
    assert_null(entry->addresses[1]);
    assert_works((hawser_freehostent(entry), 0));
    assert_works(hawser_gethostbyname_ex("localhost", &entry));
    assert_string_equal(entry->addresses[0], "127.0.0.1");
    hawser_freehostent(entry);
    before.descriptors = open_descriptors(); /* this task may have got its wake descriptor */
    assert_null(compare_census(before));
}

static void an_entry_that_does_not_exist_has_a_code(void **state) {
    (void)state;
    hawser_hostent *entry = NULL;
    static const int codes[] = {HAWSER_ENONAME, HAWSER_ETRYAGAIN, HAWSER_ENAMESERVER, HAWSER_ENOADDRESS, EMFILE};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        answer_with("gethostbyname", codes[i]);
        assert_fails(hawser_gethostbyname_ex("nosuch.invalid", &entry), codes[i]);
        answer_with("gethostbyaddr", codes[i]);
        assert_fails(hawser_gethostbyaddr("192.0.2.7", &entry), codes[i]);
        assert_sentence_has("look up 192.0.2.7: ");
        assert_true(fault_none());
    }
    assert_fails(hawser_gethostbyname_ex("::1", &entry), HAWSER_ENOADDRESS);
    assert_null(entry);
}

static void a_host_is_found_from_its_address_and_from_a_name(void **state) {
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "::ffff:127.0.0.1"};
    for (size_t i = 0; i < 2; i++) {
        hawser_hostent *entry = NULL;
        assert_works(hawser_gethostbyaddr(hosts[i], &entry));
        assert_string_not_equal(entry->name, "");
        assert_string_equal(entry->addresses[0], "127.0.0.1");
        hawser_freehostent(entry);
    }
    answer_with("getaddrinfo", HAWSER_ETRYAGAIN);
    hawser_hostent *entry = NULL;
    assert_fails(hawser_gethostbyaddr("some.name", &entry), HAWSER_ETRYAGAIN);
    fault_none();
}

/* This machine. */

static void the_name_of_this_machine_is_that_of_libc(void **state) {
    (void)state;
    skip_in_world("its hosts have names of their own");
    char ours[HOST_NAME_MAX + 1], theirs[HOST_NAME_MAX + 1];
    assert_int_equal(gethostname(theirs, sizeof theirs), 0);
    assert_works(hawser_gethostname(ours, sizeof ours));
    assert_string_equal(ours, theirs);
    assert_works(hawser_gethostname(ours, strlen(theirs) + 1));
    assert_fails(hawser_gethostname(ours, strlen(theirs)), HAWSER_EOVERFLOW);
    assert_fails(hawser_gethostname(ours, 0), HAWSER_EOVERFLOW);
    assert_sentence("get host name: The buffer is too small for the result");
}

static void a_name_that_may_not_be_set_is_not_set(void **state) {
    (void)state;
    char before[HOST_NAME_MAX + 1], after[HOST_NAME_MAX + 1], longer[66];
    assert_works(hawser_gethostname(before, sizeof before));
    fault_syscall("sethostname", 1, EPERM, 1);
    assert_fails(hawser_sethostname("other"), EPERM);
    assert_sentence("set host name to other: Operation not permitted");
    memset(longer, 'n', 65);
    longer[65] = '\0';
    assert_int_equal(hawser_sethostname(longer), -1);
    assert_true(errno == EINVAL || errno == EPERM);
    assert_works(hawser_gethostname(after, sizeof after));
    assert_string_equal(after, before);
}

static void a_full_name_without_an_answer_is_the_name_as_it_is(void **state) {
    (void)state;
    char out[300], own[HOST_NAME_MAX + 1];
    static const char *const these[] = {NULL, "", "0.0.0.0", "::"};
    assert_works(hawser_gethostname(own, sizeof own));
    for (size_t i = 0; i < 4; i++) {
        fault_syscall("getaddrinfo", 1, HAWSER_ENONAME, 2);
        fault_everywhere();
        assert_works(hawser_getfqdn(these[i], out, sizeof out));
        assert_string_equal(out, own);
    }
    answer_with("getaddrinfo", HAWSER_ETRYAGAIN);
    assert_works(hawser_getfqdn("nosuch.invalid", out, sizeof out));
    assert_string_equal(out, "nosuch.invalid");
    answer_with("gethostbyaddr", HAWSER_ETRYAGAIN);
    assert_works(hawser_getfqdn("192.0.2.7", out, sizeof out));
    assert_string_equal(out, "192.0.2.7");
    fault_none();
}

static void a_full_name_is_the_first_with_a_dot_or_the_official_one(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    char plain[] = "host", alias[] = "alias", dotted[] = "host.example", other[] = "other.example", out[300];
    char *const cases[][4] = {
        /* official name, aliases, and what is expected */
        {plain, alias, dotted, dotted},
        {plain, dotted, other, dotted},
        {dotted, other, alias, dotted},
        {plain, alias, alias, plain},
    };
    char *addresses[] = {NULL};
    use_known_engine();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *aliases[] = {cases[i][1], cases[i][2], NULL};
        const struct hostent entry = {
            .h_name = cases[i][0], .h_aliases = aliases, .h_addrtype = AF_INET, .h_length = 4, .h_addr_list = addresses};
        known.entry = &entry;
        assert_works(hawser_getfqdn("192.0.2.7", out, sizeof out));
        assert_string_equal(out, cases[i][3]);
    }
    hawser__engine_use(NULL);
}

static void a_full_name_fits_or_is_refused_whole(void **state) {
    (void)state;
    char out[300] = "old";
    answer_with("gethostbyaddr", HAWSER_ENONAME);
    assert_fails(hawser_getfqdn("192.0.2.7", out, 9), HAWSER_EOVERFLOW);
    assert_sentence("look up full name of 192.0.2.7: The buffer is too small for the result");
    assert_string_equal(out, "old");
    fault_syscall("gethostname", 1, EFAULT, 1);
    assert_fails(hawser_getfqdn("", out, sizeof out), EFAULT);
    assert_true(fault_none());
}

static int asks_everything(void *argument) {
    (void)argument;
    int result = -1;
    char text[NI_MAXHOST];
    hawser_hostent *by_name = NULL, *by_address = NULL;
    hawser_addr addr = {.len = 0};
    TRY(hawser_addr_ip(&addr, "127.0.0.1", 80));
    ALWAYS(helpers_gone()); /* so that each look-up makes the same calls in every run */
    TRY(hawser_getnameinfo(&addr, 0, text, sizeof text, NULL, 0));
    ALWAYS(helpers_gone());
    TRY(hawser_gethostbyname("localhost", text, sizeof text));
    ALWAYS(helpers_gone());
    TRY(hawser_gethostbyname_ex("localhost", &by_name));
    ALWAYS(helpers_gone());
    TRY(hawser_gethostbyaddr("127.0.0.1", &by_address));
    TRY(hawser_gethostname(text, sizeof text));
    ALWAYS(helpers_gone());
    TRY(hawser_getfqdn("127.0.0.1", text, sizeof text));
    result = 0;
out:
    hawser_freehostent(by_name);
    hawser_freehostent(by_address);
    return result;
}

static void whatever_fails_nothing_leaks(void **state) {
    (void)state;
    assert_true(sweep_allocations(asks_everything, NULL) >= 10);
    assert_true(sweep_syscalls(asks_everything, NULL, EMFILE, "eventfd") >= 8);
    assert_true(helpers_gone());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trap_22_numeric_names_are_given_without_helper_or_system_call),
        cmocka_unit_test(only_what_is_asked_for_is_looked_up),
        cmocka_unit_test(a_name_nobody_wants_is_not_looked_up),
        cmocka_unit_test(the_name_of_the_loopback_address_is_in_the_hosts_file),
        cmocka_unit_test(services_have_names_for_streams_and_for_datagrams),
        cmocka_unit_test(names_fit_or_are_refused_whole),
        cmocka_unit_test(addresses_without_a_name_are_refused),
        cmocka_unit_test(wrong_questions_about_names_are_refused),
        cmocka_unit_test(the_address_of_a_host_is_text),
        cmocka_unit_test(a_host_without_an_ipv4_address_has_no_address_as_text),
        cmocka_unit_test(everything_about_a_host_comes_in_one_entry),
        cmocka_unit_test(an_entry_that_does_not_exist_has_a_code),
        cmocka_unit_test(a_host_is_found_from_its_address_and_from_a_name),
        cmocka_unit_test(the_name_of_this_machine_is_that_of_libc),
        cmocka_unit_test(a_name_that_may_not_be_set_is_not_set),
        cmocka_unit_test(a_full_name_without_an_answer_is_the_name_as_it_is),
        cmocka_unit_test(a_full_name_is_the_first_with_a_dot_or_the_official_one),
        cmocka_unit_test(a_full_name_fits_or_is_refused_whole),
        cmocka_unit_test(whatever_fails_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

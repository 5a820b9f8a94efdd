/* SPDX-License-Identifier: MIT */
/*
 * net/addrinfo: addresses for host and service. Names that nobody has are simulated: a test asks no name server. What is known
 * of "localhost" is only that all its addresses are loopback.
 */
#include "helpers.h"
#include "support.h"

#include "engine/engines.h"
#include "net/names.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static hawser_addrinfo *found(const char *host, const char *service, int family, int type, int proto, int flags) {
    hawser_addrinfo *list = NULL;
    assert_works(hawser_getaddrinfo(host, service, family, type, proto, flags, &list));
    assert_non_null(list);
    return list;
}

static size_t length(const hawser_addrinfo *list) {
    size_t n = 0;
    for (; list; list = list->next)
        n++;
    return n;
}

/* The list as one line: "1/6 127.0.0.1:80, 2/17 ..."; frees it. */
static const char *line(hawser_addrinfo *list) {
    static char text[2000];
    size_t used = 0;
    text[0] = '\0';
    for (hawser_addrinfo *at = list; at; at = at->next) {
        assert_int_equal(at->family, hawser_addr_family(&at->addr));
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d/%d %s", used ? ", " : "", at->type, at->proto,
                                 hawser_addr_str(&at->addr));
    }
    hawser_freeaddrinfo(list);
    return text;
}

#define assert_fails_to_find(code, ...)                                                                                        \
    do {                                                                                                                       \
        hawser_addrinfo *list_ = NULL;                                                                                         \
        assert_fails(hawser_getaddrinfo(__VA_ARGS__, &list_), code);                                                           \
        assert_null(list_);                                                                                                    \
    } while (0)

static void trap_22_numeric_hosts_take_neither_helper_nor_system_call(void **state) {
    (void)state;
    static const struct {
        const char *host, *service;
        int family, type, proto, flags;
        const char *line;
    } cases[] = {
        {"127.0.0.1", "80", AF_UNSPEC, SOCK_STREAM, 0, 0, "1/6 127.0.0.1:80"},
        {"127.0.0.1", NULL, AF_INET, SOCK_DGRAM, 0, 0, "2/17 127.0.0.1:0"},
        {"127.0.0.1", "", AF_INET, SOCK_RAW, IPPROTO_ICMP, 0, "3/1 127.0.0.1:0"},
        {"::1", "65535", AF_INET6, 0, IPPROTO_TCP, 0, "1/6 [::1]:65535"},
        {"::ffff:1.2.3.4", "0", AF_INET6, SOCK_STREAM, 0, AI_NUMERICHOST | AI_NUMERICSERV, "1/6 1.2.3.4:0"},
        {NULL, "80", AF_UNSPEC, SOCK_STREAM, 0, AI_PASSIVE, "1/6 [::]:80, 1/6 0.0.0.0:80"},
        {"", "80", AF_UNSPEC, SOCK_STREAM, 0, 0, "1/6 [::1]:80, 1/6 127.0.0.1:80"},
        {NULL, "80", AF_INET, SOCK_STREAM, IPPROTO_TCP, AI_PASSIVE, "1/6 0.0.0.0:80"},
        {NULL, "80", AF_INET6, SOCK_STREAM, 0, 0, "1/6 [::1]:80"},
    };
    assert_true(helpers_gone());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        syscalls_made();
        hawser_addrinfo *list =
            found(cases[i].host, cases[i].service, cases[i].family, cases[i].type, cases[i].proto, cases[i].flags);
        assert_int_equal(syscalls_made(), 0);
        assert_string_equal(line(list), cases[i].line);
    }
    assert_true(no_helpers(NULL));
}

#define NUMERIC_ROUNDS 100

static bool answers_numeric_hosts(void) {
    bool all = true;
    for (int i = 0; i < NUMERIC_ROUNDS; i++) {
        hawser_addrinfo *list = NULL;
        all = hawser_getaddrinfo(i % 2 ? "::1" : "192.0.2.7", "80", AF_UNSPEC, 0, 0, 0, &list) == 0 && list && all;
        hawser_freeaddrinfo(list);
    }
    return all;
}

/* The kernel ends a process in this mode at any call but read, write and exit. The first time fills malloc's store. */
static int answer_without_the_kernel(void) {
    if (!answers_numeric_hosts() || prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        return 2;
    return answers_numeric_hosts() ? 0 : 1;
}

static void numeric_hosts_are_answered_where_no_system_call_is_allowed(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    skip(); /* which make calls of their own */
#endif
    needs_gnu_libc("its malloc keeps what was freed");
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        syscall(SYS_exit, answer_without_the_kernel());
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        skip(); /* no such mode: under an emulator */
    assert_int_equal(status, 0);
}

static void trap_22_only_without_a_type_does_an_address_come_three_times(void **state) {
    (void)state;
    assert_string_equal(line(found("127.0.0.1", "80", AF_INET, 0, 0, 0)),
                        "1/6 127.0.0.1:80, 2/17 127.0.0.1:80, 3/0 127.0.0.1:80");
    hawser_addrinfo *list = found(NULL, "80", AF_UNSPEC, 0, 0, 0);
    assert_int_equal(length(list), 6);
    hawser_freeaddrinfo(list);
}

static void trap_22_our_own_answers_are_those_of_libc(void **state) {
    (void)state;
    static const int types[] = {0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_RDM, 77};
    static const int protos[] = {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_UDPLITE};
    static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX};
    static const char *const services[] = {NULL, "80", "no such service"};
    needs_gnu_libc("our answers are those of the GNU library; musl, for one, offers no raw sockets where the type is open");
    for (int i = 0; i < 7 * 5 * 4 * 3; i++) {
        const int type = types[i % 7], proto = protos[i / 7 % 5], family = families[i / 35 % 4];
        const char *service = services[i / 140];
        const struct addrinfo hints = {.ai_family = family, .ai_socktype = type, .ai_protocol = proto};
        struct addrinfo *theirs = NULL, *other;
        hawser_addrinfo *ours = NULL, *entry;
        int eai = getaddrinfo("127.0.0.1", service, &hints, &theirs);
        int result = hawser_getaddrinfo("127.0.0.1", service, family, type, proto, 0, &ours);
        if ((eai == 0) != (result == 0))
            fail_msg("type %d proto %d family %d service %s: libc %s, ours %s", type, proto, family, service ? service : "-",
                     gai_strerror(eai), hawser_error());
        for (other = theirs, entry = ours; other && entry; other = other->ai_next, entry = entry->next) {
            assert_int_equal(entry->type, other->ai_socktype);
            assert_int_equal(entry->proto, other->ai_protocol);
            assert_int_equal(entry->addr.len, other->ai_addrlen);
            assert_memory_equal(&entry->addr.ss, other->ai_addr, other->ai_addrlen);
        }
        assert_true(!other && !entry);
        hawser_freeaddrinfo(ours);
        if (theirs)
            freeaddrinfo(theirs);
    }
}

static void a_numeric_host_of_the_other_family_has_no_address(void **state) {
    (void)state;
    assert_fails_to_find(HAWSER_ENOADDRESS, "127.0.0.1", "80", AF_INET6, SOCK_STREAM, 0, 0);
    assert_fails_to_find(HAWSER_ENOADDRESS, "::1", "80", AF_INET, SOCK_STREAM, 0, 0);
    assert_sentence("look up ::1: The name has no address of this family");
}

static void a_host_that_must_be_numeric_and_is_not_is_asked_of_nobody(void **state) {
    (void)state;
    syscalls_made();
    assert_fails_to_find(HAWSER_ENONAME, "localhost", "80", AF_UNSPEC, SOCK_STREAM, 0, AI_NUMERICHOST);
    assert_int_equal(syscalls_made(), 0);
    assert_fails_to_find(HAWSER_ENONAME, "127.0.0.1", "http", AF_UNSPEC, SOCK_STREAM, 0, AI_NUMERICSERV);
}

static void nothing_asked_is_nothing_found(void **state) {
    (void)state;
    assert_fails_to_find(HAWSER_ENONAME, NULL, NULL, AF_UNSPEC, SOCK_STREAM, 0, 0);
    assert_fails_to_find(HAWSER_ENONAME, "", "", AF_UNSPEC, SOCK_STREAM, 0, AI_PASSIVE);
    assert_sentence("look up *: Name or service not known");
}

static void service_numbers_outside_0_to_65535_are_refused(void **state) {
    (void)state;
    static const char *const services[] = {"65536", "-1", "+65536", "-80", "99999999999999999999999999"};
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        syscalls_made();
        assert_fails_to_find(ERANGE, "localhost", services[i], AF_UNSPEC, SOCK_STREAM, 0, 0);
        assert_int_equal(syscalls_made(), 0);
    }
    assert_fails_to_find(ERANGE, "localhost", "65536", AF_UNSPEC, SOCK_STREAM, 0, 0);
    assert_sentence("look up localhost, service 65536: port must be 0 to 65535");
}

static void a_service_by_name_gives_its_port(void **state) {
    (void)state;
    if (access("/etc/services", R_OK) != 0)
        skip();
    assert_string_equal(line(found("127.0.0.1", "http", AF_INET, SOCK_STREAM, 0, 0)), "1/6 127.0.0.1:80");
}

static void trap_22_a_service_that_does_not_exist_is_told_apart_from_a_host_that_does_not(void **state) {
    (void)state;
    assert_fails_to_find(HAWSER_ENOSERVICE, "127.0.0.1", "no such service", AF_UNSPEC, SOCK_STREAM, 0, 0);
    assert_sentence("look up 127.0.0.1, service no such service: No such service");
    assert_fails_to_find(HAWSER_ENOSERVICE, "127.0.0.1", "80", AF_UNSPEC, SOCK_RAW, 0, 0);
}

static void kinds_that_nobody_has_are_told_apart(void **state) {
    (void)state;
    assert_fails_to_find(HAWSER_EFAMILY, "127.0.0.1", NULL, AF_UNIX, SOCK_STREAM, 0, 0);
    assert_fails_to_find(HAWSER_ESOCKTYPE, "127.0.0.1", NULL, AF_INET, 77, 0, 0);
    assert_fails_to_find(HAWSER_EFLAGS, "127.0.0.1", NULL, AF_INET, SOCK_STREAM, 0, 1 << 30);
    assert_fails_to_find(HAWSER_EFLAGS, NULL, "80", AF_INET, SOCK_STREAM, 0, AI_CANONNAME);
}

static void localhost_is_found_and_is_loopback(void **state) {
    (void)state;
    hawser_addrinfo *list = found("localhost", "80", AF_UNSPEC, SOCK_STREAM, 0, 0);
    for (hawser_addrinfo *at = list; at; at = at->next) {
        assert_true(hawser_addr_is_loopback(&at->addr));
        assert_int_equal(hawser_addr_port(&at->addr), 80);
        assert_int_equal(at->type, SOCK_STREAM);
        assert_int_equal(at->proto, IPPROTO_TCP);
        assert_null(at->canonname);
        assert_string_equal(at->addr.text, "");
    }
    hawser_freeaddrinfo(list);
}

/* RFC 6761: a fresh container has no hosts file. */
static void localhost_is_loopback_even_where_no_table_knows_it(void **state) {
    (void)state;
    static const int codes[] = {HAWSER_ENONAME, HAWSER_ETRYAGAIN};
    for (size_t i = 0; i < 2; i++) {
        hawser_addrinfo *list = NULL;
        fault_syscall("getaddrinfo", 1, codes[i], 1);
        fault_everywhere();
        assert_int_equal(hawser_getaddrinfo("localhost", "80", 0, SOCK_STREAM, 0, 0, &list), 0);
        assert_true(fault_none());
        assert_string_equal(hawser_addr_str(&list->addr), "[::1]:80");
        assert_string_equal(hawser_addr_str(&list->next->addr), "127.0.0.1:80");
        assert_null(list->next->next);
        hawser_freeaddrinfo(list);
    }
}

static void the_canonical_name_is_in_the_first_entry_only(void **state) {
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < 2; i++) {
        hawser_addrinfo *list = found(hosts[i], NULL, AF_UNSPEC, 0, 0, AI_CANONNAME);
        assert_string_equal(list->canonname, hosts[i]);
        for (hawser_addrinfo *at = list->next; at; at = at->next)
            assert_null(at->canonname);
        hawser_freeaddrinfo(list);
    }
    hawser_freeaddrinfo(NULL);
}

static void flags_of_libc_go_through_to_libc(void **state) {
    (void)state;
    hawser_addrinfo *list = found("127.0.0.1", NULL, AF_INET6, SOCK_STREAM, 0, AI_V4MAPPED);
    assert_int_equal(list->family, AF_INET6);
    assert_string_equal(line(list), "1/6 127.0.0.1:0");
}

static void old_abbreviations_of_ipv4_are_left_to_libc(void **state) {
    (void)state;
    assert_string_equal(line(found("127.1", NULL, AF_INET, SOCK_STREAM, 0, 0)), "1/6 127.0.0.1:0");
}

static void trap_22_codes_of_the_resolver_come_up_as_codes_and_words(void **state) {
    (void)state;
    static const struct {
        int code;
        const char *sentence;
    } cases[] = {
        {HAWSER_ENONAME, "look up nosuch.invalid: Name or service not known"},
        {HAWSER_ETRYAGAIN, "look up nosuch.invalid: The name server did not answer"},
        {HAWSER_ENAMESERVER, "look up nosuch.invalid: The name server failed"},
        {HAWSER_ENOADDRESS, "look up nosuch.invalid: The name has no address of this family"},
        {EMFILE, "look up nosuch.invalid: Too many open files"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fault_syscall("getaddrinfo", 1, cases[i].code, 1);
        fault_everywhere();
        assert_fails_to_find(cases[i].code, "nosuch.invalid", "80", AF_UNSPEC, SOCK_STREAM, 0, 0);
        assert_sentence(cases[i].sentence);
        assert_true(fault_none());
    }
}

/* An engine whose look-ups remember their deadline, and end at it. */
static hawser__deadline asked_until;

static int never_resolve(hawser__engine *engine, hawser__lookup *lookup, hawser__deadline deadline) {
    (void)engine, (void)lookup;
    asked_until = deadline;
    return deadline == HAWSER__NEVER ? -EINTR : -ETIMEDOUT;
}

static void the_default_timeout_bounds_a_lookup_and_0_counts_as_none(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    struct hawser__engine_ops ops = *hawser__poll_engine.ops;
    hawser__engine deaf = {.ops = &ops};
    ops.resolve = never_resolve;
    hawser__engine_use(&deaf);
    int64_t before = hawser__clock_monotonic();
    assert_works(hawser_setdefaulttimeout(7));
    assert_fails_to_find(ETIMEDOUT, "a.name", NULL, AF_UNSPEC, SOCK_STREAM, 0, 0);
    assert_sentence("look up a.name: Timed out");
    assert_true(asked_until >= before + 7 * HAWSER__SECOND);
    assert_true(asked_until <= hawser__clock_monotonic() + 7 * HAWSER__SECOND);
    assert_works(hawser_setdefaulttimeout(0));
    assert_fails_to_find(EINTR, "a.name", NULL, AF_UNSPEC, SOCK_STREAM, 0, 0);
    assert_true(asked_until == HAWSER__NEVER);
    assert_works(hawser_setdefaulttimeout(HAWSER_NO_TIMEOUT));
    assert_fails_to_find(EINTR, "a.name", NULL, AF_UNSPEC, SOCK_STREAM, 0, 0);
    assert_true(asked_until == HAWSER__NEVER);
    hawser__engine_use(NULL);
}

static void the_first_address_is_one_of_the_family_asked_for(void **state) {
    (void)state;
    hawser_addr addr;
    static const struct {
        const char *host;
        int family;
        bool passive;
        const char *text;
    } cases[] = {
        {"", AF_INET, true, "0.0.0.0:0"},
        {"", AF_INET, false, "127.0.0.1:0"},
        {"", AF_INET6, true, "[::]:0"},
        {"", AF_INET6, false, "[::1]:0"},
        {"", AF_UNSPEC, true, "0.0.0.0:0"},
        {"::1", AF_UNSPEC, true, "[::1]:0"},
        {"<broadcast>", AF_INET, true, "255.255.255.255:0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(hawser__first_address(cases[i].host, cases[i].family, cases[i].passive, HAWSER__NOW, &addr), 0);
        assert_string_equal(hawser_addr_str(&addr), cases[i].text);
    }
    assert_int_equal(hawser__first_address("<broadcast>", AF_INET6, true, HAWSER__NOW, &addr), -EAFNOSUPPORT);
    assert_int_equal(hawser__first_address("::1", AF_INET, true, HAWSER__NOW, &addr), -HAWSER_ENOADDRESS);
    assert_int_equal(hawser__first_address("a.name", AF_INET, true, HAWSER__NOW, &addr), -EAGAIN);
}

static int finds_all(void *argument) {
    (void)argument;
    int result = -1;
    hawser_addrinfo *here = NULL, *asked = NULL;
    TRY(hawser_getaddrinfo(NULL, "80", AF_UNSPEC, 0, 0, AI_PASSIVE, &here));
    ALWAYS(helpers_gone()); /* so that the look-up makes the same calls in every run */
    TRY(hawser_getaddrinfo("localhost", "80", AF_UNSPEC, SOCK_STREAM, 0, AI_CANONNAME, &asked));
    result = 0;
out:
    hawser_freeaddrinfo(here);
    hawser_freeaddrinfo(asked);
    return result;
}

static void whatever_fails_nothing_leaks(void **state) {
    (void)state;
    assert_true(sweep_allocations(finds_all, NULL) >= 8);
    assert_true(sweep_syscalls(finds_all, NULL, EMFILE, "eventfd") >= 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trap_22_numeric_hosts_take_neither_helper_nor_system_call),
        cmocka_unit_test(numeric_hosts_are_answered_where_no_system_call_is_allowed),
        cmocka_unit_test(trap_22_only_without_a_type_does_an_address_come_three_times),
        cmocka_unit_test(trap_22_our_own_answers_are_those_of_libc),
        cmocka_unit_test(a_numeric_host_of_the_other_family_has_no_address),
        cmocka_unit_test(a_host_that_must_be_numeric_and_is_not_is_asked_of_nobody),
        cmocka_unit_test(nothing_asked_is_nothing_found),
        cmocka_unit_test(service_numbers_outside_0_to_65535_are_refused),
        cmocka_unit_test(a_service_by_name_gives_its_port),
        cmocka_unit_test(trap_22_a_service_that_does_not_exist_is_told_apart_from_a_host_that_does_not),
        cmocka_unit_test(kinds_that_nobody_has_are_told_apart),
        cmocka_unit_test(localhost_is_found_and_is_loopback),
        cmocka_unit_test(localhost_is_loopback_even_where_no_table_knows_it),
        cmocka_unit_test(the_canonical_name_is_in_the_first_entry_only),
        cmocka_unit_test(flags_of_libc_go_through_to_libc),
        cmocka_unit_test(old_abbreviations_of_ipv4_are_left_to_libc),
        cmocka_unit_test(trap_22_codes_of_the_resolver_come_up_as_codes_and_words),
        cmocka_unit_test(the_default_timeout_bounds_a_lookup_and_0_counts_as_none),
        cmocka_unit_test(the_first_address_is_one_of_the_family_asked_for),
        cmocka_unit_test(whatever_fails_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

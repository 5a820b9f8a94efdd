/* SPDX-License-Identifier: MIT */
/* net/target: what (host, port) means to sockets of each family, and the sentences when it means nothing. */
#include "support.h"

#include "engine/engines.h"
#include "net/target.h"

#include "engine_memory.h"

#include <limits.h>

#define BIND "bind to"
#define CONNECT "connect to"

static const char *found(const char *host, int port, int family, bool passive) {
    static hawser_addr addr;
    assert_works(hawser__target(passive ? BIND : CONNECT, host, port, family, passive, HAWSER__NEVER, &addr));
    return hawser_addr_str(&addr);
}

#define assert_refused(code, words, host, port, family)                                                                        \
    do {                                                                                                                       \
        hawser_addr addr_ = {.len = 77};                                                                                       \
        assert_fails(hawser__target(BIND, host, port, family, true, HAWSER__NEVER, &addr_), code);                             \
        assert_sentence(words);                                                                                                \
        assert_int_equal(addr_.len, 77);                                                                                       \
    } while (0)

/* The list as "1/6 127.0.0.1:80, ..."; frees it. */
static const char *all(const char *host, int port, int family, int type, bool passive) {
    static char text[1000];
    size_t used = 0;
    hawser_addrinfo *list = NULL;
    assert_works(hawser__targets(CONNECT, host, port, family, type, passive, HAWSER__NEVER, &list));
    for (hawser_addrinfo *at = list; at; at = at->next)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d/%d %s", used ? ", " : "", at->type, at->proto,
                                 hawser_addr_str(&at->addr));
    hawser_freeaddrinfo(list);
    return text;
}

static void no_host_is_every_address_to_bind_and_this_machine_to_connect(void **state) {
    (void)state;
    syscalls_made();
    assert_string_equal(found("", 80, AF_INET, true), "0.0.0.0:80");
    assert_string_equal(found("", 80, AF_INET, false), "127.0.0.1:80");
    assert_string_equal(found("", 80, AF_INET6, true), "[::]:80");
    assert_string_equal(found("", 80, AF_INET6, false), "[::1]:80");
    assert_string_equal(found(NULL, 0, AF_INET, true), "0.0.0.0:0");
    assert_int_equal(syscalls_made(), 0);
}

static void broadcast_is_an_address_of_ipv4_only(void **state) {
    (void)state;
    assert_string_equal(found("<broadcast>", 80, AF_INET, false), "255.255.255.255:80");
    assert_refused(EAFNOSUPPORT, "bind to <broadcast>:80: IPv6 has no broadcast", "<broadcast>", 80, AF_INET6);
}

static void trap_22_numeric_hosts_take_no_lookup(void **state) {
    (void)state;
    syscalls_made();
    assert_string_equal(found("192.0.2.7", 65535, AF_INET, true), "192.0.2.7:65535");
    assert_string_equal(found("::1", 80, AF_INET6, true), "[::1]:80");
    assert_string_equal(found("::ffff:192.0.2.7", 80, AF_INET6, true), "192.0.2.7:80");
    assert_string_equal(found("192.0.2.7", 80, AF_RDS, true), "192.0.2.7:80");
    assert_int_equal(syscalls_made(), 0);
    assert_string_equal(found("fe80::1%lo", 80, AF_INET6, true), "[fe80::1%lo]:80");
}

static void a_numeric_host_of_the_other_family_is_refused_as_python_does(void **state) {
    (void)state;
    assert_refused(HAWSER_ENOADDRESS, "bind to 127.0.0.1:80: The name has no address of this family", "127.0.0.1", 80,
                   AF_INET6);
    assert_refused(HAWSER_ENOADDRESS, "bind to [::1]:80: The name has no address of this family", "::1", 80, AF_INET);
    assert_refused(ENODEV, "bind to [fe80::1%nosuch0]:80: No such device", "fe80::1%nosuch0", 80, AF_INET6);
}

static void ports_outside_0_to_65535_are_refused_before_any_system_call_for_every_family(void **state) {
    (void)state;
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_RDS};
    static const int ports[] = {-1, 65536, INT_MIN, INT_MAX};
    hawser_addr addr;
    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < 4; k++) {
            syscalls_made();
            assert_fails(hawser__target(BIND, "localhost", ports[k], families[i], true, HAWSER__NEVER, &addr), ERANGE);
            assert_int_equal(syscalls_made(), 0);
        }
    }
    assert_refused(ERANGE, "bind to 127.0.0.1:65536: port must be 0 to 65535", "127.0.0.1", 65536, AF_INET);
    assert_refused(ERANGE, "bind to [::1]:-1: port must be 0 to 65535", "::1", -1, AF_INET6);
    assert_refused(ERANGE, "bind to *:65536: port must be 0 to 65535", "", 65536, AF_INET);
}

static void names_are_looked_up_in_the_family_of_the_socket(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    assert_string_equal(found("localhost", 80, AF_INET, false), "127.0.0.1:80");
    hawser__engine_use(&memory_engine);
    assert_string_equal(found("both.test", 80, AF_INET, false), "127.0.0.1:80");
    assert_string_equal(found("both.test", 80, AF_INET6, false), "[::1]:80");
    assert_refused(HAWSER_ENOADDRESS, "bind to four.test:80: The name has no address of this family", "four.test", 80,
                   AF_INET6);
    assert_refused(HAWSER_ENONAME, "bind to nosuch.invalid:80: Name or service not known", "nosuch.invalid", 80, AF_INET);
    assert_refused(HAWSER_ETRYAGAIN, "bind to later.test:80: The name server did not answer", "later.test", 80, AF_INET);
    hawser__engine_use(NULL);
}

static void a_slow_name_ends_at_the_deadline(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    hawser_addr addr;
    hawser_addrinfo *list = NULL;
    hawser__engine_use(&memory_engine);
    hawser__deadline deadline = hawser__clock_monotonic() + HAWSER__SECOND / 50;
    assert_fails(hawser__target(CONNECT, "slow.test", 80, AF_INET, false, deadline, &addr), ETIMEDOUT);
    assert_sentence("connect to slow.test:80: Timed out");
    assert_true(hawser__clock_monotonic() >= deadline);
    assert_fails(hawser__targets(CONNECT, "slow.test", 80, AF_UNSPEC, SOCK_STREAM, false, deadline, &list), ETIMEDOUT);
    hawser__engine_use(NULL);
}

static void a_timeout_of_0_is_no_reason_not_to_look_up_a_name(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    hawser_addr addr;
    assert_works(hawser__target(CONNECT, "localhost", 80, AF_INET, false, HAWSER__NOW, &addr));
    assert_string_equal(hawser_addr_str(&addr), "127.0.0.1:80");
    hawser__engine_use(&memory_engine);
    assert_works(hawser_setdefaulttimeout(0.02));
    assert_fails(hawser__target(CONNECT, "slow.test", 80, AF_INET, false, HAWSER__NOW, &addr), ETIMEDOUT);
    assert_works(hawser_setdefaulttimeout(HAWSER_NO_TIMEOUT));
    hawser__engine_use(NULL);
}

static void unix_sockets_take_paths_abstract_names_and_our_own_text(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"/run/x.sock", "unix:/run/x.sock"},
        {"x", "unix:x"},
        {"@name", "unix:@name"},
        {"@", "unix:@"},
        {"", "unix:"},
        {"unix:", "unix:"},
        {"unix:/x", "unix:/x"},
        {"unix:@x", "unix:@x"},
        {"unix:\\x40x", "unix:\\x40x"},
        {"a\\x41", "unix:a\\x5cx41"},
        {"./unix:x", "unix:./unix:x"},
        {"<broadcast>", "unix:<broadcast>"},
    };
    syscalls_made();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(found(cases[i][0], 0, AF_UNIX, true), cases[i][1]);
    assert_int_equal(syscalls_made(), 0);
}

static void trap_18_a_unix_name_too_long_is_an_error_and_never_cut(void **state) {
    (void)state;
    char path[300], words[400];
    memset(path, 'p', sizeof path);
    path[107] = '\0';
    assert_int_equal(strlen(found(path, 0, AF_UNIX, true)), 5 + 107);
    path[107] = 'p';
    for (size_t length = 108; length < 300; length += 19) {
        path[length] = '\0';
        snprintf(words, sizeof words, "bind to unix:%s: File name too long", path);
        assert_refused(ENAMETOOLONG, words, path, 0, AF_UNIX);
        path[0] = '@';
        snprintf(words, sizeof words, "bind to unix:%s: File name too long", path);
        if (length > 108) /* '@' stands for the NUL, which the kernel has room for */
            assert_refused(ENAMETOOLONG, words, path, 0, AF_UNIX);
        else
            assert_int_equal(strlen(found(path, 0, AF_UNIX, true)), 6 + 107);
        path[0] = path[length] = 'p';
    }
}

static void sockets_without_ports_want_none(void **state) {
    (void)state;
    assert_refused(EINVAL, "bind to unix:/x: port must be 0, there are none here", "/x", 80, AF_UNIX);
    assert_refused(EINVAL, "bind to netlink:0:0: port must be 0, there are none here", "netlink:0:0", 1, AF_NETLINK);
}

static void other_families_take_the_text_of_their_addresses(void **state) {
    (void)state;
    assert_string_equal(found("netlink:7:1", 0, AF_NETLINK, true), "netlink:7:1");
    assert_string_equal(found("packet:lo:3", 0, AF_PACKET, true), "packet:lo:0x0003:0:0");
    assert_string_equal(found("vsock:any:5", 0, AF_VSOCK, true), "vsock:any:5");
    assert_string_equal(found("family:99:00ff", 0, 99, true), "family:99:00ff");
    assert_refused(HAWSER_EADDRESS, "bind to : Not an address", "", 0, AF_NETLINK);
    assert_refused(HAWSER_EADDRESS, "bind to lo: Not an address", "lo", 0, AF_CAN);
    assert_refused(EAFNOSUPPORT, "bind to unix:/x: Address family not supported by protocol", "unix:/x", 0, AF_NETLINK);
    assert_refused(EAFNOSUPPORT, "bind to unix:/x: Address family not supported by protocol", "unix:/x", 0, AF_INET);
    assert_refused(ENODEV, "bind to can:nosuch0: No such device", "can:nosuch0", 0, AF_CAN);
}

static void all_targets_of_a_host_come_ready_for_a_socket(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    syscalls_made();
    assert_string_equal(all("", 80, AF_UNSPEC, SOCK_STREAM, true), "1/6 [::]:80, 1/6 0.0.0.0:80");
    assert_string_equal(all("", 80, AF_UNSPEC, SOCK_STREAM, false), "1/6 [::1]:80, 1/6 127.0.0.1:80");
    assert_string_equal(all(NULL, 80, AF_INET, SOCK_DGRAM, true), "2/17 0.0.0.0:80");
    assert_string_equal(all("::1", 80, AF_UNSPEC, SOCK_STREAM, false), "1/6 [::1]:80");
    assert_string_equal(all("127.0.0.1", 0, AF_INET, SOCK_SEQPACKET, false), "5/0 127.0.0.1:0");
    assert_string_equal(all("127.0.0.1", 0, AF_INET, SOCK_RAW, false), "3/0 127.0.0.1:0");
    assert_string_equal(all("<broadcast>", 9, AF_UNSPEC, SOCK_DGRAM, false), "2/0 255.255.255.255:9");
    assert_string_equal(all("unix:/x", 0, AF_UNSPEC, SOCK_SEQPACKET, false), "5/0 unix:/x");
    assert_string_equal(all("/x", 0, AF_UNIX, SOCK_STREAM, false), "1/0 unix:/x");
    assert_string_equal(all("netlink:1:0", 0, AF_NETLINK, SOCK_RAW, false), "3/0 netlink:1:0");
    assert_int_equal(syscalls_made(), 0);
    hawser__engine_use(&memory_engine);
    assert_string_equal(all("both.test", 80, AF_UNSPEC, SOCK_STREAM, false), "1/6 [::1]:80, 1/6 127.0.0.1:80");
    assert_string_equal(all("both.test", 80, AF_INET, SOCK_STREAM, false), "1/6 127.0.0.1:80");
    hawser__engine_use(NULL);
}

static void targets_that_mean_nothing_have_their_sentence(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    static const struct {
        const char *host;
        int port, family, code;
        const char *sentence;
    } cases[] = {
        {"127.0.0.1", 65536, AF_UNSPEC, ERANGE, "connect to 127.0.0.1:65536: port must be 0 to 65535"},
        {"unix:/x", 65536, AF_UNSPEC, ERANGE, "connect to unix:/x: port must be 0 to 65535"},
        {"unix:/x", 80, AF_UNSPEC, EINVAL, "connect to unix:/x: port must be 0, there are none here"},
        {"unix:\\", 0, AF_UNSPEC, HAWSER_EADDRESS, "connect to unix:\\: Not an address"},
        {"unix:/x", 0, AF_INET, EAFNOSUPPORT, "connect to unix:/x: Address family not supported by protocol"},
        {"::1", 80, AF_INET, HAWSER_ENOADDRESS, "connect to [::1]:80: The name has no address of this family"},
        {"later.test", 80, AF_UNSPEC, HAWSER_ETRYAGAIN, "connect to later.test:80: The name server did not answer"},
    };
    hawser__engine_use(&memory_engine);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hawser_addrinfo *list = NULL;
        assert_fails(
            hawser__targets(CONNECT, cases[i].host, cases[i].port, cases[i].family, SOCK_STREAM, false, HAWSER__NEVER, &list),
            cases[i].code);
        assert_sentence(cases[i].sentence);
        assert_null(list);
    }
    hawser__engine_use(NULL);
}

/* An engine in whose world every name has 127.0.0.1 twice and ::1 in between. */
static int resolve_twice(hawser__engine *engine, hawser__lookup *lookup, hawser__deadline deadline) {
    (void)engine, (void)deadline;
    static const char *const hosts[] = {"127.0.0.1", "::1", "127.0.0.1"};
    struct addrinfo **end = &lookup->list;
    int saved = errno;
    for (int i = 0; i < 3; i++) {
        getaddrinfo(hosts[i], lookup->service, &lookup->hints, end);
        end = &(*end)->ai_next;
    }
    errno = saved;
    return 0;
}

static void an_address_that_comes_twice_is_one_target(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    struct hawser__engine_ops ops = *hawser__poll_engine.ops;
    hawser__engine engine = {.ops = &ops};
    ops.resolve = resolve_twice;
    census before = take_census();
    hawser__engine_use(&engine);
    assert_string_equal(all("a.name", 80, AF_UNSPEC, SOCK_STREAM, false), "1/6 127.0.0.1:80, 1/6 [::1]:80");
    hawser__engine_use(NULL);
    assert_null(compare_census(before));
}

static void hosts_and_ports_are_shown_as_people_write_them(void **state) {
    (void)state;
    static const struct {
        const char *host;
        int port, family;
        const char *text;
    } cases[] = {
        {"localhost", 80, AF_UNSPEC, "localhost:80"},
        {"::1", 80, AF_INET6, "[::1]:80"},
        {"", 80, AF_INET, "*:80"},
        {NULL, 80, AF_INET, "*:80"},
        {"/x", 0, AF_UNIX, "unix:/x"},
        {"unix:@x", 0, AF_UNIX, "unix:@x"},
        {"unix:/x", 0, AF_UNSPEC, "unix:/x"},
        {"@x", 0, AF_UNIX, "unix:@x"},
        {"can:0", 0, AF_CAN, "can:0"},
    };
    char text[HAWSER_ADDR_TEXT], small[5];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(hawser__target_text(cases[i].host, cases[i].port, cases[i].family, text, sizeof text),
                            cases[i].text);
    assert_string_equal(hawser__target_text("localhost", 80, AF_INET, small, sizeof small), "loca");
}

static int finds_all(void *argument) {
    (void)argument;
    int result = -1;
    hawser_addrinfo *list = NULL, *path = NULL;
    hawser_addr addr;
    TRY(hawser__target(CONNECT, "localhost", 80, AF_INET, false, HAWSER__NEVER, &addr));
    TRY(hawser__targets(CONNECT, "localhost", 80, AF_UNSPEC, SOCK_STREAM, false, HAWSER__NEVER, &list));
    TRY(hawser__targets(CONNECT, "unix:/x", 0, AF_UNSPEC, SOCK_STREAM, false, HAWSER__NEVER, &path));
    result = 0;
out:
    hawser_freeaddrinfo(list);
    hawser_freeaddrinfo(path);
    return result;
}

static void whatever_fails_nothing_leaks(void **state) {
    (void)state;
    assert_true(sweep_allocations(finds_all, NULL) >= 8);
    sweep_syscalls(finds_all, NULL, EMFILE, "eventfd"); /* none, if the helper is quick: then nothing has to wait */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_host_is_every_address_to_bind_and_this_machine_to_connect),
        cmocka_unit_test(broadcast_is_an_address_of_ipv4_only),
        cmocka_unit_test(trap_22_numeric_hosts_take_no_lookup),
        cmocka_unit_test(a_numeric_host_of_the_other_family_is_refused_as_python_does),
        cmocka_unit_test(ports_outside_0_to_65535_are_refused_before_any_system_call_for_every_family),
        cmocka_unit_test(names_are_looked_up_in_the_family_of_the_socket),
        cmocka_unit_test(a_slow_name_ends_at_the_deadline),
        cmocka_unit_test(a_timeout_of_0_is_no_reason_not_to_look_up_a_name),
        cmocka_unit_test(unix_sockets_take_paths_abstract_names_and_our_own_text),
        cmocka_unit_test(trap_18_a_unix_name_too_long_is_an_error_and_never_cut),
        cmocka_unit_test(sockets_without_ports_want_none),
        cmocka_unit_test(other_families_take_the_text_of_their_addresses),
        cmocka_unit_test(all_targets_of_a_host_come_ready_for_a_socket),
        cmocka_unit_test(targets_that_mean_nothing_have_their_sentence),
        cmocka_unit_test(an_address_that_comes_twice_is_one_target),
        cmocka_unit_test(hosts_and_ports_are_shown_as_people_write_them),
        cmocka_unit_test(whatever_fails_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

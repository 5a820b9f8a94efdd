/* SPDX-License-Identifier: MIT */
/* sched/lookup: a look-up as data, run here on the test's own thread. */
#include "support.h"

#include "sched/lookup.h"

#include <arpa/inet.h>
#include <unistd.h>

static hawser__lookup *made(enum hawser__lookup_kind kind, const char *host, const char *service) {
    hawser__lookup *lookup = hawser__lookup_new(kind, host, service);
    assert_non_null(lookup);
    return lookup;
}

/* Runs LOOKUP, checks its error and lets it go. */
static void assert_error(hawser__lookup *lookup, int error) {
    hawser__lookup_run(lookup);
    assert_int_equal(lookup->error, error);
    hawser__lookup_unref(lookup);
}

static void a_lookup_has_copies_of_what_is_asked(void **state) {
    (void)state;
    char host[] = "host", service[] = "service";
    census before = take_census();
    hawser__lookup *lookup = made(HAWSER__LOOKUP_ADDRINFO, host, service);
    host[0] = service[0] = '#';
    assert_string_equal(lookup->host, "host");
    assert_string_equal(lookup->service, "service");
    assert_int_equal(lookup->kind, HAWSER__LOOKUP_ADDRINFO);
    hawser__lookup_unref(lookup);
    lookup = made(HAWSER__LOOKUP_NAMEINFO, NULL, NULL);
    assert_null(lookup->host);
    assert_null(lookup->service);
    hawser__lookup_unref(lookup);
    hawser__lookup_unref(NULL);
    assert_null(compare_census(before));
}

static void whoever_is_last_frees_a_lookup_with_its_answer(void **state) {
    (void)state;
    census before = take_census();
    hawser__lookup *lookup = made(HAWSER__LOOKUP_HOSTBYNAME, "127.0.0.1", NULL);
    assert_ptr_equal(hawser__lookup_ref(lookup), lookup);
    hawser__lookup_run(lookup);
    hawser__lookup_unref(lookup);
    assert_string_equal(lookup->entry->name, "127.0.0.1");
    hawser__lookup_unref(lookup);
    assert_null(compare_census(before));
}

static void each_allocation_that_fails_while_making_one_is_survived(void **state) {
    (void)state;
    census before = take_census();
    for (unsigned nth = 1; nth <= 3; nth++) {
        fault_alloc(nth);
        assert_null(hawser__lookup_new(HAWSER__LOOKUP_ADDRINFO, "host", "service"));
        assert_true(fault_none());
    }
    assert_null(compare_census(before));
}

static void addresses_come_as_libc_gives_them(void **state) {
    (void)state;
    hawser__lookup *lookup = made(HAWSER__LOOKUP_ADDRINFO, "127.0.0.1", "80");
    lookup->hints = (struct addrinfo){.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    hawser__lookup_run(lookup);
    assert_int_equal(lookup->error, 0);
    assert_non_null(lookup->list);
    assert_int_equal(lookup->list->ai_family, AF_INET);
    assert_int_equal(lookup->list->ai_socktype, SOCK_STREAM);
    assert_null(lookup->list->ai_next);
    hawser__lookup_unref(lookup);
}

static void trap_22_the_error_of_a_lookup_is_a_code_and_never_an_eai_number(void **state) {
    (void)state;
    hawser__lookup *lookup = made(HAWSER__LOOKUP_ADDRINFO, "localhost", NULL);
    lookup->hints.ai_flags = AI_NUMERICHOST;
    assert_error(lookup, HAWSER_ENONAME);
    lookup = made(HAWSER__LOOKUP_ADDRINFO, "127.0.0.1", NULL);
    lookup->hints.ai_family = 255;
    assert_error(lookup, HAWSER_EFAMILY);
    fault_syscall("getaddrinfo", 1, EMFILE, 1);
    assert_error(made(HAWSER__LOOKUP_ADDRINFO, "127.0.0.1", NULL), EMFILE);
    fault_none();
}

static void names_of_an_address_go_into_the_lookup(void **state) {
    (void)state;
    hawser__lookup *lookup = made(HAWSER__LOOKUP_NAMEINFO, NULL, NULL);
    assert_works(hawser_addr_ip(&lookup->addr, "127.0.0.1", 81));
    lookup->flags = NI_NUMERICHOST | NI_NUMERICSERV;
    hawser__lookup_run(lookup);
    assert_int_equal(lookup->error, 0);
    assert_string_equal(lookup->host_out, "127.0.0.1");
    assert_string_equal(lookup->service_out, "81");
    hawser__lookup_unref(lookup);
}

static void a_host_entry_is_found_from_a_name_and_from_addresses_of_both_families(void **state) {
    (void)state;
    hawser__lookup *lookup = made(HAWSER__LOOKUP_HOSTBYNAME, "192.0.2.7", NULL);
    hawser__lookup_run(lookup);
    assert_int_equal(lookup->error, 0);
    assert_string_equal(lookup->entry->name, "192.0.2.7");
    assert_null(lookup->entry->aliases[0]);
    assert_string_equal(lookup->entry->addresses[0], "192.0.2.7");
    assert_null(lookup->entry->addresses[1]);
    hawser__lookup_unref(lookup);
    fault_syscall("gethostbyaddr", 1, HAWSER_ETRYAGAIN, 2);
    lookup = made(HAWSER__LOOKUP_HOSTBYADDR, NULL, NULL);
    assert_works(hawser_addr_ip(&lookup->addr, "127.0.0.1", 0));
    assert_error(lookup, HAWSER_ETRYAGAIN);
    lookup = made(HAWSER__LOOKUP_HOSTBYADDR, NULL, NULL);
    assert_works(hawser_addr_ip(&lookup->addr, "::1", 0));
    assert_error(lookup, HAWSER_ETRYAGAIN);
    assert_true(fault_none());
}

static void the_hosts_file_knows_the_loopback_address(void **state) {
    (void)state;
    hawser__lookup *lookup = made(HAWSER__LOOKUP_HOSTBYADDR, NULL, NULL);
    assert_works(hawser_addr_ip(&lookup->addr, "127.0.0.1", 0));
    hawser__lookup_run(lookup);
    assert_int_equal(lookup->error, 0);
    assert_true(lookup->entry->name[0] != '\0');
    assert_string_equal(lookup->entry->addresses[0], "127.0.0.1");
    hawser__lookup_unref(lookup);
}

static void an_entry_copies_all_names_and_addresses_into_one_block(void **state) {
    (void)state;
    unsigned char four[4] = {192, 0, 2, 7};
    struct in6_addr six = in6addr_loopback;
    char name[] = "name", none[] = "", first[] = "first", third[] = "third";
    char *aliases[] = {first, none, third, NULL}, *fours[] = {(char *)four, NULL},
         *sixes[] = {(char *)&six, (char *)&six, NULL};
    const struct hostent from = {
        .h_name = name, .h_aliases = aliases, .h_addrtype = AF_INET, .h_length = 4, .h_addr_list = fours};
    const struct hostent from6 = {
        .h_name = none, .h_aliases = NULL, .h_addrtype = AF_INET6, .h_length = 16, .h_addr_list = sixes};
    hawser_hostent *entry;
    census before = take_census();
    assert_int_equal(hawser__hostent_new(&from, &entry), 0);
    assert_string_equal(entry->name, "name");
    for (int i = 0; i < 3; i++)
        assert_string_equal(entry->aliases[i], aliases[i]);
    assert_null(entry->aliases[3]);
    assert_string_equal(entry->addresses[0], "192.0.2.7");
    assert_null(entry->addresses[1]);
    hawser_freehostent(entry);
    assert_int_equal(hawser__hostent_new(&from6, &entry), 0);
    assert_null(entry->aliases[0]);
    assert_string_equal(entry->addresses[1], "::1");
    assert_null(entry->addresses[2]);
    hawser_freehostent(entry);
    hawser_freehostent(NULL);
    fault_alloc(1);
    assert_int_equal(hawser__hostent_new(&from, &entry), -ENOMEM);
    assert_true(fault_none());
    assert_null(compare_census(before));
}

static void a_buffer_too_small_is_made_larger_until_it_suffices(void **state) {
    (void)state;
    hawser__lookup *lookup = made(HAWSER__LOOKUP_HOSTBYNAME, "127.0.0.1", NULL);
    fault_syscall("gethostbyname", 1, ERANGE, 10);
    hawser__lookup_run(lookup);
    assert_true(fault_none());
    assert_int_equal(lookup->error, 0);
    hawser__lookup_unref(lookup);
    fault_syscall("gethostbyname", 1, ERANGE, 1000);
    assert_error(made(HAWSER__LOOKUP_HOSTBYNAME, "127.0.0.1", NULL), HAWSER_EOVERFLOW);
    fault_none();
}

static void each_allocation_that_fails_while_running_is_the_lookup_s_error(void **state) {
    (void)state;
    census before = take_census();
    for (unsigned nth = 1; nth <= 2; nth++) {
        hawser__lookup *lookup = made(HAWSER__LOOKUP_HOSTBYNAME, "127.0.0.1", NULL);
        fault_alloc(nth);
        assert_error(lookup, ENOMEM);
        assert_true(fault_none());
    }
    assert_null(compare_census(before));
}

static void services_are_found_by_name_and_by_port(void **state) {
    (void)state;
    if (access("/etc/services", R_OK) != 0)
        skip();
    hawser__lookup *lookup = made(HAWSER__LOOKUP_SERVBYNAME, "tcp", "http");
    hawser__lookup_run(lookup);
    assert_int_equal(lookup->error, 0);
    assert_int_equal(lookup->number, 80);
    hawser__lookup_unref(lookup);
    lookup = made(HAWSER__LOOKUP_SERVBYPORT, NULL, NULL);
    lookup->number = 22;
    hawser__lookup_run(lookup);
    assert_int_equal(lookup->error, 0);
    assert_string_equal(lookup->service_out, "ssh");
    hawser__lookup_unref(lookup);
    assert_error(made(HAWSER__LOOKUP_SERVBYNAME, "no such protocol", "http"), HAWSER_ENOSERVICE);
}

static void protocols_are_found_by_name(void **state) {
    (void)state;
    assert_error(made(HAWSER__LOOKUP_PROTOBYNAME, "no such protocol", NULL), HAWSER_ENONAME);
    if (access("/etc/protocols", R_OK) != 0)
        skip();
    hawser__lookup *lookup = made(HAWSER__LOOKUP_PROTOBYNAME, "icmp", NULL);
    hawser__lookup_run(lookup);
    assert_int_equal(lookup->error, 0);
    assert_int_equal(lookup->number, IPPROTO_ICMP);
    hawser__lookup_unref(lookup);
}

static void running_leaves_errno_and_sentence_of_the_thread_alone(void **state) {
    (void)state;
    hawser__lookup *lookup = made(HAWSER__LOOKUP_ADDRINFO, "no number", NULL);
    lookup->hints.ai_flags = AI_NUMERICHOST;
    assert_works((hawser__lookup_run(lookup), 0));
    assert_int_equal(lookup->error, HAWSER_ENONAME);
    hawser__lookup_unref(lookup);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lookup_has_copies_of_what_is_asked),
        cmocka_unit_test(whoever_is_last_frees_a_lookup_with_its_answer),
        cmocka_unit_test(each_allocation_that_fails_while_making_one_is_survived),
        cmocka_unit_test(addresses_come_as_libc_gives_them),
        cmocka_unit_test(trap_22_the_error_of_a_lookup_is_a_code_and_never_an_eai_number),
        cmocka_unit_test(names_of_an_address_go_into_the_lookup),
        cmocka_unit_test(a_host_entry_is_found_from_a_name_and_from_addresses_of_both_families),
        cmocka_unit_test(the_hosts_file_knows_the_loopback_address),
        cmocka_unit_test(an_entry_copies_all_names_and_addresses_into_one_block),
        cmocka_unit_test(a_buffer_too_small_is_made_larger_until_it_suffices),
        cmocka_unit_test(each_allocation_that_fails_while_running_is_the_lookup_s_error),
        cmocka_unit_test(services_are_found_by_name_and_by_port),
        cmocka_unit_test(protocols_are_found_by_name),
        cmocka_unit_test(running_leaves_errno_and_sentence_of_the_thread_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

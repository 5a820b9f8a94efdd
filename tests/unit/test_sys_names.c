/* SPDX-License-Identifier: MIT */
/* base/sys_names: libc's name functions with one number space, errno kept, and a fault hook each. */
#include "support.h"

#include "base/sys_names.h"

#include <arpa/inet.h>
#include <unistd.h>

static struct addrinfo *list;
static struct hostent host;
static struct servent service;
static struct protoent protocol;
static struct if_nameindex *interfaces;
static char buf[4096];
static unsigned interface;

static int addrinfo(void) {
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    return hawser__sys_getaddrinfo("127.0.0.1", NULL, &hints, &list);
}
static int nameinfo(void) {
    const struct sockaddr_in in = {.sin_family = AF_INET};
    return hawser__sys_getnameinfo((const struct sockaddr *)&in, sizeof in, buf, sizeof buf, NULL, 0, NI_NUMERICHOST);
}
static int host_by_name(void) {
    return hawser__sys_gethostbyname("127.0.0.1", AF_INET, &host, buf, sizeof buf);
}
static int host_by_address(void) {
    const struct in_addr ip = {htonl(INADDR_LOOPBACK)};
    return hawser__sys_gethostbyaddr(&ip, sizeof ip, AF_INET, &host, buf, sizeof buf);
}
static int service_by_name(void) {
    return hawser__sys_getservbyname("no such service", NULL, &service, buf, sizeof buf);
}
static int service_by_port(void) {
    return hawser__sys_getservbyport(htons(1), "no such protocol", &service, buf, sizeof buf);
}
static int protocol_by_name(void) {
    return hawser__sys_getprotobyname("no such protocol", &protocol, buf, sizeof buf);
}
static int all_interfaces(void) {
    return hawser__sys_if_nameindex(&interfaces);
}
static int index_of(void) {
    return hawser__sys_if_nametoindex("lo", &interface);
}
static int name_of(void) {
    return hawser__sys_if_indextoname(1, buf);
}
static int host_name(void) {
    return hawser__sys_gethostname(buf, sizeof buf);
}
static int new_host_name(void) {
    return hawser__sys_sethostname("a name longer than the 64 bytes that the kernel has room for, so it stays as it is", 83);
}

static const struct call {
    const char *name;
    int (*make)(void);
    int result; /* without a fault */
} calls[] = {
    {"getaddrinfo", addrinfo, 0},
    {"getnameinfo", nameinfo, 0},
    {"gethostbyname", host_by_name, 0},
    {"gethostbyaddr", host_by_address, 0},
    {"getservbyname", service_by_name, -HAWSER_ENOSERVICE},
    {"getservbyport", service_by_port, -HAWSER_ENOSERVICE},
    {"getprotobyname", protocol_by_name, -HAWSER_ENONAME},
    {"if_nameindex", all_interfaces, 0},
    {"if_nametoindex", index_of, 0},
    {"if_indextoname", name_of, 0},
    {"gethostname", host_name, 0},
};

static void let_go(void) {
    hawser__sys_freeaddrinfo(list);
    hawser__sys_if_freenameindex(interfaces);
    list = NULL;
    interfaces = NULL;
}

static void every_call_gives_its_result_and_keeps_errno(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        errno = 4242;
        int result = calls[i].make();
        if (result != calls[i].result || errno != 4242)
            fail_msg("%s: result %d, errno %d", calls[i].name, result, errno);
        let_go();
        assert_int_equal(errno, 4242);
    }
}

static void every_call_fails_when_the_hook_of_its_name_says_so(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        fault_syscall(calls[i].name, 1, HAWSER_ETRYAGAIN, 1);
        int result = calls[i].make();
        if (!fault_none() || result != -HAWSER_ETRYAGAIN)
            fail_msg("%s: result %d", calls[i].name, result);
        let_go();
    }
}

static void a_buffer_too_small_is_erange(void **state) {
    (void)state;
    assert_int_equal(hawser__sys_gethostbyname("127.0.0.1", AF_INET, &host, buf, 1), -ERANGE);
    if (access("/etc/services", R_OK) == 0)
        assert_int_equal(hawser__sys_getservbyname("http", "tcp", &service, buf, 1), -ERANGE);
    if (access("/etc/protocols", R_OK) == 0)
        assert_int_equal(hawser__sys_getprotobyname("icmp", &protocol, buf, 1), -ERANGE);
}

static void wrong_questions_have_codes_of_their_own(void **state) {
    (void)state;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    const struct sockaddr other = {.sa_family = 255};
    assert_int_equal(hawser__sys_getaddrinfo("localhost", NULL, &hints, &list), -HAWSER_ENONAME);
    hints.ai_family = 255;
    assert_int_equal(hawser__sys_getaddrinfo("127.0.0.1", NULL, &hints, &list), -HAWSER_EFAMILY);
    hints = (struct addrinfo){.ai_flags = 1 << 30};
    assert_int_equal(hawser__sys_getaddrinfo("127.0.0.1", NULL, &hints, &list), -HAWSER_EFLAGS);
    assert_int_equal(hawser__sys_getnameinfo(&other, sizeof other, buf, sizeof buf, NULL, 0, 0), -HAWSER_EFAMILY);
    assert_int_equal(hawser__sys_gethostbyname("::1", AF_INET, &host, buf, sizeof buf), -HAWSER_ENONAME);
    needs_gnu_libc("musl looks addresses up for any type of socket (net/addrinfo.c refuses it before)");
    hints = (struct addrinfo){.ai_socktype = 77};
    assert_int_equal(hawser__sys_getaddrinfo("127.0.0.1", NULL, &hints, &list), -HAWSER_ESOCKTYPE);
}

static void a_host_name_that_is_too_long_leaves_the_old_one(void **state) {
    (void)state;
    char before[256];
    assert_int_equal(hawser__sys_gethostname(before, sizeof before), 0);
    int result = new_host_name();
    assert_true(result == -EINVAL || result == -EPERM);
    fault_syscall("sethostname", 1, EPERM, 1);
    assert_int_equal(new_host_name(), -EPERM);
    assert_true(fault_none());
    assert_int_equal(host_name(), 0);
    assert_string_equal(buf, before);
    needs_gnu_libc("musl cuts a host name that is too long for the buffer (net/names.c has room for any)");
    assert_int_equal(hawser__sys_gethostname(buf, 1), -ENAMETOOLONG);
}

static void interfaces_that_do_not_exist_are_refused(void **state) {
    (void)state;
    assert_int_equal(hawser__sys_if_nametoindex("nosuch0", &interface), -ENODEV);
    assert_int_equal(hawser__sys_if_indextoname(2147483646, buf), -ENXIO);
}

static void freeing_nothing_is_fine(void **state) {
    (void)state;
    hawser__sys_freeaddrinfo(NULL);
    hawser__sys_if_freenameindex(NULL);
}

/* libc cannot read /etc/hosts without a descriptor and then calls every name unknown, which would be final. */
static void with_a_full_descriptor_table_a_name_is_not_unknown(void **state) {
    (void)state;
    static const int codes[] = {EMFILE, ENFILE};
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        fault_syscall("eventfd", 1, codes[i], 1);
        assert_int_equal(hawser__sys_getaddrinfo("localhost", NULL, &hints, &list), -codes[i]);
        assert_true(fault_none());
    }
    long before = open_descriptors();
    assert_int_equal(hawser__sys_getaddrinfo("localhost", NULL, &hints, &list), -HAWSER_ENONAME);
    assert_int_equal(open_descriptors(), before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_gives_its_result_and_keeps_errno),
        cmocka_unit_test(every_call_fails_when_the_hook_of_its_name_says_so),
        cmocka_unit_test(a_buffer_too_small_is_erange),
        cmocka_unit_test(wrong_questions_have_codes_of_their_own),
        cmocka_unit_test(a_host_name_that_is_too_long_leaves_the_old_one),
        cmocka_unit_test(interfaces_that_do_not_exist_are_refused),
        cmocka_unit_test(freeing_nothing_is_fine),
        cmocka_unit_test(with_a_full_descriptor_table_a_name_is_not_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

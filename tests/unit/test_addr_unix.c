/* SPDX-License-Identifier: MIT */
/* net/addr_unix: paths, abstract names, unnamed sockets, and how their bytes are written. */
#include "support.h"

#include <sys/un.h>

static const char *text_of(hawser_addr addr) {
    static char text[HAWSER_ADDR_TEXT];
    return strcpy(text, hawser_addr_str(&addr));
}

static void assert_reads_back(hawser_addr addr) {
    hawser_addr again;
    assert_works(hawser_addr_parse(&again, text_of(addr)));
    assert_int_equal(again.len, addr.len);
    assert_memory_equal(&again.ss, &addr.ss, addr.len);
}

static void each_kind_of_unix_address_has_its_text(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t len;
        const char *text;
    } cases[] = {
        {"/run/x.sock", 11, "unix:/run/x.sock"},
        {"x", 1, "unix:x"},
        {"", 0, "unix:"},
        {"\0name", 5, "unix:@name"},
        {"\0", 1, "unix:@"},
        {"@x", 2, "unix:\\x40x"},
        {"a@x", 3, "unix:a@x"},
        {"\0@", 2, "unix:@@"},
        {"a b", 3, "unix:a b"},
        {"a\\b", 3, "unix:a\\x5cb"},
        {"a\nb\x7f\xff", 5, "unix:a\\x0ab\\x7f\\xff"},
        {"a:b", 3, "unix:a:b"},
        {"\\x41", 4, "unix:\\x5cx41"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hawser_addr addr;
        assert_works(hawser_addr_unix(&addr, cases[i].name, cases[i].len));
        assert_string_equal(text_of(addr), cases[i].text);
        assert_reads_back(addr);
    }
}

static void escapes_are_read_in_either_case_and_only_whole(void **state) {
    (void)state;
    static const char *const bad[] = {"unix:\\",  "unix:\\x",    "unix:\\x4",  "unix:\\x4g",
                                      "unix:\\n", "unix:a\\\\b", "unix:\\X41", "unix:@\\x"};
    hawser_addr a, b;
    assert_works(hawser_addr_parse(&a, "unix:\\xaBc"));
    assert_works(hawser_addr_parse(&b, "unix:\\xABc"));
    assert_true(hawser_addr_equal(&a, &b));
    assert_string_equal(text_of(a), "unix:\\xabc");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(hawser_addr_parse(&a, bad[i]), HAWSER_EADDRESS);
}

static void a_nul_has_no_place_in_a_path(void **state) {
    (void)state;
    hawser_addr addr = {.len = 77};
    assert_fails(hawser_addr_unix(&addr, "a\0b", 3), EINVAL);
    assert_fails(hawser_addr_unix(&addr, "a\0", 2), EINVAL);
    assert_fails(hawser_addr_parse(&addr, "unix:a\\x00b"), HAWSER_EADDRESS);
    assert_fails(hawser_addr_parse(&addr, "unix:\\x00name"), HAWSER_EADDRESS);
    assert_int_equal(addr.len, 77);
}

static void trap_18_a_path_has_at_most_107_bytes(void **state) {
    (void)state;
    char path[200], text[220] = "unix:";
    hawser_addr addr;
    memset(path, 'p', sizeof path);
    assert_works(hawser_addr_unix(&addr, path, 107));
    assert_int_equal(addr.len, sizeof(struct sockaddr_un));
    assert_reads_back(addr);
    for (size_t len = 108; len < 200; len++) {
        assert_fails(hawser_addr_unix(&addr, path, len), ENAMETOOLONG);
        memcpy(text + 5, path, len);
        text[5 + len] = '\0';
        assert_fails(hawser_addr_parse(&addr, text), ENAMETOOLONG);
    }
}

static void trap_18_a_path_of_108_bytes_from_the_kernel_is_kept_whole(void **state) {
    (void)state;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    hawser_addr addr;
    memset(un.sun_path, 'p', sizeof un.sun_path);
    assert_works(hawser_addr_from_sockaddr(&addr, (const struct sockaddr *)&un, sizeof un));
    assert_memory_equal(text_of(addr), "family:1:7070", 13);
    assert_reads_back(addr);
}

static void trap_19_an_abstract_name_has_at_most_107_bytes_of_any_kind(void **state) {
    (void)state;
    char name[120] = "";
    hawser_addr addr;
    memset(name + 1, 0xff, sizeof name - 1);
    name[50] = '\0';
    assert_works(hawser_addr_unix(&addr, name, 108));
    assert_int_equal(addr.len, 2 + 108);
    assert_int_equal(strlen(text_of(addr)), 6 + 107 * 4);
    assert_true(strlen(text_of(addr)) < HAWSER_ADDR_TEXT);
    assert_reads_back(addr);
    assert_fails(hawser_addr_unix(&addr, name, 109), ENAMETOOLONG);
    char text[300] = "unix:@";
    memset(text + 6, 'n', 108);
    assert_fails(hawser_addr_parse(&addr, text), ENAMETOOLONG);
    text[6 + 107] = '\0';
    assert_works(hawser_addr_parse(&addr, text));
}

static void trap_19_nuls_inside_an_abstract_name_count(void **state) {
    (void)state;
    hawser_addr one, two;
    assert_works(hawser_addr_unix(&one, "\0a", 2));
    assert_works(hawser_addr_unix(&two, "\0a\0", 3));
    assert_false(hawser_addr_equal(&one, &two));
    assert_string_equal(text_of(two), "unix:@a\\x00");
    assert_reads_back(two);
}

static void trap_19_the_kernel_gives_an_unnamed_socket_a_name_when_it_binds(void **state) {
    (void)state;
    hawser_addr unnamed, own;
    hawser_sock *sock = hawser_socket(AF_UNIX, SOCK_STREAM, 0);
    assert_non_null(sock);
    assert_works(hawser_addr_unix(&unnamed, NULL, 0));
    assert_int_equal(unnamed.len, sizeof(sa_family_t));
    assert_result(hawser_bind_addr(sock, &unnamed), 0);
    assert_result(hawser_getsockname(sock, &own), 0);
    assert_int_equal(strlen(text_of(own)), strlen("unix:@00001"));
    assert_memory_equal(text_of(own), "unix:@", 6);
    assert_reads_back(own);
    hawser_close(sock);
}

static void the_host_part_is_the_name(void **state) {
    (void)state;
    char host[HAWSER_ADDR_TEXT];
    hawser_addr addr;
    assert_works(hawser_addr_unix(&addr, "/x\n", 3));
    assert_int_equal(assert_works(hawser_addr_host(&addr, host, sizeof host)), 6);
    assert_string_equal(host, "/x\\x0a");
    assert_works(hawser_addr_unix(&addr, "\0x", 2));
    assert_int_equal(assert_works(hawser_addr_host(&addr, host, sizeof host)), 2);
    assert_string_equal(host, "@x");
    assert_works(hawser_addr_unix(&addr, NULL, 0));
    assert_int_equal(assert_works(hawser_addr_host(&addr, host, sizeof host)), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_unix_address_has_its_text),
        cmocka_unit_test(escapes_are_read_in_either_case_and_only_whole),
        cmocka_unit_test(a_nul_has_no_place_in_a_path),
        cmocka_unit_test(trap_18_a_path_has_at_most_107_bytes),
        cmocka_unit_test(trap_18_a_path_of_108_bytes_from_the_kernel_is_kept_whole),
        cmocka_unit_test(trap_19_an_abstract_name_has_at_most_107_bytes_of_any_kind),
        cmocka_unit_test(trap_19_nuls_inside_an_abstract_name_count),
        cmocka_unit_test(trap_19_the_kernel_gives_an_unnamed_socket_a_name_when_it_binds),
        cmocka_unit_test(the_host_part_is_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* server/address: where a server listens, as text. */
#include "support.h"

#include <limits.h>
#include <unistd.h>

#include "server/address.h"

#define A10 "aaaaaaaaaa"
#define A50 A10 A10 A10 A10 A10
#define A100 A50 A50

static const struct {
    const char *text;
    struct hawser__address address;
} good[] = {
    {"tcp://127.0.0.1:80", {HAWSER__TCP, "127.0.0.1", 80}},
    {"tcp://localhost:0", {HAWSER__TCP, "localhost", 0}},
    {"tcp://example.com:65535", {HAWSER__TCP, "example.com", 65535}},
    {"tcp://:8080", {HAWSER__TCP, "", 8080}},
    {"tcp://*:8080", {HAWSER__TCP, "", 8080}},
    {"tcp://[::]:8080", {HAWSER__TCP, "::", 8080}},
    {"tcp://[::ffff:127.0.0.1]:1", {HAWSER__TCP, "::ffff:127.0.0.1", 1}},
    {"tcp://tcp:80", {HAWSER__TCP, "tcp", 80}},
    {"tcp://3com:80", {HAWSER__TCP, "3com", 80}},
    {"localhost:080", {HAWSER__TCP, "localhost", 80}},
    {":80", {HAWSER__TCP, "", 80}},
    {"*:80", {HAWSER__TCP, "", 80}},
    {"[::1]:80", {HAWSER__TCP, "::1", 80}},
    {"[fe80::1%lo]:80", {HAWSER__TCP, "fe80::1%lo", 80}},
    {"[fe80::1%nosuch0]:80", {HAWSER__TCP, "fe80::1%nosuch0", 80}}, /* it may come up before the server opens */
    {"tcphost:80", {HAWSER__TCP, "tcphost", 80}},
    {"udp://:53", {HAWSER__UDP, "", 53}},
    {"udp://[::1]:53", {HAWSER__UDP, "::1", 53}},
    {"unix:/run/x.sock", {HAWSER__UNIX, "unix:/run/x.sock", 0}},
    {"unix:x.sock", {HAWSER__UNIX, "unix:x.sock", 0}},
    {"unix:@name", {HAWSER__UNIX, "unix:@name", 0}},
    {"unix:///run/x.sock", {HAWSER__UNIX, "unix:/run/x.sock", 0}},
    {"unix:\\x40file", {HAWSER__UNIX, "unix:\\x40file", 0}},
    {"unix:/run/a:80", {HAWSER__UNIX, "unix:/run/a:80", 0}},
    {"unix:" A100 "aaaaaaa", {HAWSER__UNIX, "unix:" A100 "aaaaaaa", 0}},
    {"unix-datagram:/run/x.sock", {HAWSER__UNIX_DATAGRAM, "unix:/run/x.sock", 0}},
    {"unix-datagram:///run/x.sock", {HAWSER__UNIX_DATAGRAM, "unix:/run/x.sock", 0}},
    {"unix-datagram:@name", {HAWSER__UNIX_DATAGRAM, "unix:@name", 0}},
    {"systemd:", {HAWSER__SYSTEMD, "", 0}},
    {"systemd:web", {HAWSER__SYSTEMD, "web", 0}},
    {"systemd:web socket/1", {HAWSER__SYSTEMD, "web socket/1", 0}},
    {"fd:0", {HAWSER__FD, "", 0}},
    {"fd:3", {HAWSER__FD, "", 3}},
    {"fd:2147483647", {HAWSER__FD, "", INT_MAX}},
};

static void texts_are_read(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct hawser__address got;
        memset(&got, 'x', sizeof got);
        int code = hawser__address_parse(&got, good[i].text);
        if (code < 0)
            fail_msg("%s is refused: %s", good[i].text, hawser_strerror(-code));
        if (got.scheme != good[i].address.scheme || got.port != good[i].address.port ||
            strcmp(got.host, good[i].address.host) != 0)
            fail_msg("%s is read as scheme %d, host \"%s\", port %d", good[i].text, (int)got.scheme, got.host, got.port);
    }
}

static const struct {
    int code;
    const char *text;
} bad[] = {
    /* no port, or none to be told apart */
    {HAWSER_EADDRESS, ""},
    {HAWSER_EADDRESS, "80"},
    {HAWSER_EADDRESS, "localhost"},
    {HAWSER_EADDRESS, "localhost:"},
    {HAWSER_EADDRESS, ":"},
    {HAWSER_EADDRESS, "tcp://"},
    {HAWSER_EADDRESS, "tcp://localhost"},
    {HAWSER_EADDRESS, "udp://:"},
    {HAWSER_EADDRESS, "[::1]"},
    {HAWSER_EADDRESS, "[::1]:"},
    {HAWSER_EADDRESS, "::1:80"},
    {HAWSER_EADDRESS, "::"},
    /* no host */
    {HAWSER_EADDRESS, "12345:80"},
    {HAWSER_EADDRESS, "0:80"},
    {HAWSER_EADDRESS, "-1:80"},
    {HAWSER_EADDRESS, "a b:80"},
    {HAWSER_EADDRESS, " :80"},
    {HAWSER_EADDRESS, "a\n:80"},
    {HAWSER_EADDRESS, "[]:80"},
    {HAWSER_EADDRESS, "[*]:80"},
    {HAWSER_EADDRESS, "[127.0.0.1]:80"},
    {HAWSER_EADDRESS, "[localhost]:80"},
    {HAWSER_EADDRESS, "[unix:/run/x]:80"},
    {HAWSER_EADDRESS, "[::1:80"},
    {HAWSER_EADDRESS, "[::1]80"},
    {HAWSER_EADDRESS, "[::1]x:80"},
    {HAWSER_EADDRESS, "[:::1]:80"},
    /* another thing than was meant */
    {HAWSER_EADDRESS, "tcp:80"},
    {HAWSER_EADDRESS, "udp:53"},
    {HAWSER_EADDRESS, "tcp:localhost:80"},
    {HAWSER_EADDRESS, "http://localhost:80"},
    {HAWSER_EADDRESS, "http://localhost"},
    {HAWSER_EADDRESS, "TCP://localhost:80"},
    {HAWSER_EADDRESS, "tcp://localhost:80/"},
    {HAWSER_EADDRESS, "tcp://user/localhost:80"},
    {HAWSER_EADDRESS, "/run/x.sock"},
    {HAWSER_EADDRESS, "unix:"},
    {HAWSER_EADDRESS, "unix:@"},
    {HAWSER_EADDRESS, "unix://"},
    {HAWSER_EADDRESS, "unix://run/x.sock"},
    {HAWSER_EADDRESS, "unix://@name"},
    {HAWSER_EADDRESS, "unix:bad\\escape"},
    {HAWSER_EADDRESS, "unix:\\x00hidden"},
    {HAWSER_EADDRESS, "unix-datagram:"},
    {HAWSER_EADDRESS, "unix-datagram"},
    {HAWSER_EADDRESS, "systemd"},
    {HAWSER_EADDRESS, "systemd:a:b"},
    {HAWSER_EADDRESS, "systemd:a\tb"},
    {HAWSER_EADDRESS, "systemd:\xc3\xa4"},
    {HAWSER_EADDRESS, "fd:"},
    {HAWSER_EADDRESS, "fd:x"},
    {HAWSER_EADDRESS, "fd:0x3"},
    {HAWSER_EADDRESS, "fd:3 "},
    {HAWSER_EADDRESS, "fd://3"},
    /* numbers */
    {ERANGE, "localhost:65536"},
    {ERANGE, "localhost:-1"},
    {ERANGE, ":99999999999999999999999999"},
    {ERANGE, "[::1]:65536"},
    {ERANGE, "udp://:65536"},
    {ERANGE, "fd:2147483648"},
    {ERANGE, "fd:-1"},
    /* lengths */
    {ENAMETOOLONG, "unix:" A100 "aaaaaaaa"},
    {ENAMETOOLONG, "unix:" A100 A100 A100 A100 A100},
    {ENAMETOOLONG, "unix-datagram:@" A100 "aaaaaaaa"},
    {ENAMETOOLONG, "tcp://" A100 A100 A100 A100 A10 A10 A10 A10 "aaaaaaaa:80"},
    {ENAMETOOLONG, "systemd:" A100 A100 A50 "aaaaaa"},
    /* services */
    {HAWSER_ENOSERVICE, "localhost:nosuch"},
    {HAWSER_ENOSERVICE, "localhost:0x50"},
};

/* What a failing call leaves alone is RET, and errno with the sentence: the public call sets them. */
static void other_texts_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hawser__address got, before;
        memset(&got, 'x', sizeof got);
        memset(&before, 'x', sizeof before);
        forget_errors();
        int code = hawser__address_parse(&got, bad[i].text);
        if (code != -bad[i].code)
            fail_msg("\"%s\" gives %d", bad[i].text, code);
        assert_memory_equal(&got, &before, sizeof got);
        assert_int_equal(errno, 0);
        assert_string_equal(hawser_error(), "");
    }
    assert_int_equal(hawser__address_parse(NULL, NULL), -HAWSER_EADDRESS);
}

/* The longest of each kind that has room. */
static void long_names_are_kept_whole(void **state) {
    (void)state;
    static const char *const hosts[] = {A100 A100 A100 A100 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    char text[600];
    struct hawser__address got;
    assert_int_equal(strlen(hosts[0]), sizeof got.host - 1);
    snprintf(text, sizeof text, "tcp://%s:80", hosts[0]);
    assert_int_equal(hawser__address_parse(&got, text), 0);
    assert_string_equal(got.host, hosts[0]);
    snprintf(text, sizeof text, "systemd:%s", A100 A100 A50 "aaaaa");
    assert_int_equal(hawser__address_parse(&got, text), 0);
    assert_int_equal(strlen(got.host), 255);
}

static void ports_may_be_names_of_services(void **state) {
    (void)state;
    struct hawser__address got;
    if (access("/etc/services", R_OK) != 0)
        skip();
    assert_int_equal(hawser__address_parse(&got, ":http"), 0);
    assert_int_equal(got.port, 80);
    assert_int_equal(hawser__address_parse(&got, "tcp://[::1]:ssh"), 0);
    assert_int_equal(got.port, 22);
    assert_int_equal(hawser__address_parse(&got, "udp://:domain"), 0);
    assert_int_equal(got.port, 53);
    assert_int_equal(hawser__address_parse(&got, "udp://:tftp"), 0);
    assert_int_equal(got.port, 69);
    assert_int_equal(hawser__address_parse(&got, "tcp://:tftp"), -HAWSER_ENOSERVICE);
}

static void a_lookup_that_fails_says_why(void **state) {
    (void)state;
    struct hawser__address got;
    fault_syscall("getservbyname", 1, EMFILE, 1);
    fault_everywhere();
    assert_int_equal(hawser__address_parse(&got, ":http"), -EMFILE);
    assert_true(fault_none());
    fault_alloc(1);
    assert_int_equal(hawser__address_parse(&got, ":http"), -ENOMEM);
    assert_true(fault_none());
}

/* What comes out is what hawser_create_server takes. */
static void servers_open_at_what_was_read(void **state) {
    (void)state;
    struct hawser__address got;
    char text[256];
    const char *path = own_path("served");
    snprintf(text, sizeof text, "unix://%s", path);
    assert_int_equal(hawser__address_parse(&got, text), 0);
    hawser_sock *server = hawser_create_server(got.host, got.port, NULL);
    assert_non_null(server);
    assert_int_equal(access(path, F_OK), 0);
    hawser_close(server);
    assert_int_equal(hawser__address_parse(&got, "127.0.0.1:0"), 0);
    server = hawser_create_server(got.host, got.port, NULL);
    assert_non_null(server);
    hawser_close(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(long_names_are_kept_whole),
        cmocka_unit_test(ports_may_be_names_of_services),
        cmocka_unit_test(a_lookup_that_fails_says_why),
        cmocka_unit_test(servers_open_at_what_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

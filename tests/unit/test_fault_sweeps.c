/* SPDX-License-Identifier: MIT */
/*
 * The Nth system call and the Nth allocation fail, in every scenario below, for every N there is: no crash, no leak of memory
 * or descriptor, and a call that fails because of it sets errno and says a sentence. Then every system call is interrupted
 * once, and nobody may notice.
 *
 * The far ends are plain sockets made before the fault is armed; a scenario only uses the library.
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/engines.h"
#include "engine_memory.h"

/* What a scenario needs from outside, made once. */
static int tcp_listener, tcp_port, refusing, refusing_port, udp_far, udp_port, file, unix_listener;
static char stale_host[160];
static char abstract_host[40]; /* of this process: others run the same test */

static int make_far_ends(void **state) {
    (void)state;
    tcp_listener = raw_listener(AF_INET, 100, &tcp_port);
    refusing = raw_refusing(&refusing_port);
    udp_far = raw_datagrams(&udp_port);
    unix_listener = raw_unix_listener(own_path("listener"), 100);
    file = open(own_path("data"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    snprintf(stale_host, sizeof stale_host, "unix:%s", own_path("swept"));
    snprintf(abstract_host, sizeof abstract_host, "unix:@hawser-swept-%d", (int)getpid());
    return write(file, "0123456789", 10) == 10 ? 0 : -1;
}

/* Empties a listener of what the scenarios left in its queue. */
static void drain_queue(int listener) {
    fcntl(listener, F_SETFL, O_NONBLOCK);
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;)
        close(fd);
    fcntl(listener, F_SETFL, 0);
}

/* Scenarios. */

static int make_and_ask(void *argument) {
    (void)argument;
    int result = -1, value;
    hawser_addr own;
    char line[256];
    hawser_sock *copy = NULL, *sock;
    TRY_NEW(sock, hawser_socket(AF_INET, SOCK_STREAM, 0));
    TRY(hawser_settimeout(sock, 5));
    TRY(hawser_bind(sock, "127.0.0.1", 0));
    TRY(hawser_listen(sock, 5));
    TRY(hawser_getsockname(sock, &own));
    TRY(hawser_getsocknames(sock, &own, 1));
    TRY(hawser_setsockopt_int(sock, SOL_SOCKET, SO_KEEPALIVE, 1));
    TRY(hawser_getsockopt_int(sock, SOL_SOCKET, SO_KEEPALIVE, &value));
    TRY(hawser_set_nodelay(sock, true));
    TRY(hawser_set_keepalive(sock, 5));
    if (!in_world()) {   /* which has no descriptors */
        TRY(hawser_set_inheritable(sock, true));
        TRY(hawser_get_inheritable(sock));
    }
    TRY_NEW(copy, hawser_dup(sock));
    hawser_repr(sock, line, sizeof line);
    ALWAYS(strncmp(line, "<hawser_sock fd=", in_world() ? 13 : 16) == 0);
    result = 0;
out:
    hawser_close(copy);
    hawser_close(sock);
    return result;
}

static int talk_to_oneself(void *argument) {
    (void)argument;
    int result = -1;
    char buf[16];
    hawser_sock *pair[2] = {NULL, NULL};
    TRY(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    TRY(hawser_sendall(pair[0], "0123456789", 10));
    TRY(hawser_recv_exactly(pair[1], buf, 4));
    TRY(hawser_recv_flags(pair[1], buf, 6, MSG_WAITALL));
    TRY(hawser_send(pair[1], "back", 4));
    TRY(hawser_recv(pair[0], buf, sizeof buf));
    TRY(hawser_shutdown(pair[0], SHUT_WR));
    TRY(hawser_recv(pair[1], buf, sizeof buf));
    hawser_close(pair[1]);
    pair[1] = NULL;
    hawser_sock *lingering = pair[0];
    pair[0] = NULL;
    TRY(hawser_close_linger(lingering, 5));
    result = 0;
out:
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    return result;
}

static int pass_messages_and_descriptors(void *argument) {
    (void)argument;
    int result = -1, fds[2] = {-1, -1}, flags;
    size_t count = 0;
    char buf[16];
    struct iovec part = {buf, 4};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    hawser_sock *pair[2] = {NULL, NULL};
    TRY(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    TRY(hawser_sendmsg(pair[0], &msg, 0));
    TRY(hawser_recvmsg(pair[1], &msg, 0));
    if (in_world()) {   /* which has no descriptors */
        result = 0;
        goto out;
    }
    TRY(hawser_send_fds(pair[0], "x", 1, (int[]){0, 1, 2}, 3, 0));
    count = 2;
    if (hawser_recv_fds(pair[1], buf, sizeof buf, fds, &count, 0, &flags) < 0) {
        note_failure("hawser_recv_fds");
        count = 0;
        goto out;
    }
    ALWAYS(count == 2 && (flags & MSG_CTRUNC));
    result = 0;
out:
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    return result;
}

static int exchange_datagrams(void *argument) {
    (void)argument;
    int result = -1;
    char buf[16];
    hawser_addr own, peer;
    hawser_sock *sock;
    TRY_NEW(sock, hawser_socket(AF_INET, SOCK_DGRAM, 0));
    TRY(hawser_bind(sock, "127.0.0.1", 0));
    TRY(hawser_getsockname(sock, &own));
    TRY(hawser_sendto(sock, "self", 4, "127.0.0.1", (int)hawser_addr_port(&own)));
    TRY(hawser_recvfrom(sock, buf, sizeof buf, &peer));
    TRY(hawser_sendto_addr(sock, "again", 5, 0, &peer));
    TRY(hawser_recvfrom_flags(sock, buf, sizeof buf, MSG_PEEK, NULL));
    result = 0;
out:
    hawser_close(sock);
    return result;
}

static int connect_and_adopt(void *argument) {
    (void)argument;
    int result = -1, fd = -1;
    hawser_addr peer;
    hawser_sock *copy = NULL, *adopted = NULL, *sock;
    TRY_NEW(sock, hawser_socket(AF_INET, SOCK_STREAM, 0));
    TRY(hawser_settimeout(sock, 5));
    TRY(hawser_connect(sock, "127.0.0.1", tcp_port));
    TRY(hawser_getpeername(sock, &peer));
    if (in_world()) {   /* which has no descriptors */
        TRY_NEW(adopted, hawser_dup(sock));
    } else {
        TRY_NEW(copy, hawser_fromfd(hawser_fileno(sock)));
        TRY((fd = hawser_detach(copy)));
        copy = NULL;
        TRY_NEW(adopted, hawser_sock_from_fd(fd));
        fd = -1;
    }
    TRY(hawser_sendall(adopted, "x", 1));
    result = 0;
out:
    if (fd >= 0)
        close(fd);
    hawser_close(adopted);
    hawser_close(copy);
    hawser_close(sock);
    drain_queue(tcp_listener);
    return result;
}

static int connect_over_unix(void *argument) {
    (void)argument;
    int result = -1;
    hawser_sock *sock;
    TRY_NEW(sock, hawser_socket(AF_UNIX, SOCK_STREAM, 0));
    TRY(hawser_connect(sock, own_path("listener"), 0));
    result = 0;
out:
    hawser_close(sock);
    drain_queue(unix_listener);
    return result;
}

static int dial(void *argument) {
    (void)argument;
    int result = -1;
    const hawser_connect_options options = {.timeout = 5, .source_host = "127.0.0.1"};
    hawser_sock *named = NULL, *sock;
    TRY_NEW(sock, hawser_create_connection("127.0.0.1", tcp_port, &options));
    TRY_NEW(named, hawser_create_connection("localhost", tcp_port, NULL));
    result = 0;
out:
    hawser_close(named);
    hawser_close(sock);
    drain_queue(tcp_listener);
    return result;
}

/* Fails without a fault: what is swept is the making of the long sentence and of the list of attempts. */
static int dial_in_vain(void *argument) {
    (void)argument;
    forget_errors();
    hawser_sock *sock = hawser_create_connection("localhost", refusing_port, NULL);
    ALWAYS(sock == NULL && errno != 0 && hawser_error()[0] != '\0');
    hawser_close(sock);
    return 0;
}

static int serve_and_accept(void *argument) {
    const char *host = argument;
    int result = -1;
    hawser_addr own;
    hawser_sock *client = NULL, *accepted = NULL, *server;
    TRY_NEW(server, hawser_create_server(host, 0, NULL));
    TRY(hawser_settimeout(server, 5));
    TRY(hawser_getsockname(server, &own));
    TRY_NEW(client, hawser_socket(hawser_addr_family(&own), SOCK_STREAM, 0));
    TRY(hawser_settimeout(client, 5));
    if (own.ss.ss_family == AF_INET6)
        TRY(hawser_connect(client, "::1", (int)hawser_addr_port(&own)));
    else
        TRY(hawser_connect_addr(client, &own));
    TRY_NEW(accepted, hawser_accept(server, NULL));
    result = 0;
out:
    hawser_close(accepted);
    hawser_close(client);
    hawser_close(server);
    return result;
}

static int serve_in_vain(void *argument) {
    (void)argument;
    forget_errors();
    hawser_sock *server = hawser_create_server("localhost", tcp_port, NULL);
    ALWAYS(server == NULL && errno != 0 && hawser_error()[0] != '\0');
    hawser_close(server);
    return 0;
}

static int send_a_file(void *argument) {
    (void)argument;
    int result = -1, fds[2] = {-1, -1};
    hawser_sock *pair[2] = {NULL, NULL};
    TRY(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    TRY(hawser_settimeout(pair[0], 5));
    TRY(hawser_sendfile(pair[0], file, 0, 0));
    TRY(hawser_sendfile(pair[0], file, 3, 4));
    if (pipe2(fds, O_CLOEXEC) < 0 || write(fds[1], "piped", 5) != 5)
        abort();
    TRY(hawser_sendfile(pair[0], fds[0], -1, 5));
    result = 0;
out:
    if (fds[0] >= 0) {
        close(fds[0]);
        close(fds[1]);
    }
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    return result;
}

static int use_files(void *argument) {
    (void)argument;
    int result = -1;
    char line[32];
    hawser_file *writer = NULL, *reader = NULL;
    hawser_sock *pair[2] = {NULL, NULL};
    TRY(hawser_socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    TRY_NEW(writer, hawser_makefile(pair[0], "w"));
    TRY_NEW(reader, hawser_makefile(pair[1], "r"));
    TRY(hawser_printf(writer, "%s and %d\n", "a line", 42));
    TRY(hawser_flush(writer));
    TRY(hawser_readline(reader, line, sizeof line));
    result = 0;
out:
    hawser_file_close(writer);
    hawser_file_close(reader);
    hawser_close(pair[0]);
    hawser_close(pair[1]);
    return result;
}

static int look_at_the_world(void *argument) {
    (void)argument;
    int result = -1;
    char bytes[600];
    TRY(hawser_random_bytes(bytes, sizeof bytes));
    TRY(hawser_sleep(0.001));
    TRY(hawser_wait_fd(udp_far, HAWSER_WRITABLE, 5));
    hawser_has_ipv6();
    hawser_has_dualstack_ipv6();
    result = 0;
out:
    return result;
}

static const struct {
    const char *name;
    int (*run)(void *argument);
    const char *argument;
} scenarios[] = {
    {"make and ask", make_and_ask, NULL},
    {"talk to oneself", talk_to_oneself, NULL},
    {"pass messages and descriptors", pass_messages_and_descriptors, NULL},
    {"exchange datagrams", exchange_datagrams, NULL},
    {"connect and adopt", connect_and_adopt, NULL},
    {"connect over Unix", connect_over_unix, NULL},
    {"dial", dial, NULL},
    {"dial in vain", dial_in_vain, NULL},
    {"serve 127.0.0.1", serve_and_accept, "127.0.0.1"},
    {"serve localhost", serve_and_accept, "localhost"},
    {"serve all", serve_and_accept, ""},
    {"serve a Unix path", serve_and_accept, stale_host},
    {"serve an abstract name", serve_and_accept, abstract_host},
    {"serve in vain", serve_in_vain, NULL},
    {"send a file", send_a_file, NULL},
    {"use files", use_files, NULL},
    {"look at the world", look_at_the_world, NULL},
};

static void every_system_call_may_fail(void **state) {
    (void)state;
    static const int codes[] = {EIO, ENOMEM, EMFILE, EBADF, EAGAIN, ETIMEDOUT};
    for (size_t k = 0; k < sizeof codes / sizeof *codes; k++)
        for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
            print_message("    %s, each with %s\n", scenarios[i].name, hawser_strerror(codes[k]));
            assert_true(sweep_syscalls(scenarios[i].run, (void *)scenarios[i].argument, codes[k], NULL) > 0);
        }
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        print_message("    %s\n", scenarios[i].name);
        sweep_allocations(scenarios[i].run, (void *)scenarios[i].argument);
    }
}

/* Trap 1. */
static void every_system_call_may_be_interrupted_and_nobody_notices(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        print_message("    %s\n", scenarios[i].name);
        sweep_interruptions(scenarios[i].run, (void *)scenarios[i].argument, NULL);
    }
}

/* Above the seam nothing changes with the engine, failing included. */
static void every_allocation_may_fail_on_an_engine_without_a_kernel(void **state) {
    (void)state;
    skip_in_world("its hosts have one engine");
    static const struct {
        int (*run)(void *argument);
        const char *argument;
    } rows[] = {{talk_to_oneself, NULL},
                {exchange_datagrams, NULL},
                {serve_and_accept, "127.0.0.1"},
                {serve_and_accept, "localhost"},
                {serve_and_accept, ""},
                {serve_and_accept, "unix:@name"},
                {use_files, NULL}};
    hawser__engine_use(&memory_engine);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(sweep_allocations(rows[i].run, (void *)rows[i].argument) > 0);
    assert_int_equal(memory_engine_sockets(), 0);
    hawser__engine_use(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_system_call_may_fail),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_system_call_may_be_interrupted_and_nobody_notices),
        cmocka_unit_test(every_allocation_may_fail_on_an_engine_without_a_kernel),
    };
    return cmocka_run_group_tests(tests, make_far_ends, NULL);
}

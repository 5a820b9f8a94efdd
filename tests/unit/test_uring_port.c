/* SPDX-License-Identifier: MIT */
/* engine/uring_port: where there is no ring the run goes on without; a ring belongs to its worker and to its process; and a
 * process that is gone holds no port. */
#include "support.h"

#include "engine/uring.h"
#include "net/handle.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMES 50

static int run_in_ring(int workers, hawser_fn fn, void *arg) {
    const hawser_run_options options = {.workers = workers, .stack_size = TEST_STACK, .engine = "uring"};
    return run_apart(fn, arg, &options);
}

static bool has_ring(void) {
    struct hawser__kernel_port *port = hawser__kernel_port();
    return port && strcmp(port->base.engine->ops->name, "uring") == 0 && hawser__uring_ready(hawser__uring_port(port));
}

/* What a run can do, whatever it waits in. */

struct exchange {
    wire w;
    bool ring;
};

static int echo(void *arg) {
    struct exchange *exchange = arg;
    char buf[16];
    const void *lent;
    exchange->ring = has_ring();
    for (int i = 0; i < 3; i++) {
        ssize_t n = hawser_recv(exchange->w.sock, buf, sizeof buf);
        EXPECT(n == 4 && hawser_sendall(exchange->w.sock, buf, (size_t)n) == 0);
        n = hawser_recv_borrow(exchange->w.sock, &lent);
        EXPECT(n == 4 && hawser_sendall(exchange->w.sock, lent, (size_t)n) == 0);
    }
    return 0;
}

static long ask(void *arg) {
    struct exchange *exchange = arg;
    char buf[4];
    for (int i = 0; i < 6; i++)
        if (!raw_write(exchange->w.far, "ping", 4) || !raw_read(exchange->w.far, buf, 4) || memcmp(buf, "ping", 4) != 0)
            return -1;
    return 0;
}

/* Whether a ring was used; -1: it went wrong. */
static int exchange_some(int workers) {
    struct exchange exchange = {.w = tcp_wire(false)};
    runner far;
    hawser_settimeout(exchange.w.sock, WAIT_LIMIT);
    start_thread(&far, ask, &exchange);
    int result = run_in_ring(workers, echo, &exchange);
    result = finish(&far) == 0 && result == 0 ? exchange.ring : -1;
    cut(exchange.w);
    return result;
}

static void what_is_refused_is_done_without(void **state) {
    (void)state;
    static const struct {
        const char *call;
        int code;
    } refusals[] = {{"io_uring_setup", EPERM},  {"io_uring_setup", ENOSYS},    {"io_uring_setup", ENOMEM},
                    {"io_uring_setup", EMFILE}, {"io_uring_enter", EPERM},     {"io_uring_enter", EBADF}};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        fault_syscall(refusals[i].call, 1, refusals[i].code, 1000);
        fault_everywhere();
        int ring = exchange_some(2);
        assert_int_equal(ring, strcmp(refusals[i].call, "io_uring_enter") == 0);   /* refused later */
        assert_true(fault_none());
    }
    assert_as_expected();
}

static void with_a_ring_it_is_used(void **state) {
    (void)state;
    assert_int_equal(exchange_some(1), true);
    assert_int_equal(exchange_some(2), true);
    assert_as_expected();
}

/* Children. */

static int end_of(pid_t child) {
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* As a container's filter does. */
static bool refuse(unsigned number) {
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof lines / sizeof *lines, lines};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static void a_filter_of_system_calls_is_no_matter(void **state) {
    (void)state;
    skip_unless_forks_are_followed();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(!refuse(425 /* io_uring_setup */) ? 100 : exchange_some(2) == false ? 0 : 1);
    assert_int_equal(end_of(child), 0);
}

static int write_both(void *arg) {
    wire *wires = arg;
    rest_a_moment();
    rest_a_moment();
    EXPECT(raw_write(wires[0].far, "lost", 4) && raw_write(wires[1].far, "lost", 4));
    return 0;
}

/* When both wait. */
static int lose_the_ring(void *arg) {
    (void)arg;
    rest_a_moment();
    EXPECT(refuse(426 /* io_uring_enter */));
    return 0;
}

static int read_one(void *arg) {
    char got[4];
    EXPECT(hawser_recv(((wire *)arg)->sock, got, sizeof got) == 4);
    return 0;
}

static int wait_in_a_lost_ring(void *arg) {
    wire *wires = arg;
    const void *lent;
    EXPECT(has_ring());
    EXPECT(hawser_go(read_one, &wires[0]) == 0);
    EXPECT(hawser_go(lose_the_ring, NULL) == 0);
    EXPECT(hawser_go(write_both, wires) == 0);
    EXPECT(hawser_recv_borrow(wires[1].sock, &lent) == 4);
    EXPECT(!has_ring());
    EXPECT(hawser_sleep(0.001) == 0);
    return 0;
}

static int live_without(void) {
    wire wires[2] = {tcp_wire(false), tcp_wire(false)};
    for (int i = 0; i < 2; i++)
        hawser_settimeout(wires[i].sock, WAIT_LIMIT);
    return run_in_ring(1, wait_in_a_lost_ring, wires);
}

static void a_filter_that_comes_later_ends_the_ring_and_no_wait(void **state) {
    (void)state;
    skip_unless_forks_are_followed();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int result = live_without();
        check_expectations(__FILE__, __LINE__);
        _exit(result == 0 ? 0 : 1);
    }
    assert_int_equal(end_of(child), 0);
}

struct family {
    wire near, other;
    int child_says;
};

static int wait_beside(void *arg) {
    struct family *family = arg;
    char buf[8];
    EXPECT(hawser_recv(family->other.sock, buf, sizeof buf) == 5 && memcmp(buf, "still", 5) == 0);
    return 0;
}

/* The child has a ring of its own; what waits in the parent's is the parent's. */
static int fork_beside(void *arg) {
    struct family *family = arg;
    const void *lent;
    EXPECT(hawser_go(wait_beside, family) == 0);
    EXPECT(raw_write(family->near.far, "one", 3));
    EXPECT(hawser_recv_borrow(family->near.sock, &lent) == 3);
    rest_a_moment();
    pid_t child = fork();
    if (child == 0) {
        char byte;
        hawser_settimeout(family->near.sock, 0.002);
        bool fine = hawser_recv(family->near.sock, &byte, 1) == -1 && errno == ETIMEDOUT && has_ring();
        fine = fine && hawser_recv_borrow(family->near.sock, &lent) == -1 && errno == ETIMEDOUT;
        _exit(fine ? 0 : 1);
    }
    family->child_says = end_of(child);
    EXPECT(raw_write(family->other.far, "still", 5));
    return 0;
}

static void a_child_has_a_ring_of_its_own_and_leaves_its_parents_alone(void **state) {
    (void)state;
    skip_unless_forks_are_followed();
    struct family family = {.near = tcp_wire(false), .other = tcp_wire(false), .child_says = -1};
    assert_works(hawser_settimeout(family.near.sock, WAIT_LIMIT));
    assert_works(hawser_settimeout(family.other.sock, WAIT_LIMIT));
    assert_int_equal(run_in_ring(1, fork_beside, &family), 0);
    assert_as_expected();
    assert_int_equal(family.child_says, 0);
    cut(family.near);
    cut(family.other);
}

/* Ports. */

static int serve_one(void *arg) {
    int *tell = arg;
    const void *data;
    ssize_t n;
    hawser_listen_options options = {.backlog = 5};
    hawser_sock *listener = hawser_create_server("127.0.0.1", 0, &options), *client;
    int port = listener ? raw_port(hawser_fileno(listener)) : -1;
    if (write(tell[1], &port, sizeof port) != sizeof port)
        return -1;
    client = hawser_accept(listener, NULL);
    while ((n = hawser_recv_borrow(client, &data)) > 0 && *(const char *)data != 'x')
        (void)hawser_sendall(client, data, (size_t)n);
    return n > 0 ? 0 : hawser_accept(listener, NULL) != NULL;   /* 'x': it ends as it should, and leaves all open */
}

static int bind_again(int port) {
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int code = bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0 && listen(fd, 5) == 0 ? 0 : errno;
    close(fd);
    return code;
}

/* SIGNO 0: it ends by itself. What binding its port gives when it is gone. */
static int end_a_server(int signo) {
    int tell[2], port = -1;
    char byte;
    if (pipe(tell) < 0)
        return errno;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGTERM, SIG_DFL);
        _exit(run_in_ring(2, serve_one, tell) == 0 ? 0 : 1);
    }
    bool told = read(tell[0], &port, sizeof port) == sizeof port;
    int client = raw_connect(AF_INET, port);
    bool served = told && raw_write(client, "a", 1) && raw_read(client, &byte, 1);
    if (signo)
        kill(child, signo);
    else
        (void)raw_write(client, "x", 1);
    waitpid(child, NULL, 0);
    int code = served ? bind_again(port) : ECHILD;
    close(client);
    close(tell[0]);
    close(tell[1]);
    return code;
}

static void a_process_that_is_gone_holds_no_port(void **state) {
    (void)state;
    static const int ends[] = {0, SIGTERM, SIGKILL};
    skip_unless_forks_are_followed();
    for (int i = 0; i < TIMES; i++)
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
            assert_int_equal(end_a_server(ends[k]), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused_is_done_without),
        cmocka_unit_test(with_a_ring_it_is_used),
        cmocka_unit_test(a_filter_of_system_calls_is_no_matter),
        cmocka_unit_test(a_filter_that_comes_later_ends_the_ring_and_no_wait),
        cmocka_unit_test(a_child_has_a_ring_of_its_own_and_leaves_its_parents_alone),
        cmocka_unit_test(a_process_that_is_gone_holds_no_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

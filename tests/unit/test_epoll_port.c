/* SPDX-License-Identifier: MIT */
/* engine/epoll_wait: in whose epoll a socket is, and when in none. Whoever waits is told all the same. */
#include "fibers.h"
#include "own_world.h"
#include "support.h"

#include "engine/kernel.h"
#include "net/handle.h"

#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static char message[1000];

struct scene {
    wire wire;
    hawser_addr neighbour;   /* of UDP: who everything is for */
    int other_worker;        /* where the task is beside the one on worker 1 */
    atomic_bool sent, received;
};

static struct hawser__kernel_endpoint *endpoint(struct scene *s) {
    return hawser__kernel_endpoint(s->wire.sock->endpoints[0]);
}

/* On loopback a datagram never waits. In this network it waits for the address of a neighbour who does not answer, and counts
 * for its sender; NEIGHBOUR_IS_THERE lets it go. */
#define NETWORK                                                                                                               \
    "ip link add v0 type veth peer name v1 && ip addr add 10.1.1.1/24 dev v0 && ip link set v0 up && ip link set v1 up"
#define NEIGHBOUR_IS_THERE "ip neigh replace 10.1.1.2 lladdr 02:00:00:00:00:02 dev v0"
#define NEIGHBOUR_IS_AWAY "ip neigh del 10.1.1.2 dev v0"

static bool shell(const char *command) {
    return system(command) == 0;
}

static struct scene udp_scene(void) {
    int small = 1;
    struct scene s = {.wire = {hawser_socket(AF_INET, SOCK_DGRAM, 0), socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)}};
    hawser_addr own;
    assert_works(hawser_bind(s.wire.sock, "10.1.1.1", 0));
    assert_works(hawser_setsockopt(s.wire.sock, SOL_SOCKET, SO_SNDBUF, &small, sizeof small));
    assert_works(hawser_getsockname(s.wire.sock, &own));
    assert_int_equal(connect(s.wire.far, (const struct sockaddr *)&own.ss, own.len), 0);
    assert_works(hawser_addr_parse(&s.neighbour, "10.1.1.2:9"));
    return s;
}

static struct scene unix_scene(int type) {
    return (struct scene){.wire = unix_wire(type)};
}

/* Whether some epoll of this process has SOCK, as /proc shows it. */

static bool is_registered_in(int epoll, int fd) {
    char path[64], line[128];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", epoll);
    FILE *info = fopen(path, "re");
    bool found = false;
    int tfd;
    while (info && !found && fgets(line, sizeof line, info))
        found = sscanf(line, "tfd: %d events:", &tfd) == 1 && tfd == fd;
    if (info)
        fclose(info);
    return found;
}

static bool is_registered(hawser_sock *sock) {
    bool found = false;
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *entry; dir && !found && (entry = readdir(dir));)
        found = is_registered_in(atoi(entry->d_name), hawser_fileno(sock));
    if (dir)
        closedir(dir);
    return found;
}

/* Whether readers and senders of SOCK wait in the worker's ring, and not in epoll. */
static bool in_ring(struct scene *s) {
    struct hawser__kernel_port *port = hawser__kernel_port();
    return endpoint(s)->type == SOCK_STREAM && port && port->ops->send;
}

/* Those who wait. */

static int receive(void *arg) {
    struct scene *s = arg;
    char buf[sizeof message];
    EXPECT(hawser_recv(s->wire.sock, buf, sizeof buf) == 4);
    atomic_store(&s->received, true);
    return 0;
}

static ssize_t send_message(struct scene *s) {
    if (s->neighbour.len)
        return hawser_sendto_addr(s->wire.sock, message, sizeof message, 0, &s->neighbour);
    return hawser_send(s->wire.sock, message, sizeof message);
}

static void fill(struct scene *s) {
    hawser_settimeout(s->wire.sock, 0);
    while (send_message(s) > 0)
        ;
    EXPECT(errno == EAGAIN);
    hawser_settimeout(s->wire.sock, WAIT_LIMIT);
}

static int send_one_more(void *arg) {
    struct scene *s = arg;
    EXPECT(send_message(s) == sizeof message);
    atomic_store(&s->sent, true);
    return 0;
}

static bool receives(void *scene) {
    return atomic_load(&endpoint(scene)->seats[HAWSER__IN].sitter) != 0;
}

static bool sends(void *scene) {
    return atomic_load(&endpoint(scene)->seats[HAWSER__OUT].sitter) != 0;
}

static bool is_there(void *scene) {
    return is_registered(((struct scene *)scene)->wire.sock);
}

static bool has_sent(void *scene) {
    return atomic_load(&((struct scene *)scene)->sent);
}

static bool has_received(void *scene) {
    return atomic_load(&((struct scene *)scene)->received);
}

static void make_room(struct scene *s) {
    char buf[65536];
    if (s->neighbour.len)
        EXPECT(shell(NEIGHBOUR_IS_THERE));
    else
        while (recv(s->wire.far, buf, sizeof buf, MSG_DONTWAIT) > 0)
            ;
}

/* The socket is the reader's worker's, who waits there all the time. */
static int fill_and_wait(void *arg) {
    struct scene *s = arg;
    if (in_ring(s))
        return 0;
    EXPECT(hawser_go_on(1, receive, s) == 0);
    EXPECT(wait_until(receives, s));
    fill(s);
    EXPECT(hawser_go_on(s->other_worker, send_one_more, s) == 0);
    EXPECT(wait_until(sends, s));
    EXPECT(!has_sent(s));
    make_room(s);
    EXPECT(wait_until(has_sent, s));
    EXPECT(!has_received(s));
    EXPECT(raw_write(s->wire.far, "here", 4));
    EXPECT(wait_until(has_received, s));
    return 0;
}

static void check_sender(struct scene s, int worker) {
    s.other_worker = worker;
    assert_runs(2, fill_and_wait, &s);
    assert_as_expected();
    cut(s.wire);
    if (s.neighbour.len)
        assert_true(shell(NEIGHBOUR_IS_AWAY));
}

static void check_senders(int worker) {
    check_sender(udp_scene(), worker);
    check_sender(unix_scene(SOCK_STREAM), worker);
    check_sender(unix_scene(SOCK_DGRAM), worker);
    check_sender(unix_scene(SOCK_SEQPACKET), worker);
}

static void a_sender_beside_a_reader_is_told_of_room(void **state) {
    (void)state;
    check_senders(1);
}

static void so_is_one_of_another_worker(void **state) {
    (void)state;
    check_senders(2);
}

/* Sending many messages. */

#define MOST 40

static void send_many(struct scene *s, unsigned n) {
    struct iovec piece = {.iov_base = message, .iov_len = 10};
    struct mmsghdr messages[MOST];
    for (unsigned i = 0; i < n; i++)
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &piece, .msg_iovlen = 1}, .msg_len = 0};
    hawser__endpoint *to = s->wire.sock->endpoints[0];
    EXPECT(to->engine->ops->sendmmsg(to, messages, n, 0, HAWSER__NEVER) == (int)n);
}

static void receive_in_vain(struct scene *s) {
    char byte;
    hawser_settimeout(s->wire.sock, 0.001);
    EXPECT_FAILURE(hawser_recv(s->wire.sock, &byte, 1), ETIMEDOUT);
    hawser_settimeout(s->wire.sock, WAIT_LIMIT);
}

static void check_messages(int (*body)(void *scene)) {
    struct scene s = unix_scene(SOCK_DGRAM);
    assert_runs(1, body, &s);
    assert_as_expected();
    cut(s.wire);
}

/* What comes while it is in no epoll, and what comes later, is read. */
static int send_many_and_receive(void *arg) {
    struct scene *s = arg;
    if (!told_changes())
        return 0;
    receive_in_vain(s);
    EXPECT(is_registered(s->wire.sock));
    send_many(s, 4);
    EXPECT(is_registered(s->wire.sock));
    for (int i = 0; i < 3; i++) {
        send_many(s, MOST);
        EXPECT(!is_registered(s->wire.sock));
        send_many(s, MOST);
        EXPECT(raw_write(s->wire.far, "here", 4));
        atomic_store(&s->received, false);
        EXPECT(receive(s) == 0 && has_received(s));
        receive_in_vain(s);
        EXPECT(is_registered(s->wire.sock));
        atomic_store(&s->received, false);
        EXPECT(hawser_go(receive, s) == 0);
        EXPECT(wait_until(receives, s));
        EXPECT(raw_write(s->wire.far, "here", 4));
        EXPECT(wait_until(has_received, s));
        make_room(s);
    }
    return 0;
}

static void who_sends_many_messages_is_in_no_epoll_until_somebody_waits(void **state) {
    (void)state;
    check_messages(send_many_and_receive);
}

/* A read that came short has emptied it, so the next one waits at once. */
static int read_a_batch_and_wait(void *arg) {
    struct scene *s = arg;
    char buf[64];
    struct iovec piece = {.iov_base = buf, .iov_len = sizeof buf};
    struct msghdr one = {.msg_iov = &piece, .msg_iovlen = 1};
    struct mmsghdr messages[2] = {{.msg_hdr = one, .msg_len = 0}, {.msg_hdr = one, .msg_len = 0}};
    hawser__endpoint *from = s->wire.sock->endpoints[0];
    if (!told_changes())
        return 0;
    receive_in_vain(s);
    EXPECT(raw_write(s->wire.far, "here", 4));
    EXPECT(from->engine->ops->recvmmsg(from, messages, 2, 0, HAWSER__NEVER) == 1);
    send_many(s, MOST);
    EXPECT(raw_write(s->wire.far, "here", 4));
    EXPECT(from->engine->ops->recvmmsg(from, messages, 2, 0, hawser__clock_monotonic() + WAIT_LIMIT * HAWSER__SECOND) == 1);
    return 0;
}

static void what_came_meanwhile_is_not_missed(void **state) {
    (void)state;
    check_messages(read_a_batch_and_wait);
}

static int send_many_beside_a_reader(void *arg) {
    struct scene *s = arg;
    EXPECT(hawser_go_on(s->other_worker, receive, s) == 0);
    EXPECT(wait_until(receives, s));
    EXPECT(!told_changes() || wait_until(is_there, s));
    send_many(s, MOST);
    EXPECT(!told_changes() || is_registered(s->wire.sock));
    EXPECT(raw_write(s->wire.far, "here", 4));
    EXPECT(wait_until(has_received, s));
    return 0;
}

static void beside_a_reader_who_waits_it_stays(void **state) {
    (void)state;
    for (int worker = 1; worker <= 2; worker++) {
        struct scene s = {.wire = unix_wire(SOCK_DGRAM), .other_worker = worker};
        assert_runs(2, send_many_beside_a_reader, &s);
        assert_as_expected();
        cut(s.wire);
    }
}

/* The child's worker has an epoll of its own, which the socket is not in yet. */
static int send_many_after_a_fork(void *arg) {
    struct scene *s = arg;
    int status = -1;
    receive_in_vain(s);
    pid_t child = fork();
    if (child == 0) {
        alarm((unsigned)WAIT_LIMIT);
        send_many(s, MOST);
        (void)raw_write(s->wire.far, "here", 4);
        (void)receive(s);
        receive_in_vain(s);
        _exit(has_received(s) && (!told_changes() || is_registered(s->wire.sock)) ? 0 : 1);
    }
    EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    return 0;
}

static void so_it_is_in_the_child_of_a_fork(void **state) {
    (void)state;
    skip_unless_forks_are_followed();
    check_messages(send_many_after_a_fork);
}

int main(void) {
    enter_own_world(test_arguments, NULL);
    if (!shell(NETWORK))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_beside_a_reader_is_told_of_room),
        cmocka_unit_test(so_is_one_of_another_worker),
        cmocka_unit_test(who_sends_many_messages_is_in_no_epoll_until_somebody_waits),
        cmocka_unit_test(what_came_meanwhile_is_not_missed),
        cmocka_unit_test(so_it_is_in_the_child_of_a_fork),
        cmocka_unit_test(beside_a_reader_who_waits_it_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

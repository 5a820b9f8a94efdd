/* SPDX-License-Identifier: MIT */
#include "small_world.h"

#include "world/descriptors.h"

hawser__host *left, *right;
char heard[65536];

static hawser__world world;
static census before;
static char trace[1 << 18];
static size_t traced;

static void keep_line(const char *line) {
    size_t length = strlen(line);
    if (traced + length + 2 > sizeof trace)
        return;
    memcpy(trace + traced, line, length);
    memcpy(trace + traced + length, "\n", 2);
    traced += length + 1;
}

static void nobody_waits(hawser__socket *socket) {
    (void)socket;
}

const char *trace_text(void) {
    return trace;
}

void forget_trace(void) {
    traced = 0;
    trace[0] = '\0';
}

void begin_world(const hawser_sim_model *model) {
    static const hawser_sim_model perfect;
    const char *fault = NULL;
    before = take_census();
    forget_trace();
    assert_result(hawser__world_open(&world, 1, model ? model : &perfect, &fault), 0);
    world.changed = nobody_waits;
    world.put_line = keep_line;
    hawser__world_here = &world;
    assert_result(hawser__host_add(&world, "left", &left), 0);
    assert_result(hawser__host_add(&world, "right", &right), 0);
    left->up = right->up = true;
}

void end_world(void) {
    hawser__host *hosts[] = {left, right};
    for (int i = 0; i < 2; i++) {
        hawser__sockets_drop(hosts[i], false);
        hawser__host_forget_files(hosts[i]);
    }
    hawser__sockets_end();
    assert_false(world.broken);
    hawser__world_close(&world);
    hawser__world_here = NULL;
    const char *left_over = compare_census(before);
    if (left_over)
        fail_msg("left over: %s", left_over);
}

int small_world_setup(void **state) {
    (void)state;
    begin_world(NULL);
    return 0;
}

int small_world_teardown(void **state) {
    (void)state;
    end_world();
    return 0;
}

void set_link(const hawser_sim_link *link) {
    const char *fault;
    assert_result(hawser__path_set(hawser__path_between(left, right), link, &fault), 0);
    assert_result(hawser__path_set(hawser__path_between(right, left), link, &fault), 0);
}

void set_cut(hawser__host *from, hawser__host *to, bool cut) {
    hawser__path_between(from, to)->cut = cut;
}

void settle(void) {
    for (int i = 0; i < 1000000; i++)
        if (!hawser__world_step(&world))
            return;
    fail_msg("it never ends");
}

void pass(int64_t ns) {
    int64_t end = world.now + ns;
    for (const hawser__event *event; (event = hawser__events_first(&world.events)) && event->at <= end;)
        hawser__world_step(&world);
    world.now = end;
}

int64_t now(void) {
    return world.now;
}

/* Sockets. */

hawser__socket *open_socket(hawser__host *host, int family, int type) {
    hawser__socket *socket = NULL;
    assert_result(hawser__socket_open(host, family, type, 0, &socket), 0);
    return socket;
}

static hawser_addr address(const char *ip, int port) {
    hawser_addr addr;
    assert_result(hawser_addr_ip(&addr, ip, port), 0);
    return addr;
}

int bind_to(hawser__socket *socket, const char *ip, int port) {
    hawser_addr addr = address(ip, port);
    return hawser__socket_bind(socket, (struct sockaddr *)&addr.ss, addr.len);
}

int connect_to(hawser__socket *socket, const char *ip, int port) {
    hawser_addr addr = address(ip, port);
    return hawser__socket_connect(socket, (struct sockaddr *)&addr.ss, addr.len);
}

const char *ip_of(const hawser__host *host) {
    static char texts[2][HAWSER_ADDR_TEXT];
    char *text = texts[host == right];
    hawser_addr_host(&host->four, text, sizeof texts[0]);
    return text;
}

static const char *print(hawser__socket *socket, int (*get)(hawser__socket *, struct sockaddr *, socklen_t *)) {
    static hawser_addr addrs[4];
    static unsigned next;
    hawser_addr *addr = &addrs[next++ % 4];
    *addr = (hawser_addr){.len = sizeof addr->ss};
    int result = get(socket, (struct sockaddr *)&addr->ss, &addr->len);
    if (result < 0)
        return result == -ENOTCONN ? "ENOTCONN" : "another error";
    return hawser_addr_str(addr);
}

const char *name_of(hawser__socket *socket) {
    return print(socket, hawser__socket_getsockname);
}

const char *peer_of(hawser__socket *socket) {
    return print(socket, hawser__socket_getpeername);
}

int port_of(hawser__socket *socket) {
    hawser_addr addr = {.len = sizeof addr.ss};
    hawser__socket_getsockname(socket, (struct sockaddr *)&addr.ss, &addr.len);
    return (int)hawser_addr_port(&addr);
}

hawser__socket *listen_on(hawser__host *host, int family, const char *ip, int backlog) {
    hawser__socket *listener = open_socket(host, family, SOCK_STREAM);
    assert_result(bind_to(listener, ip, 0), 0);
    assert_result(hawser__socket_listen(listener, backlog), 0);
    return listener;
}

static void connect_ends(hawser__host *from, hawser__host *to, const char *ip, hawser__socket *ret[2]) {
    hawser__socket *listener = listen_on(to, AF_INET, ip, 5);
    ret[0] = open_socket(from, AF_INET, SOCK_STREAM);
    assert_result(connect_to(ret[0], ip, port_of(listener)), -EINPROGRESS);
    for (int i = 0; i < 1000 && hawser__socket_accept(listener, &ret[1]) == -EAGAIN; i++)
        pass(100 * MS);
    assert_false(hawser__socket_connecting(ret[0]));
    assert_result(hawser__socket_connect_result(ret[0]), 0);
    hawser__socket_unref(listener);
}

void connect_hosts(hawser__socket *ret[2]) {
    connect_ends(left, right, ip_of(right), ret);
}

void connect_within(hawser__socket *ret[2]) {
    connect_ends(left, left, "127.0.0.1", ret);
}

void close_both(hawser__socket *ends[2]) {
    hawser__socket_unref(ends[0]);
    hawser__socket_unref(ends[1]);
}

int give_number(hawser__socket *socket) {
    int number = hawser__descriptor_name(socket, NULL);
    assert_true(number >= HAWSER__FIRST_NUMBER);
    return number;
}

void close_number(int number) {
    assert_result(hawser__descriptor_close(left, number), 0);
}

static socklen_t unix_address(struct sockaddr_un *sun, const char *path) {
    size_t length = strlen(path);
    *sun = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(sun->sun_path, path, length);
    if (path[0] == '@')
        sun->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '@' ? 0 : length > 0));
}

int bind_path(hawser__socket *socket, const char *path) {
    struct sockaddr_un sun;
    socklen_t len = unix_address(&sun, path);
    return hawser__socket_bind(socket, (struct sockaddr *)&sun, len);
}

int connect_path(hawser__socket *socket, const char *path) {
    struct sockaddr_un sun;
    socklen_t len = unix_address(&sun, path);
    return hawser__socket_connect(socket, (struct sockaddr *)&sun, len);
}

/* Bytes. */

static ssize_t send_message(hawser__socket *socket, const char *text, size_t size, void *name, socklen_t len) {
    struct iovec part = {(void *)(uintptr_t)text, size};
    struct msghdr msg = {.msg_name = name, .msg_namelen = len, .msg_iov = &part, .msg_iovlen = 1};
    return hawser__socket_send(socket, &msg, 0);
}

ssize_t say(hawser__socket *socket, const char *text) {
    return send_message(socket, text, strlen(text), NULL, 0);
}

ssize_t say_bytes(hawser__socket *socket, size_t size) {
    char *bytes = malloc(size + 1);
    memset(bytes, 'x', size);
    ssize_t n = send_message(socket, bytes, size, NULL, 0);
    free(bytes);
    return n;
}

ssize_t say_to(hawser__socket *socket, const char *text, const char *ip, int port) {
    hawser_addr addr = address(ip, port);
    return send_message(socket, text, strlen(text), &addr.ss, addr.len);
}

ssize_t say_to_path(hawser__socket *socket, const char *text, const char *path) {
    struct sockaddr_un sun;
    socklen_t len = unix_address(&sun, path);
    return send_message(socket, text, strlen(text), &sun, len);
}

ssize_t receive(hawser__socket *socket, size_t size, int flags) {
    struct iovec part = {heard, size};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t n = hawser__socket_receive(socket, &msg, flags);
    heard[n < 0 ? 0 : (size_t)n < sizeof heard ? (size_t)n : sizeof heard - 1] = '\0';
    return n;
}

size_t receive_all(hawser__socket *socket) {
    size_t total = 0;
    for (ssize_t n; (n = receive(socket, sizeof heard - 1, 0)) > 0;)
        total += (size_t)n;
    return total;
}

int get_int(hawser__socket *socket, int level, int name) {
    int value = -77;
    socklen_t size = sizeof value;
    int result = hawser__socket_getsockopt(socket, level, name, &value, &size);
    return result < 0 ? result : value;
}

int set_int(hawser__socket *socket, int level, int name, int value) {
    return hawser__socket_setsockopt(socket, level, name, &value, sizeof value);
}

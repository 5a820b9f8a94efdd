/* SPDX-License-Identifier: MIT */
/*
 * What a service manager hands over, as sd_listen_fds and sd_notify have it: sockets from descriptor 3 on, described by
 * LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, and a datagram socket at NOTIFY_SOCKET. The environment stays as it is; which of
 * the sockets have been taken is remembered here.
 */
#include "base/error.h"
#include "base/sys.h"
#include "net/addr.h"
#include "net/addr_forms.h"

#include <fcntl.h>
#include <hawser/activation.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_FD 3
#define MOST_FDS 1024

/* NAME when the manager gives none; systemd has it so. */
#define NAMELESS "unknown"

static bool prepared;   /* the descriptors are close-on-exec */
static bool taken[MOST_FDS];

struct handed {
    size_t count;
    const char *names;   /* COUNT of them, separated by colons; NULL: all are NAMELESS */
};

static int read_variable(const char *name, uint64_t max, uint64_t *ret) {
    const char *text = getenv(name);
    if (!text)
        return 0;
    if (hawser__read_number(text, strlen(text), max, ret) < 0)
        return hawser__fail_sentence(EINVAL, "read %s: \"%s\" is no number up to %llu", name, text, (unsigned long long)max);
    return 1;
}

static size_t count_names(const char *names) {
    size_t count = 1;
    for (; *names; names++)
        count += *names == ':';
    return count;
}

/* 1 and what was handed to this process; 0: nothing; -1. Variables that are for another process are not looked at. */
static int read_environment(struct handed *ret) {
    uint64_t pid, count;
    int there = read_variable("LISTEN_PID", INT_MAX, &pid);
    if (there <= 0 || (pid_t)pid != getpid())
        return there < 0 ? -1 : 0;
    there = read_variable("LISTEN_FDS", MOST_FDS, &count);
    if (there <= 0)
        return there;
    *ret = (struct handed){.count = (size_t)count, .names = getenv("LISTEN_FDNAMES")};
    if (count > 0 && ret->names && count_names(ret->names) != count)
        return hawser__fail_sentence(EINVAL, "read LISTEN_FDNAMES: %zu names for %zu descriptors", count_names(ret->names),
                                     ret->count);
    return count > 0;
}

/* Once, and all of them: later a number may be somebody else's, who wants it inherited. */
static int prepare(const struct handed *handed) {
    for (size_t i = 0; i < handed->count && !prepared; i++) {
        int code = hawser__sys_fcntl(FIRST_FD + (int)i, F_SETFD, FD_CLOEXEC);
        if (code < 0)
            return hawser__fail(code, "take over descriptor %d of the service manager", FIRST_FD + (int)i);
    }
    prepared = true;
    return 0;
}

/* Whether the next of the names, which *NAMES moves on from, is NAME. */
static bool next_is(const char **names, const char *name) {
    const char *next = *names ? *names : NAMELESS;
    size_t length = strcspn(next, ":");
    if (*names)
        *names += length + (next[length] == ':');
    return !name || (strlen(name) == length && memcmp(next, name, length) == 0);
}

/* Back to what they were: nobody's, and to be had again. errno is kept. */
static void give_back(hawser_sock **socks, size_t n) {
    for (size_t i = 0; i < n; i++)
        taken[hawser_detach(socks[i]) - FIRST_FD] = false;
}

static ssize_t take(const struct handed *handed, const char *name, hawser_sock **out, size_t n) {
    const char *names = handed->names;
    size_t count = 0;
    for (size_t i = 0; i < handed->count && count < n; i++) {
        if (!next_is(&names, name) || taken[i])
            continue;
        out[count] = hawser_sock_from_fd(FIRST_FD + (int)i);
        if (!out[count]) {
            give_back(out, count);
            return -1;
        }
        taken[i] = true;
        count++;
    }
    return (ssize_t)count;
}

ssize_t hawser_listen_fds(const char *name, hawser_sock **out, size_t n) {
    struct handed handed;
    int there = read_environment(&handed);
    if (there <= 0)
        return there;
    return prepare(&handed) < 0 ? -1 : take(&handed, name, out, n);
}

/* "@name" is abstract, its bytes as they are. A relative path would be another socket after every chdir. */
static int manager_address(const char *text, hawser_addr *ret) {
    char name[128] = "";
    size_t length = strlen(text);
    if ((text[0] != '/' && text[0] != '@') || length == 1)
        return -EINVAL;
    if (length > sizeof name)
        return -ENAMETOOLONG;
    bool abstract = text[0] == '@';
    memcpy(name + abstract, text + abstract, length - abstract);
    return hawser__addr_unix(ret, name, length);
}

static int send_state(hawser_addr *to, const char *state) {
    struct iovec vector = {.iov_base = (void *)state, .iov_len = strlen(state)};
    struct msghdr msg = {.msg_name = &to->ss, .msg_namelen = to->len, .msg_iov = &vector, .msg_iovlen = 1};
    int fd = hawser__sys_socket(AF_UNIX, SOCK_DGRAM, 0);
    ssize_t sent = fd;
    if (fd >= 0)
        do
            sent = hawser__sys_sendmsg(fd, &msg, MSG_DONTWAIT);
        while (sent == -EINTR);
    hawser__sys_close(fd);
    return sent < 0 ? (int)sent : 0;
}

int hawser_notify(const char *state) {
    const char *where = getenv("NOTIFY_SOCKET");
    hawser_addr to;
    if (!state || !*state)
        return hawser__fail_sentence(EINVAL, "notify service manager: there is no state to tell");
    if (!where || !*where)
        return 0;
    int code = manager_address(where, &to);
    if (code == -EINVAL)
        return hawser__fail_sentence(EINVAL, "notify service manager at %s: neither an absolute path nor @name", where);
    if (code == 0)
        code = send_state(&to, state);
    return code < 0 ? hawser__fail(code, "notify service manager at %s", where) : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * getaddrinfo of a numeric host: its cost, and libc's; and the proof that it neither makes a system call nor asks a
 * thread: a child does it in seccomp's strict mode, where any call but read, write and exit is its end.
 */
#include "micro.h"
#include "serve.h"
#include "support.h"

#include <linux/seccomp.h>
#include <netdb.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMES 100000
#define IN_STRICT_MODE 1000

static void look_up(void *arg, size_t times) {
    (void)arg;
    for (size_t i = 0; i < times; i++) {
        hawser_addrinfo *list;
        if (hawser_getaddrinfo("127.0.0.1", "8080", AF_UNSPEC, SOCK_STREAM, 0, 0, &list) < 0)
            serve_die();
        hawser_freeaddrinfo(list);
    }
}

static void look_up_in_libc(void *arg, size_t times) {
    (void)arg;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    for (size_t i = 0; i < times; i++) {
        struct addrinfo *list;
        if (getaddrinfo("127.0.0.1", "8080", &hints, &list) != 0)
            bench_die("getaddrinfo");
        freeaddrinfo(list);
    }
}

static bool makes_no_system_call(void) {
    int status = -1;
    look_up(NULL, 10); /* the allocator has what it needs */
    pid_t child = fork();
    if (child == 0) {
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0)
            look_up(NULL, IN_STRICT_MODE);
        syscall(SYS_exit, 0); /* exit_group is not allowed either */
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        bench_die("fork");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int measure(void *arg) {
    (void)arg;
    micro_print("numeric_getaddrinfo", micro_best(look_up, NULL, TIMES), "ns");
    micro_print("numeric_getaddrinfo_libc", micro_best(look_up_in_libc, NULL, TIMES), "ns");
    return 0;
}

int main(void) {
    micro_print("numeric_getaddrinfo_asks", !makes_no_system_call(), "runs with a system call");
    return serve_run(1, measure, NULL);
}

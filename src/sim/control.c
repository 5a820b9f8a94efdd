/* SPDX-License-Identifier: MIT */
/* What a scenario does to its world: sim.h, except hawser_sim_run and what searches. */
#include "base/mem.h"
#include "base/wake.h"
#include "sched/park.h"
#include "sim/model_text.h"
#include "sim/simulation.h"
#include "sim/trace.h"
#include "world/numbers.h"
#include "world/socket.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

static int fail_outside(const char *what) {
    return hawser__fail(EPERM, "%s outside of a simulated world", what);
}

/* HOST, when the caller is in a world that has it; else the call has failed. */
static hawser__host *find(int number, const char *what) {
    if (!hawser__simulation_here) {
        fail_outside(what);
        return NULL;
    }
    hawser__host *host = hawser__host_number(hawser__world_here, number);
    if (!host)
        hawser__fail(EINVAL, "%s: there is no host %d", what, number);
    return host;
}

/* Hosts. */

static int start_inside(const char *name, hawser_fn program, void *arg) {
    hawser__host *host;
    int result = hawser__host_add(hawser__world_here, name, &host);
    if (result < 0)
        return result;
    host->program = program;
    host->arg = arg;
    result = hawser__host_boot(host);
    return result < 0 ? result : host->number;
}

int hawser_sim_start(const char *name, hawser_fn program, void *arg) {
    if (!hawser__simulation_here)
        return fail_outside("start a host");
    if (!name || !program)
        return hawser__fail(EINVAL, "start a host without a %s", name ? "program" : "name");
    bool inside = hawser__simulation_inside(true);
    int result = start_inside(name, program, arg);
    hawser__simulation_inside(inside);
    if (result == -EINVAL)
        return hawser__fail_sentence(EINVAL, "start host \"%.80s\": %s", name, hawser__host_name_fault(name));
    return result < 0 ? hawser__fail(result, "start host %s", name) : result;
}

/* 0 when the program has ended. JOINER is in the host's list meanwhile. */
static int wait_for_end(hawser__host *host, struct hawser__joiner *joiner) {
    int result = 0;
    joiner->next = host->joiners;
    host->joiners = joiner;
    while (!joiner->over && result == 0)
        result = hawser__wait("end of a host", host->number, hawser__task_deadline(HAWSER__NEVER));
    if (joiner->over)
        return 0;
    struct hawser__joiner **at = &host->joiners;
    while (*at != joiner)
        at = &(*at)->next;
    *at = joiner->next;
    return result;
}

int hawser_sim_join(int number) {
    hawser__host *host = find(number, "join a host");
    if (!host)
        return -1;
    if (number == 0)
        return hawser__fail(EINVAL, "join the host that the scenario runs on");
    struct hawser__joiner joiner = {.task = hawser__task_current(), .host = hawser__simulation_here->host,
                                    .result = host->result};
    if (!host->up)
        joiner.failure = host->failure;
    int result = host->up ? wait_for_end(host, &joiner) : 0;
    if (result < 0)
        return hawser__fail(result, "join host %s", host->name);
    if (joiner.result >= 0)
        return joiner.result;
    return joiner.failure.sentence[0] ? hawser__failure_tell(&joiner.failure)
                                      : hawser__fail(joiner.failure.code, "join host %s", host->name);
}

/* A host that ends itself does so when its strand stops, which it does at once. */
static int end_host(hawser__host *host, bool polite, const char *what) {
    if (!host->up)
        return 0;
    if (host->number == 0)
        return hawser__fail(EINVAL, "%s that the scenario runs on", what);
    hawser__trace(host, "%s", polite ? "killed" : "crash");
    bool inside = hawser__simulation_inside(true);
    if (host == hawser__simulation_here->host)
        hawser__host_end_self(polite);
    else
        hawser__host_end(host, polite, ECONNABORTED);
    hawser__simulation_inside(inside);
    return 0;
}

int hawser_sim_crash(int number) {
    hawser__host *host = find(number, "crash a host");
    return host ? end_host(host, false, "crash the host") : -1;
}

int hawser_sim_restart(int number) {
    hawser__host *host = find(number, "restart a host");
    if (!host)
        return -1;
    if (host->up)
        return hawser__fail(EBUSY, "restart host %s", host->name);
    bool inside = hawser__simulation_inside(true);
    int result = hawser__host_boot(host);
    hawser__simulation_inside(inside);
    return result < 0 ? hawser__fail(result, "restart host %s", host->name) : 0;
}

/* What SIGNO does to a program that does not ask for it. */
static bool is_one_of(int signo, const int *signals, size_t count) {
    size_t i = 0;
    while (i < count && signals[i] != signo)
        i++;
    return i < count;
}

static int end_by_signal(hawser__host *host, int signo) {
    static const int ignored[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH};
    return is_one_of(signo, ignored, sizeof ignored / sizeof *ignored) ? 0 : end_host(host, true, "kill the host");
}

static bool stops(const hawser__host *host, int signo) {
    static const int stopping[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
    return is_one_of(signo, stopping, sizeof stopping / sizeof *stopping) &&
           (!host->actions || host->actions[signo].sa_handler == SIG_DFL);
}

int hawser_sim_kill(int number, int signo) {
    hawser__host *host = find(number, "send a signal to a host");
    if (!host)
        return -1;
    if (!host->up)
        return hawser__fail(ESRCH, "send signal %d to host %s", signo, host->name);
    if (signo < 0 || signo >= NSIG)
        return hawser__fail(EINVAL, "send signal %d to host %s", signo, host->name);
    if (stops(host, signo))
        return hawser__fail(EOPNOTSUPP, "stop host %s by signal %d", host->name, signo);
    hawser__trace(host, "signal %d", signo);
    return signo == 0 || hawser__host_signal(host, signo) ? 0 : end_by_signal(host, signo);
}

bool hawser_sim_running(int number) {
    hawser__host *host = hawser__simulation_here ? hawser__host_number(hawser__world_here, number) : NULL;
    return host && host->up;
}

/* Paths. */

static int set_one_way(int a, int b, bool cut, const char *what) {
    hawser__host *from = find(a, what), *to = from ? find(b, what) : NULL;
    if (!to)
        return -1;
    if (from == to)
        return hawser__fail(EINVAL, "%s: both are host %s", what, from->name);
    hawser__path_between(from, to)->cut = cut;
    hawser__trace(from, "%s %s", cut ? "cut from" : "healed to", to->name);
    return 0;
}

int hawser_sim_cut(int a, int b) {
    return set_one_way(a, b, true, "cut a path");
}

int hawser_sim_heal(int a, int b) {
    return set_one_way(a, b, false, "heal a path");
}

int hawser_sim_set_link(int a, int b, const hawser_sim_link *link) {
    static const char what[] = "set a link";
    char reason[HAWSER__MODEL_REASON];
    const char *fault;
    hawser__host *from = find(a, what), *to = from ? find(b, what) : NULL;
    if (!to)
        return -1;
    if (!link || from == to)
        return hawser__fail(EINVAL, "%s between host %s and %s", what, from->name, link ? "itself" : to->name);
    if (hawser__path_set(hawser__path_between(from, to), link, &fault) < 0) {
        const hawser_sim_model model = {.link = *link};
        return hawser__fail_sentence(EINVAL, "%s whose %s", what, hawser__model_value_reason(&model, fault, reason));
    }
    return hawser__path_set(hawser__path_between(to, from), link, &fault);
}

int hawser_sim_reset(int a, int b) {
    static const char what[] = "reset connections";
    hawser__host *from = find(a, what), *to = from ? find(b, what) : NULL;
    if (!to)
        return -1;
    bool inside = hawser__simulation_inside(true);
    hawser__sockets_reset(from, to, false);
    hawser__simulation_inside(inside);
    return 0;
}

/* Limits. */

int hawser_sim_set_descriptors(int number, int most) {
    hawser__host *host = find(number, "limit the sockets of a host");
    if (!host)
        return -1;
    if (most < 0)
        return hawser__fail(EINVAL, "limit the sockets of host %s to %d", host->name, most);
    host->most_sockets = most;
    return 0;
}

int hawser_sim_set_allocation_fails(int number, double probability) {
    hawser__host *host = find(number, "let allocations of a host fail");
    if (!host)
        return -1;
    if (!hawser__numbers_share_of(probability, &host->allocation_fails))
        return hawser__fail(EINVAL, "let allocations of host %s fail with probability %g", host->name, probability);
    return 0;
}

int hawser_sim_set_clock(int number, double seconds) {
    hawser__host *host = find(number, "set the clock of a host");
    int64_t ns;
    if (!host)
        return -1;
    if (!hawser__numbers_ns(seconds < 0 ? -seconds : seconds, &ns))
        return hawser__fail(EINVAL, "set the clock of host %s wrong by %g s", host->name, seconds);
    host->skew = seconds < 0 ? -ns : ns;
    return 0;
}

/* The run itself. */

void hawser_sim_fail(const char *format, ...) {
    char sentence[HAWSER__SENTENCE];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    hawser__trace_clean(sentence);
    if (hawser__trace_fail(sentence) || !hawser__simulation_here)
        return;
    bool inside = hawser__simulation_inside(true);
    hawser__simulation_fail(HAWSER_ECHECK, "%s", sentence);
    (void)hawser__strand_wait(HAWSER__NEVER);   /* the loop sees that it is over */
    hawser__simulation_inside(inside);
}

void hawser_sim_note(const char *format, ...) {
    char text[HAWSER__SENTENCE];
    va_list args;
    if (!hawser__simulation_here)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    hawser__trace(hawser__simulation_here->host, "note %s", text);
}

uint64_t hawser_sim_random(uint64_t n) {
    return hawser__simulation_here ? hawser__chance_below(hawser__world_chance(), n) : 0;
}

double hawser_sim_now(void) {
    return hawser__simulation_here ? (double)hawser__world_now() / 1e9 : 0;
}

bool hawser_sim_inside(void) {
    return hawser__simulation_here != NULL;
}

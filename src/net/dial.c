/* SPDX-License-Identifier: MIT */
/*
 * hawser_create_connection: the race of RFC 8305.
 *
 *        +--> start the next address <------------------------+
 *        |      | under way          \ connected: it wins     |
 *        |      v                                             |
 *        |    wait for any under way, at most until ----------+  the stagger has passed, or one failed
 *        |      the next start or the deadline                |
 *        +------+ finished: won, or failed -------------------+
 *
 * Each attempt is a whole socket from the start, so closing the losers is hawser_close. Everything waits under one deadline,
 * the look-up included. RFC 8305's 50 ms for the slower of two DNS answers has no place here: getaddrinfo gives both at once.
 */
#include "base/error.h"
#include "base/mem.h"
#include "base/task.h"
#include "engine/engines.h"
#include "net/connect.h"
#include "net/handle.h"
#include "net/option.h"
#include "net/race_order.h"
#include "net/target.h"
#include "net/timeout.h"
#include "sched/park.h"

#include <hawser/dial.h>

#include <stdio.h>
#include <string.h>

#define STAGGER 0.25

struct attempt {
    const hawser_addrinfo *to;
    hawser_sock *sock;     /* while under way */
    int64_t started, ended;
    int code;              /* 0 or a positive code, once over */
    bool over;
};

struct race {
    hawser__engine *engine;
    hawser_addrinfo *sources;   /* NULL = any */
    struct attempt *attempts;
    size_t count, next, running;
    int64_t stagger, next_start;
    hawser__deadline deadline;
    hawser_sock *winner;
};

static int64_t now_of(const struct race *race) {
    return race->engine->ops->now(race->engine);
}

static void finish(struct race *race, struct attempt *attempt, int result) {
    attempt->over = true;
    attempt->code = -result;
    attempt->ended = now_of(race);
    if (result == 0 && !race->winner)
        race->winner = attempt->sock;
    else
        hawser_close(attempt->sock);
    attempt->sock = NULL;
    race->next_start = attempt->ended;   /* a failure starts the next attempt at once */
}

static int bind_source(const struct race *race, hawser__endpoint *endpoint, int family) {
    if (!race->sources)
        return 0;
    if (hawser_addr_port(&race->sources->addr) > 0)   /* attempts side by side share it */
        hawser__endpoint_set_int(endpoint, SOL_SOCKET, SO_REUSEADDR, 1);
    for (const hawser_addrinfo *source = race->sources; source; source = source->next)
        if (source->family == family)
            return endpoint->engine->ops->bind(endpoint, (const struct sockaddr *)&source->addr.ss, source->addr.len);
    return -EADDRNOTAVAIL;   /* no source address of this family */
}

/* 0 = connected, -EINPROGRESS = under way, else why not. */
static int begin(const struct race *race, struct attempt *attempt) {
    const hawser_addrinfo *to = attempt->to;
    hawser__endpoint *endpoint;
    int result = race->engine->ops->open(race->engine, to->family, to->type, to->proto, &endpoint);
    if (result < 0)
        return result;
    attempt->sock = hawser__handle_new(endpoint, to->family, to->type, to->proto);
    if (!attempt->sock)
        return -ENOMEM;
    if (to->family != AF_UNIX)
        hawser__endpoint_tune(endpoint);
    result = bind_source(race, endpoint, to->family);
    return result < 0 ? result
                      : race->engine->ops->connect_begin(endpoint, (const struct sockaddr *)&to->addr.ss, to->addr.len);
}

static void start_next(struct race *race) {
    struct attempt *attempt = &race->attempts[race->next++];
    attempt->started = now_of(race);
    int result = begin(race, attempt);
    if (result != -EINPROGRESS) {
        finish(race, attempt, result);
        return;
    }
    race->running++;
    race->next_start = hawser__deadline_in(attempt->started, race->stagger);
}

/* Waits for one of those under way, at most until UNTIL, and takes its result. */
static int await_any(struct race *race, hawser__deadline until) {
    hawser__endpoint *endpoints[HAWSER__PARK_MAX];
    struct attempt *attempts[HAWSER__PARK_MAX];
    size_t n = 0;
    for (size_t i = 0; i < race->next; i++)
        if (race->attempts[i].sock) {
            attempts[n] = &race->attempts[i];
            endpoints[n++] = race->attempts[i].sock->endpoints[0];
        }
    int index = race->engine->ops->connect_wait(endpoints, n, until);
    if (index < 0)
        return index;
    race->running--;
    finish(race, attempts[index], race->engine->ops->connect_result(endpoints[index]));
    return 0;
}

static bool may_start(const struct race *race) {
    return race->next < race->count && race->running < HAWSER__PARK_MAX;
}

/* 0 = somebody won or all have failed; else why it was broken off. */
static int run(struct race *race) {
    while (!race->winner && (race->running > 0 || race->next < race->count)) {
        int64_t now = now_of(race);
        if (now >= race->deadline)
            return -ETIMEDOUT;
        if (may_start(race) && (race->running == 0 || now >= race->next_start)) {
            start_next(race);
            continue;
        }
        hawser__deadline until = may_start(race) && race->next_start < race->deadline ? race->next_start : race->deadline;
        int result = await_any(race, until);
        if (result < 0 && result != -ETIMEDOUT)
            return result;
    }
    return 0;
}

/* Closes the losers; CODE says what became of those still under way. */
static void close_rest(struct race *race, int code) {
    for (size_t i = 0; i < race->next; i++)
        if (!race->attempts[i].over)
            finish(race, &race->attempts[i], -code);
}

/* Leaves the list for hawser_attempts with the task. */
static void publish(const struct race *race) {
    hawser__task *task = hawser__task_current();
    hawser__free(task->attempts);
    task->attempt_count = 0;
    hawser_attempt *list = task->attempts = hawser__alloc(race->count * sizeof *list);
    if (!list)
        return;
    for (size_t i = 0; i < race->next; i++) {
        const struct attempt *attempt = &race->attempts[i];
        list[i] = (hawser_attempt){.addr = attempt->to->addr,
                                   .error = attempt->code,
                                   .seconds = (double)(attempt->ended - attempt->started) / 1e9};
    }
    task->attempt_count = race->next;
}

/* " (tried A: reason; B: reason)", cut to SIZE; nothing for a single address. */
static void tried_text(const struct race *race, char *out, size_t size) {
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; race->next > 1 && i < race->next && length < size; i++) {
        hawser_addr addr = race->attempts[i].to->addr;
        length += (size_t)snprintf(out + length, size - length, "%s%s: %s", i ? "; " : " (tried ", hawser_addr_str(&addr),
                                   hawser_strerror(race->attempts[i].code));
    }
    if (length > 0 && length < size)
        snprintf(out + length, size - length, ")");
}

static void fail(const struct race *race, int code, const char *host, int port) {
    char target[HAWSER_ADDR_TEXT], tried[HAWSER__SENTENCE];
    tried_text(race, tried, sizeof tried);
    hawser__target_text(host, port, race->attempts[0].to->family, target, sizeof target);
    hawser__fail_sentence(code, "connect to %s: %s%s", target, hawser_strerror(code), tried);
}

static hawser_sock *race_all(struct race *race, const char *host, int port) {
    int result = run(race);
    close_rest(race, race->winner ? ECANCELED : -result);
    publish(race);
    if (race->winner)
        return race->winner;
    fail(race, result < 0 ? -result : race->attempts[race->count - 1].code, host, port);
    return NULL;
}

static hawser_sock *dial_list(struct race *race, hawser_addrinfo *list, const char *host, int port) {
    hawser__race_order(&list);
    for (const hawser_addrinfo *to = list; to; to = to->next)
        race->count++;
    race->attempts = hawser__zalloc(race->count * sizeof *race->attempts);
    hawser_sock *sock = NULL;
    if (race->attempts) {
        size_t i = 0;
        for (const hawser_addrinfo *to = list; to; to = to->next)
            race->attempts[i++].to = to;
        sock = race_all(race, host, port);
    } else {
        char target[HAWSER_ADDR_TEXT];
        hawser__fail(ENOMEM, "connect to %s", hawser__target_text(host, port, AF_UNSPEC, target, sizeof target));
    }
    hawser__free(race->attempts);
    hawser_freeaddrinfo(list);
    return sock;
}

static int find_sources(struct race *race, const hawser_connect_options *options) {
    if (!options->source_host && options->source_port == 0)
        return 0;
    const char *host = options->source_host ? options->source_host : "";
    return hawser__targets("bind to", host, options->source_port, options->family, SOCK_STREAM, true, race->deadline,
                           &race->sources);
}

/* A timeout given in the options is the socket's as well, as in Python; a default of 0 (do not wait) cannot mean the
 * dialling. */
static int64_t total_time(const hawser_connect_options *options) {
    if (options->timeout != 0)
        return hawser__timeout_checked(options->timeout);
    int64_t ns = hawser__default_timeout();
    return ns ? ns : HAWSER__NEVER;
}

hawser_sock *hawser_create_connection(const char *host, int port, const hawser_connect_options *given) {
    static const hawser_connect_options defaults;
    const hawser_connect_options *options = given ? given : &defaults;
    int64_t timeout = total_time(options);
    int64_t stagger = hawser__timeout_checked(options->stagger != 0 ? options->stagger : STAGGER);
    if (timeout < 0 || stagger < 0) {
        char target[HAWSER_ADDR_TEXT];
        hawser__fail((int)(timeout < 0 ? timeout : stagger), "connect to %s: timeout or stagger",
                     hawser__target_text(host, port, AF_UNSPEC, target, sizeof target));
        return NULL;
    }
    struct race race = {.engine = hawser__engine_current(), .stagger = stagger};
    race.deadline = hawser__task_deadline(hawser__deadline_in(now_of(&race), timeout));
    hawser_sock *sock = NULL;
    hawser_addrinfo *list;
    hawser__task_current()->attempt_count = 0;
    if (hawser__targets("connect to", host, port, options->family, SOCK_STREAM, false, race.deadline, &list) == 0) {
        if (find_sources(&race, options) == 0)
            sock = dial_list(&race, list, host, port);
        else
            hawser_freeaddrinfo(list);
    }
    hawser_freeaddrinfo(race.sources);
    if (sock && options->timeout != 0)
        atomic_store(&sock->timeout, timeout);
    return sock;
}

size_t hawser_attempts(hawser_attempt *out, size_t n) {
    const hawser__task *task = hawser__task_current();
    const hawser_attempt *list = task->attempts;
    for (size_t i = 0; i < task->attempt_count && i < n; i++)
        out[i] = list[i];
    return task->attempt_count;
}

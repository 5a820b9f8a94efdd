/* SPDX-License-Identifier: MIT */
/*
 * Servers in one host that follow each other over a `handover` path while clients come, speak, and go, some rudely. Followers
 * are cancelled, give up, are stopped, or all come at once; the host may crash. What is promised: from the first server's start
 * to the last one's stop nobody is refused or reset, and every request that was sent whole gets its whole answer, unless
 * somebody who served already was cut. At the end nothing is left in the host.
 */
#include "handover.h"
#include "storm.h"

#include "base/thread.h"
#include "sim/simulation.h"
#include "world/socket.h"

#include <hawser/counters.h>
#include <hawser/file.h>
#include <hawser/group.h>
#include <hawser/request.h>
#include <hawser/server.h>
#include <hawser/sync.h>
#include <hawser/world.h>

#include <errno.h>
#include <string.h>

#define LINE "/run/handover"
#define GENERATIONS 4
#define CLIENTS 3
#define LATE 300.0

/* What happens to a follower; the last one's server before it is stopped meanwhile. */
enum fate { NOTHING, GIVES_UP, IS_CANCELLED, IS_STOPPED, IS_LEFT_ALONE, FATES };

static const struct place places[] = {
    {{"tcp://:4000"}, {"127.0.0.1", "", "server"}},
    {{"tcp://localhost:4000"}, {"127.0.0.1", "::1"}},
    {{"unix:/run/server"}, {"unix:/run/server", "unix:/run/server"}},
    {{"tcp://:4000", "unix:/run/server"}, {"127.0.0.1", "unix:/run/server", "server"}},
};

struct generation {
    struct storm *storm;
    hawser_server *server;      /* while it serves; under the mutex */
    hawser_server_options options;
    hawser_group *group;        /* NULL: it runs on a thread of its own, */
    hawser__thread thread;      /* this one */
    enum fate fate;
    bool took;                  /* the listeners of one before */
    bool opened, entered, ended;
    int code;                   /* of what failed */
};

struct storm {
    struct handover_clients clients;
    hawser_mutex *mutex;
    hawser_group *locals;
    struct generation generations[GENERATIONS];
    double drain;
    int workers, count;
    bool together;              /* followers do not wait for each other */
    bool cut;                   /* somebody who served was ended, so nothing more is promised */
    bool clients_done;
};

/* The server. */

static void answer(hawser_request *r) {
    char line[16];
    if (hawser_readline(r->rfile, line, sizeof line) <= 0)
        return;
    if (hawser_sim_random(3) == 0)
        (void)hawser_sleep(0.001 * (double)hawser_sim_random(20));
    for (int i = 0; i < ANSWER; i++)
        hawser_write(r->wfile, "x", 1);
    hawser_write(r->wfile, "\n", 1);
    if (hawser_sim_random(2))
        hawser_keep(r);
}

static void listen_to(hawser_server *server, hawser_log_level level, const char *sentence) {
    struct generation *self = hawser_server_user(server);
    if (level == HAWSER_LOG_INFO && strncmp(sentence, "taking over", 11) == 0)
        self->took = true;
}

static hawser_server *open_server(struct generation *self) {
    const struct place *place = self->storm->clients.place;
    hawser_server *server = hawser_server_open(place->addresses[0], answer, &self->options);
    if (server && place->addresses[1] && hawser_server_listen(server, place->addresses[1]) < 0) {
        int code = errno;
        hawser_server_close(server);
        errno = code;
        return NULL;
    }
    return server;
}

static void show_server(struct generation *self, hawser_server *server) {
    while (hawser_mutex_lock(self->storm->mutex) < 0)   /* cancelled */
        hawser_cancel_clear();
    self->server = server;
    hawser_mutex_unlock(self->storm->mutex);
}

static void serve(struct generation *self, hawser_server *server) {
    hawser_server_counters counters;
    show_server(self, server);
    self->entered = true;
    if (hawser_serve_forever(server) < 0)
        self->code = errno;
    show_server(self, NULL);
    hawser_server_get_counters(server, &counters);
    MUST(counters.active == 0 && counters.kept == 0 && counters.accepted == counters.finished);
    self->storm->cut |= counters.cut > 0;
}

static int live(void *arg) {
    struct generation *self = arg;
    hawser_server *server = open_server(self);
    self->code = server ? 0 : errno;
    self->opened = server;
    if (self->fate == IS_LEFT_ALONE && !(server && self->took))
        self->storm->cut = true;   /* the one before had stopped */
    if (server && hawser_sim_random(2))
        (void)hawser_sleep(0.001 * (double)hawser_sim_random(10));
    if (server && self->fate != GIVES_UP)
        serve(self, server);
    hawser_server_close(server);
    hawser_sim_note("generation %d ends: opened %d, entered %d, code %d", (int)(self - self->storm->generations), self->opened,
                    self->entered, self->code);
    self->ended = true;
    return 0;
}

static void *live_on_thread(void *arg) {
    (void)live(arg);
    return NULL;
}

/* The host. */

static void begin(struct storm *storm, int number) {
    static const hawser_concurrency modes[] = {HAWSER_FIBERS, HAWSER_THREADS, HAWSER_SEQUENTIAL};
    struct generation *self = &storm->generations[number];
    *self = (struct generation){.storm = storm};
    self->options = (hawser_server_options){.handover = LINE, .drain = storm->drain, .idle_timeout = 5};
    self->options.workers = storm->workers;
    self->options.log = listen_to;
    self->options.user = self;
    self->options.concurrency = modes[hawser_sim_random(3)];
    self->fate = number > 0 && hawser_sim_random(2) ? (enum fate)hawser_sim_random(FATES) : NOTHING;
    bool fiber = self->fate == IS_CANCELLED || hawser_sim_random(2);
    hawser_sim_note("generation %d: mode %d, fate %d, %s", number, self->options.concurrency, self->fate,
                    fiber ? "a fiber" : "a thread");
    self->group = fiber ? hawser_group_open(NULL) : NULL;
    if (fiber)
        MUST(hawser_group_go(self->group, live, self) == 0);
    else
        MUST(hawser__thread_begin(live_on_thread, self, &self->thread) == 0);
}

static void stop(struct generation *self) {
    MUST(hawser_mutex_lock(self->storm->mutex) == 0);
    if (self->server)
        hawser_server_stop(self->server, self->storm->drain);
    hawser_mutex_unlock(self->storm->mutex);
}

static void wait_for_end(struct generation *self, bool stopping) {
    while (!self->ended) {
        if (stopping)
            stop(self);
        (void)hawser_sleep(0.002);
    }
    if (self->group)
        hawser_group_close(self->group);
    else
        hawser__thread_join(self->thread);
}

/* It comes to pass at any moment. Who has said that he serves is not followed by anybody; who has not been made yet may have
 * got nothing. */
static void fulfil(struct generation *self) {
    if (self->fate == NOTHING || self->fate == GIVES_UP)
        return;
    (void)hawser_sleep(0.0001 * (double)hawser_sim_random(80));
    if (self->fate == IS_LEFT_ALONE) {
        self->storm->cut |= self->storm->together;   /* another one may have followed this one already */
        for (struct generation *other = self->storm->generations; other < self; other++)
            stop(other);
        return;
    }
    if (self->fate == IS_CANCELLED)
        hawser_group_cancel(self->group);
    else
        stop(self);
    self->storm->cut |= self->entered;
}

/* Whether SELF answers at the path, where FILE was before. */
static bool has_path(const struct generation *self, uint64_t file) {
    const hawser__host *here = hawser__simulation_here->host;
    uint64_t now = hawser__host_file(here, LINE);
    return self->entered && now && now != file && hawser__host_file_is_live(here, LINE);
}

/* The next one comes when this one has the path, or is gone; or at once. */
static void await(struct storm *storm, struct generation *self, uint64_t file) {
    while (!storm->together && !self->ended && !has_path(self, file))
        (void)hawser_sleep(0.0005);
    if (!storm->together && (self->fate == NOTHING || self->fate == IS_LEFT_ALONE) && !storm->cut)
        MUST(self->entered && self->code == 0);
}

static void start_clients(struct storm *storm) {
    for (int i = 0; i < CLIENTS; i++)
        MUST(hawser_group_go(storm->locals, handover_call_from_within, &storm->clients) == 0);
}

/* Whom another one has followed ends by himself. */
static void end_all(struct storm *storm) {
    bool followed = false;
    for (int i = storm->count - 1; i >= 0; i--) {
        struct generation *self = &storm->generations[i];
        wait_for_end(self, !followed || storm->together || storm->cut);
        followed |= self->entered;
    }
}

static int conduct(void *arg) {
    struct storm *storm = arg;
    storm->mutex = hawser_mutex_new();
    storm->locals = hawser_group_open(NULL);
    begin(storm, 0);
    while (!storm->generations[0].opened && !storm->generations[0].ended)
        (void)hawser_sleep(0.001);
    MUST(storm->generations[0].opened);
    storm->clients.open = true;
    start_clients(storm);
    await(storm, &storm->generations[0], 0);
    for (int i = 1; i < storm->count; i++) {
        uint64_t file = hawser__host_file(hawser__simulation_here->host, LINE);
        (void)hawser_sleep(0.001 * (double)hawser_sim_random(15));
        begin(storm, i);
        fulfil(&storm->generations[i]);
        await(storm, &storm->generations[i], file);
    }
    if (hawser_sim_random(4) == 0)
        hawser_group_cancel(storm->locals);
    MUST(hawser_group_wait(storm->locals) == 0);
    hawser_group_close(storm->locals);
    while (!storm->clients_done)
        (void)hawser_sleep(0.005);
    end_all(storm);
    hawser_mutex_free(storm->mutex);
    return 0;
}

static size_t memory_of(const hawser__host *host) {
    const hawser__heap *heap = &hawser__simulation_here->heap;
    size_t count = 0;
    for (size_t i = 0; i < heap->room; i++)
        count += heap->entries[i].memory && heap->entries[i].owner == host->number;
    return count;
}

static int host(void *arg) {
    struct storm *storm = arg;
    const hawser__host *self = hawser__simulation_here->host;
    hawser_run_options options = {.workers = storm->workers};
    size_t before = memory_of(self);
    MUST(hawser_run(conduct, storm, &options) == 0);
    MUST(self->socket_count == 0);
    MUST(memory_of(self) == before);
    MUST(!hawser__host_file(self, LINE));
    return 0;
}

/* The world. */

static void crash(struct storm *storm, int server) {
    (void)hawser_sleep(0.001 * (double)hawser_sim_random(60));
    storm->cut = true;
    if (hawser_sim_crash(server) < 0)
        return;
    (void)hawser_sleep(0.001 * (double)hawser_sim_random(20));
    storm->clients.open = false;
    MUST(hawser_sim_restart(server) == 0);
}

static int scenario(void *arg) {
    static const double drains[] = {HAWSER_NO_TIMEOUT, HAWSER_NO_TIMEOUT, HAWSER_NO_TIMEOUT, 0.1, 0.005, 0};
    struct storm storm = {.workers = storm_workers(), .clients.place = &places[hawser_sim_random(4)]};
    const struct place *place = storm.clients.place;
    int clients[CLIENTS], others = place->hosts[2] ? CLIENTS : 0;
    (void)arg;
    storm.count = 2 + (int)hawser_sim_random(GENERATIONS - 1);
    storm.together = hawser_sim_random(4) == 0;
    storm.drain = drains[hawser_sim_random(6)];
    hawser_sim_note("%d generations at %s%s, %d workers, drain %g", storm.count, place->addresses[0],
                    storm.together ? " together" : "", storm.workers, storm.drain);
    int server = hawser_sim_start("server", host, &storm);
    for (int i = 0; i < others; i++) {
        const char *const names[CLIENTS] = {"client0", "client1", "client2"};
        clients[i] = hawser_sim_start(names[i], handover_call_from_afar, &storm.clients);
    }
    if (hawser_sim_random(8) == 0)
        crash(&storm, server);
    for (int i = 0; i < others; i++)
        MUST(hawser_sim_join(clients[i]) == 0);
    storm.clients_done = true;
    MUST(hawser_sim_join(server) == 0);
    MUST(storm.cut || storm.clients.lost == 0);
    MUST(hawser_sim_now() < LATE);
    return 0;
}

const struct scene storm_handover = {.name = "handover", .scenario = scenario,
                                     .model = {.link = {.latency = 0.0005, .jitter = 0.001}, .short_reads = 0.1,
                                               .short_writes = 0.1}};

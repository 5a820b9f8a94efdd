/* SPDX-License-Identifier: MIT */
/*
 * Scenes of one actor: a fiber waits in some call, on some worker, and the actor ends that wait in one of the ways there are. The
 * wait has to end, soon, and with the result that belongs to the way.
 */
#include "stress.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* More than the small buffers of a scene take. */
#define MUCH 400000

typedef struct scene {
    hawser_sock *ends[2];
    hawser_channel *channel;
    hawser_mutex *mutex;
    hawser_semaphore *semaphore;
    int pipe[2];
    int result, code;
    atomic_bool begun;
} scene;

/* The waits. Each has a way to go through, or none (NULL). */

static int wait_recv(scene *s) {
    char byte;
    return (int)hawser_recv(s->ends[0], &byte, 1);
}

static int wait_borrow(scene *s) {
    const void *data;
    return (int)hawser_recv_borrow(s->ends[0], &data);
}

static void give_byte(scene *s) {
    MUST(hawser_sendall(s->ends[1], "x", 1) == 0);
}

static int wait_send(scene *s) {
    static const char much[MUCH];
    return hawser_sendall(s->ends[0], much, sizeof much) < 0 ? -1 : 1;
}

static void take_all(scene *s) {
    const void *data;
    for (size_t total = 0; total < MUCH;) {
        ssize_t n = hawser_recv_borrow(s->ends[1], &data);
        MUST(n > 0);
        total += (size_t)n;
    }
}

static int wait_channel(scene *s) {
    int item = 0;
    return hawser_channel_recv(s->channel, &item);
}

static void send_item(scene *s) {
    int item = 1;
    MUST(hawser_channel_send(s->channel, &item) == 0);
}

static int wait_mutex(scene *s) {
    if (hawser_mutex_lock(s->mutex) < 0)
        return -1;
    MUST(hawser_mutex_unlock(s->mutex) == 0);
    return 1;
}

static void unlock(scene *s) {
    MUST(hawser_mutex_unlock(s->mutex) == 0);
}

static int wait_semaphore(scene *s) {
    return hawser_semaphore_acquire(s->semaphore) < 0 ? -1 : 1;
}

static void release(scene *s) {
    hawser_semaphore_release(s->semaphore);
}

static int wait_pipe(scene *s) {
    return hawser_wait_fd(s->pipe[0], HAWSER_READABLE, HAWSER_NO_TIMEOUT);
}

static void write_pipe(scene *s) {
    MUST(write(s->pipe[1], "x", 1) == 1);
}

static int wait_sleep(scene *s) {
    (void)s;
    return hawser_sleep(3 * LOST);
}

static const struct waiting {
    int (*wait)(scene *s);
    void (*go)(scene *s);
    bool closable, piped;
} waitings[] = {
    {wait_recv, give_byte, true, false},  {wait_borrow, give_byte, true, false}, {wait_send, take_all, true, false},
    {wait_channel, send_item, false, false}, {wait_mutex, unlock, false, false},  {wait_semaphore, release, false, false},
    {wait_pipe, write_pipe, false, true}, {wait_sleep, NULL, false, false},
};

/* The scene. */

struct play {
    scene *s;
    const struct waiting *waiting;
    double seconds;   /* of the waiter's own deadline; 0 = none */
};

static int wait_in_fiber(void *arg) {
    struct play *play = arg;
    if (play->seconds > 0)
        hawser_deadline_push(play->seconds);
    atomic_store(&play->s->begun, true);
    play->s->result = play->waiting->wait(play->s);
    play->s->code = errno;
    return 0;
}

static bool open_scene(actor *self, scene *s, bool piped) {
    memset(s, 0, sizeof *s);
    s->pipe[0] = s->pipe[1] = -1;
    if (!make_pair(self, s->ends))
        return false;
    for (int i = 0; i < 2; i++) {
        MUST(hawser_setsockopt_int(s->ends[i], SOL_SOCKET, SO_SNDBUF, 8192) == 0);
        MUST(hawser_setsockopt_int(s->ends[i], SOL_SOCKET, SO_RCVBUF, 8192) == 0);
    }
    if (piped && pipe2(s->pipe, O_CLOEXEC) < 0)
        return false;
    MUST((s->channel = hawser_channel_new(sizeof(int), draw(self, 2))) != NULL);
    MUST((s->mutex = hawser_mutex_new()) != NULL && hawser_mutex_lock(s->mutex) == 0);
    MUST((s->semaphore = hawser_semaphore_new(0)) != NULL);
    return true;
}

static void close_scene(scene *s) {
    hawser_close(s->ends[0]);
    hawser_close(s->ends[1]);
    hawser_channel_free(s->channel);
    hawser_mutex_free(s->mutex);
    hawser_semaphore_free(s->semaphore);
    for (int i = 0; i < 2; i++)
        if (s->pipe[i] >= 0)
            close(s->pipe[i]);
}

/* Lets a random while pass: none, a few turns, a few microseconds. */
static void dawdle(actor *self) {
    uint64_t how = draw(self, 4);
    for (uint64_t i = draw(self, 5); how == 1 && i > 0; i--)
        hawser_yield();
    if (how == 2)
        hawser_sleep((double)draw(self, 300) / 1e6);
}

static void must_end(hawser_group *group, const char *what) {
    int64_t outer = hawser_deadline_push(LOST);
    if (hawser_group_wait(group) < 0)
        wrong(what);
    hawser_deadline_pop(outer);
}

static void let_go(actor *self, struct play *play, hawser_group *group) {
    (void)self;
    play->waiting->go(play->s);
    must_end(group, "a wait that could go on");
    MUST(play->s->result > 0);
}

static void cancel(actor *self, struct play *play, hawser_group *group) {
    (void)self;
    hawser_group_cancel(group);
    must_end(group, "a cancelled wait that ends");
    MUST(play->s->result < 0 && play->s->code == ECANCELED);
}

static void close_it(actor *self, struct play *play, hawser_group *group) {
    hawser_sock *sock = play->s->ends[0];
    hawser_ref(sock);
    hawser_close(sock);
    must_end(group, "a wait on a closed socket that ends");
    MUST(play->s->result < 0 && play->s->code == EBADF);
    hawser_unref(sock);
    play->s->ends[0] = NULL;
    (void)self;
}

/* Either the deadline comes first or the wait goes through. */
static void race_deadline(actor *self, struct play *play, hawser_group *group) {
    bool go = play->waiting->go && play->waiting->wait != wait_send && play->waiting->wait != wait_channel;
    dawdle(self);
    if (go)
        play->waiting->go(play->s);
    must_end(group, "a wait with a deadline");
    if (play->s->result < 0)
        MUST(play->s->code == ETIMEDOUT);
    else
        MUST(go);
}

static void run_scene(actor *self, struct play *play, void (*end)(actor *, struct play *, hawser_group *)) {
    hawser_group *group = hawser_group_open(NULL);
    hawser_go_options options = {.name = "waiter", .group = group, .worker = 1 + (int)draw(self, (uint64_t)hawser_workers())};
    MUST(group != NULL && hawser_go_with(&options, wait_in_fiber, play) == 0);
    dawdle(self);
    end(self, play, group);
    hawser_group_close(group);
    for (int i = 0; i < 4; i++)
        step(self);
}

void act_in_private(actor *self) {
    scene s;
    struct play play = {.s = &s, .waiting = &waitings[draw(self, sizeof waitings / sizeof *waitings)]};
    if (!open_scene(self, &s, play.waiting->piped)) {
        close_scene(&s);
        return;
    }
    uint64_t how = draw(self, 4);
    if (how == 0 && play.waiting->go) {
        run_scene(self, &play, let_go);
    } else if (how == 1 && play.waiting->closable) {
        run_scene(self, &play, close_it);
    } else if (how == 2) {
        play.seconds = (double)(1 + draw(self, 400)) / 1e6;
        run_scene(self, &play, race_deadline);
    } else {
        run_scene(self, &play, cancel);
    }
    close_scene(&s);
}

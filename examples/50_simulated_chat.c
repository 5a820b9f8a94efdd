/* SPDX-License-Identifier: MIT */
/*
 * A chat room in which now and then somebody does not hear a line. Hardly a test on one machine would show it.
 *
 * Try it: start it. It goes through storms until the fault shows, looks for the mildest one in which it does, and prints the
 * command that runs it again; with HAWSER_SIM_DIAGRAM=chat.svg in front a browser shows it. With --fixed it finds nothing.
 *
 * The fault is in hear: while one fiber sends to a member who takes no more at the moment, another has heard a line, too. Its
 * sendall to that member fails (EBUSY: one sender at a time), and nobody looks.
 */
#include <hawser.h>
#include <stdio.h>
#include <string.h>

enum { PEOPLE = 3, LINES = 20 };
struct room { hawser_sock *members[PEOPLE]; int seated; hawser_mutex *lock; }; /* lock NULL: as it was at first */

static int hear(void *arg) {
    struct room *room = arg;
    char line[100];
    hawser_file *file = hawser_makefile(room->members[room->seated++], "r");
    while (hawser_readline(file, line, sizeof line) > 0 && (!room->lock || hawser_mutex_lock(room->lock) == 0)) {
        for (int i = 0; i < PEOPLE; i++)
            hawser_sendall(room->members[i], line, strlen(line));
        if (room->lock)
            hawser_mutex_unlock(room->lock);
    }
    return hawser_file_close(file);
}

static int run(void *fixed) {
    struct room room = {.lock = fixed ? hawser_mutex_new() : NULL};
    hawser_sock *s = hawser_create_server("", 7000, NULL);
    for (int i = 0; i < PEOPLE; i++)
        room.members[i] = hawser_accept(s, NULL);
    for (int i = 0; i < PEOPLE; i++)
        hawser_go(hear, &room);
    return hawser_sleep(100000); /* the others are done by then */
}

static int room(void *fixed) { return hawser_run(run, fixed, NULL); }

static int person(void *arg) {
    char line[100];
    int heard = 0;
    hawser_file *file = hawser_makefile(hawser_create_connection("room", 7000, arg), "rw");
    for (int i = LINES; i > 0; i--)
        hawser_printf(file, "%d green bottles hanging on the wall\n", i);
    hawser_flush(file);
    while (heard < PEOPLE * LINES && hawser_readline(file, line, sizeof line) > 0)
        heard++;
    if (heard < PEOPLE * LINES)
        hawser_sim_fail("somebody heard %d of %d lines", heard, PEOPLE * LINES);
    return 0;
}

static int scenario(void *fixed) {
    hawser_connect_options patience = {.timeout = 10000};
    hawser_sim_start("room", room, fixed);
    hawser_sleep(1);
    int ann = hawser_sim_start("ann", person, &patience), bob = hawser_sim_start("bob", person, &patience);
    return person(&patience) < 0 || hawser_sim_join(ann) < 0 ? -1 : hawser_sim_join(bob);
}

int main(int argc, char **argv) {
    hawser_sim_model storm = {.link = {.latency = 0.02, .jitter = 0.02, .loss = 0.1}, .short_writes = 0.1, .buffer = 1500};
    int found = hawser_sim_explore(1, 1000, &storm, scenario, argc > 1 ? argv : NULL, NULL);
    puts(found < 0 ? "nothing was searched" : found == 0 ? "every line was heard, in 1000 storms" : "a line was lost");
    return found != 0;
}

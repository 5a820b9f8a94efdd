/* SPDX-License-Identifier: MIT */
/*
 * Waiting for several things at once: a clerk with three trays, and the end of the working day.
 *
 * Try it: start it.
 *
 * hawser_channel_select does one of the cases that can go, and when several can each has the same chance, so no tray is left to
 * wait for ever. A closed channel can always go: its end has come. A case without a channel never goes, and that is how a tray
 * is put away. Nothing is ever said about complaints: it is the deadline that ends the waiting for them.
 */
#include <hawser.h>
#include <stdio.h>

#define TRAYS 3

struct tray {
    const char *name;
    int sheets; /* -1: the messenger never comes */
    hawser_channel *channel;
};

static int bring(void *arg) {
    struct tray *tray = arg;
    for (int sheet = 1; sheet <= tray->sheets; sheet++)
        if (hawser_channel_send(tray->channel, &sheet) < 0)
            return -1;
    if (tray->sheets >= 0)
        hawser_channel_close(tray->channel);
    return 0;
}

static void serve(const struct tray *trays) {
    hawser_case cases[TRAYS];
    int done[TRAYS] = {0}, sheet, index, result;
    for (int i = 0; i < TRAYS; i++)
        cases[i] = (hawser_case){.channel = trays[i].channel, .item = &sheet};
    while ((index = hawser_channel_select(cases, TRAYS, &result)) >= 0) {
        if (result == 1)
            done[index]++;
        else
            cases[index].channel = NULL;
    }
    for (int i = 0; i < TRAYS; i++)
        printf("%s: %d%s\n", trays[i].name, done[i], cases[i].channel ? ", and perhaps more to come" : "");
    printf("the day is over: %s\n", hawser_error());
}

static int office(void *arg) {
    struct tray *trays = arg;
    for (int i = 0; i < TRAYS; i++)
        if (hawser_go(bring, &trays[i]) < 0)
            return -1;
    int64_t outer = hawser_deadline_push(0.2);
    serve(trays);
    hawser_deadline_pop(outer);
    return 0;
}

int main(void) {
    struct tray trays[TRAYS] = {{"letters", 5, NULL}, {"forms", 100, NULL}, {"complaints", -1, NULL}};
    for (int i = 0; i < TRAYS; i++)
        trays[i].channel = hawser_channel_new(sizeof(int), 2);
    bool complete = trays[0].channel && trays[1].channel && trays[2].channel;
    int result = complete ? hawser_run(office, trays, NULL) : -1;
    if (result < 0)
        fprintf(stderr, "%s\n", hawser_error());
    for (int i = 0; i < TRAYS; i++)
        hawser_channel_free(trays[i].channel);
    return result < 0;
}

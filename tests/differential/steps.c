/* SPDX-License-Identifier: MIT */
/* Programs and their steps: steps.h. */
#include "deeds.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct deed {
    const char *name;
    int weight;
    bool on_open;                /* only done to a slot that has a socket */
    enum aim aim;
    hawser_deed *act;
};

void say(char *line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(line, LINE, format, args);
    va_end(args);
}

void say_result(char *line, int64_t result) {
    if (result < 0)
        say(line, "%s", hawser_strerror(errno));
    else
        say(line, "%lld", (long long)result);
}

static const struct deed deeds[] = {
    {"open", 60, false, ANY, act_open},           {"pair", 10, false, ANY, act_pair},
    {"serve", 30, false, ANY, act_serve},         {"bind", 50, true, ALONE, act_bind},
    {"listen", 40, true, NAMED, act_listen},      {"connect", 100, true, ALONE, act_connect},
    {"connect again", 10, true, ANY, act_connect}, {"dissolve", 8, true, DATAGRAMS, act_dissolve},
    {"dissolve any", 2, true, ANY, act_dissolve}, {"accept", 90, true, LISTENER, act_accept},
    {"send", 100, true, CONNECTED, act_send},     {"sendto", 40, true, DATAGRAMS, act_sendto},
    {"recv", 100, true, CONNECTED, act_recv},     {"recv any", 30, true, DATAGRAMS, act_recv},
    {"message", 30, true, CONNECTED, act_message}, {"fetch", 30, true, CONNECTED, act_fetch},
    {"shutdown", 25, true, ANY, act_shutdown},    {"close", 55, true, ANY, act_close},
    {"names", 30, true, ANY, act_names},          {"option", 40, true, ANY, act_option},
    {"set option", 30, true, ANY, act_set_option}, {"linger", 8, true, ANY, act_linger},
    {"no linger", 3, true, ANY, act_no_linger},   {"dup", 8, true, ANY, act_dup},
    {"flood", 2, false, ANY, act_flood},          {"letters", 2, false, ANY, act_letters},
    {"segments", 4, false, ANY, act_segments},    {"rebind", 4, false, ANY, act_rebind},
};
#define DEEDS (sizeof deeds / sizeof *deeds)

const char *deed_of(const struct step *step) {
    return step->deed->name;
}

/* Programs. */

static uint64_t next(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static const struct deed *pick_deed(uint64_t *state) {
    int sum = 0;
    for (size_t i = 0; i < DEEDS; i++)
        sum += deeds[i].weight;
    int lot = (int)(next(state) % (uint64_t)sum);
    const struct deed *deed = deeds;
    while ((lot -= deed->weight) >= 0)
        deed++;
    return deed;
}

void make_program(struct program *program, uint64_t seed) {
    uint64_t state = seed;
    program->seed = seed;
    program->count = STEPS_MOST;
    for (int i = 0; i < program->count; i++)
        program->steps[i] = (struct step){
            .deed = i < 2 ? &deeds[0] : pick_deed(&state), .slot = (int)(next(&state) % SLOTS),
            .other = (int)(next(&state) % SLOTS), .size = (int)(next(&state) % 2000), .how = (int)(next(&state) % 1000)};
}

/* What the kernel has not done yet may still come. */
static bool may_still_come(const struct stage *stage, const char *line) {
    return stage->waits && stage->expected && strcmp(line, stage->expected) != 0 &&
           (strcmp(line, hawser_strerror(EAGAIN)) == 0 || strstr(line, "SO_ERROR") || strstr(line, " is 0"));
}

void do_step(struct stage *stage, const struct step *step, char line[static LINE]) {
    stage->done = aimed(stage, step, step->deed->aim);
    step = &stage->done;
    if (step->deed->on_open && !stage->socks[step->slot]) {
        say(line, "-");
        return;
    }
    stage->patience = PATIENCE;
    step->deed->act(stage, step, line);
    while (may_still_come(stage, line) && stage->patience-- > 0) {
        hawser_sleep(0.001);
        step->deed->act(stage, step, line);
    }
}

void describe_step(const struct step *step, char text[static LINE]) {
    say(text, "%s %d %d, %d, %d", step->deed->name, step->slot, step->other, step->size, step->how);
}

void end_stage(struct stage *stage) {
    for (int i = 0; i < SLOTS; i++) {
        hawser_close(stage->socks[i]);
        stage->socks[i] = NULL;
    }
}

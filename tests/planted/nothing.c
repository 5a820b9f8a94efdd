/* SPDX-License-Identifier: MIT */
/*
 * Nothing is wrong. Crowds of fibers on two workers come and go on the same stacks. They park at different depths; half of
 * each crowd then goes on and digs another hole, the other half ends early, cancelled where it is. Every frame looks whether
 * its bytes are still its own.
 */
#include <hawser.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CROWDS 20
#define CROWD 100
#define SPADE 48

static hawser_semaphore *noted, *light;
static atomic_int returned, cancelled, ended;

static void need(bool done) {
    if (!done)
        abort();
}

static int wait_for_light(void) {
    hawser_semaphore_release(noted);
    return hawser_semaphore_acquire(light);
}

static int look_up(void) {
    return 0;
}

__attribute__((noinline)) static int dig(int depth, int (*at_the_bottom)(void)) {
    char spade[SPADE], *volatile heap = malloc(SPADE);
    need(heap);
    memset(spade, depth, sizeof spade);
    memcpy(heap, spade, sizeof spade);
    int result = depth == 0 ? at_the_bottom() : dig(depth - 1, at_the_bottom);
    need(memcmp(heap, spade, sizeof spade) == 0 && spade[SPADE - 1] == (char)depth);
    free(heap);
    return result;
}

static void note_the_end(void *arg) {
    (void)arg;
    ended++;
}

static int work(void *arg) {
    int depth = (int)(intptr_t)arg;
    need(hawser_defer(note_the_end, NULL) == 0);
    if (dig(depth, wait_for_light) < 0) {
        cancelled++;
        return -1;
    }
    hawser_yield();
    dig(CROWD - depth, look_up);
    returned++;
    hawser_semaphore_release(noted);
    return 0;
}

static void gather(hawser_group *group) {
    for (int i = 0; i < CROWD; i++) {
        const hawser_go_options options = {.worker = 1 + i % 2, .group = group};
        need(hawser_go_with(&options, work, (void *)(intptr_t)(i * 7 % CROWD)) == 0);
    }
}

static void await(int count) {
    for (int i = 0; i < count; i++)
        need(hawser_semaphore_acquire(noted) == 0);
}

static int command(void *arg) {
    (void)arg;
    for (int crowd = 0; crowd < CROWDS; crowd++) {
        hawser_group *group = hawser_group_open(NULL);
        need(group);
        gather(group);
        await(CROWD);
        for (int i = 0; i < CROWD / 2; i++)
            hawser_semaphore_release(light);
        await(CROWD / 2);
        hawser_group_close(group);
    }
    return 0;
}

int main(void) {
    need((noted = hawser_semaphore_new(0)) && (light = hawser_semaphore_new(0)));
    need(hawser_run(command, NULL, &(hawser_run_options){.workers = 2}) == 0);
    hawser_semaphore_free(noted);
    hawser_semaphore_free(light);
    printf("%d returned, %d cancelled, %d ended\n", returned, cancelled, ended);
    return 0;
}

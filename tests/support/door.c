/* SPDX-License-Identifier: MIT */
#include "door.h"

#include "threads.h"

#include <stdlib.h>
#include <time.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int inside;
} door = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, true, 0};

void set_door(bool open) {
    pthread_mutex_lock(&door.lock);
    door.open = open;
    pthread_cond_broadcast(&door.changed);
    pthread_mutex_unlock(&door.lock);
}

int stand_inside(void *arg) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += (time_t)WAIT_LIMIT;
    pthread_mutex_lock(&door.lock);
    door.inside++;
    while (!door.open)
        if (pthread_cond_timedwait(&door.changed, &door.lock, &end) != 0)
            abort();
    door.inside--;
    pthread_mutex_unlock(&door.lock);
    return arg ? *(int *)arg : 0;
}

static bool so_many_stand_inside(void *n) {
    pthread_mutex_lock(&door.lock);
    bool so_many = door.inside == *(int *)n;
    pthread_mutex_unlock(&door.lock);
    return so_many;
}

bool wait_in_door(int n) {
    return wait_until(so_many_stand_inside, &n);
}

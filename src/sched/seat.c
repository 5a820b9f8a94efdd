/* SPDX-License-Identifier: MIT */
#include "sched/seat.h"

#include "base/lock.h"
#include "base/sys.h"
#include "base/wake.h"

#include <pthread.h>
#include <string.h>

#define BUSY ((uintptr_t)1)
#define WATCH ((uintptr_t)2)
#define SPINS 100

static void give_way(int *spins) {
    if (++*spins > SPINS)
        hawser__sys_yield();
}

void hawser__seat_take(hawser__seat *seat) {
    hawser__store(&seat->sitter, (uintptr_t)hawser__task_current());
}

/* Waits until nobody holds the seat; then the bits in KEEP of who sits there are left, and MARK is set. Who sat there, or 0. */
static uintptr_t grasp(hawser__seat *seat, uintptr_t keep, uintptr_t mark) {
    uintptr_t sitter = atomic_load(&seat->sitter);
    int spins = 0;
    while (sitter && ((sitter & BUSY) || !hawser__swap_weak(&seat->sitter, &sitter, (sitter & keep) | mark))) {
        give_way(&spins);
        sitter = atomic_load(&seat->sitter);
    }
    return sitter;
}

void hawser__seat_leave(hawser__seat *seat) {
    (void)grasp(seat, 0, 0);
}

/* Shots. A watch is listed here before its seat is empty and until its FIRE has returned: whoever takes it back and finds the
 * seat empty looks here. The table is full only when as many threads fire at the same time. */

#define SHOTS 64

static _Atomic(hawser__watch *) shots[SHOTS];
static _Thread_local hawser__watch *own_shot __attribute__((tls_model("initial-exec")));
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Those who fired in the parent are not in the child. */
static void after_fork(void) {
    memset(shots, 0, sizeof shots);
}

static void prepare(void) {
    pthread_atfork(NULL, NULL, after_fork);
}

static size_t list(hawser__watch *watch) {
    size_t at = ((uintptr_t)watch >> 4) % SHOTS;
    int spins = 0;
    hawser__watch *none = NULL;
    pthread_once(&once, prepare);
    while (!atomic_compare_exchange_strong(&shots[at], &none, watch)) {
        none = NULL;
        at = (at + 1) % SHOTS;
        give_way(&spins);
    }
    return at;
}

/* With one thread there is nobody who could take the watch back meanwhile. */
void hawser__seat_fire(hawser__seat *seat, hawser__watch *watch, bool ended) {
    bool listed = HAWSER__THREADED;
    size_t at = listed ? list(watch) : 0;
    hawser__watch *outer = own_shot;
    own_shot = watch;
    atomic_store(&seat->sitter, 0);
    watch->fire(watch, ended);
    own_shot = outer;
    if (listed)
        atomic_store_explicit(&shots[at], NULL, memory_order_release);
}

static void wait_for_shot(const hawser__watch *watch) {
    int spins = 0;
    for (size_t i = 0; i < SHOTS && own_shot != watch; i++)
        while (atomic_load(&shots[i]) == watch)
            give_way(&spins);
}

/* A waker that finds another at it waits for its turn: what this one brought about may have come too late for the other's. */
hawser__watch *hawser__seat_hold(hawser__seat *seat) {
    uintptr_t sitter = grasp(seat, ~(uintptr_t)0, BUSY);
    if (sitter & WATCH)
        return (hawser__watch *)(sitter & ~WATCH);
    if (sitter) {
        hawser__task_wake((hawser__task *)sitter);
        atomic_store_explicit(&seat->sitter, sitter, memory_order_release);
    }
    return NULL;
}

hawser__watch *hawser__seat_try_hold(hawser__seat *seat) {
    uintptr_t sitter = atomic_load(&seat->sitter);
    bool held = (sitter & WATCH) && !(sitter & BUSY) && atomic_compare_exchange_strong(&seat->sitter, &sitter, sitter | BUSY);
    return held ? (hawser__watch *)(sitter & ~WATCH) : NULL;
}

void hawser__seat_tell(hawser__seat *seat, bool ended) {
    hawser__watch *watch = hawser__seat_hold(seat);
    if (watch)
        hawser__seat_fire(seat, watch, ended);
}

void hawser__seat_wake(hawser__seat *seat) {
    hawser__seat_tell(seat, false);
}

void hawser__seat_put(hawser__seat *seat, hawser__watch *watch) {
    hawser__store(&seat->sitter, (uintptr_t)watch | WATCH | BUSY);
}

void hawser__seat_keep(hawser__seat *seat, bool stays) {
    uintptr_t sitter = atomic_load_explicit(&seat->sitter, memory_order_relaxed);
    hawser__store(&seat->sitter, stays ? sitter & ~BUSY : 0);
}

bool hawser__seat_is_watched(const hawser__seat *seat) {
    return atomic_load_explicit(&seat->sitter, memory_order_relaxed) & WATCH;
}

bool hawser__seat_take_back(hawser__seat *seat, hawser__watch *watch) {
    uintptr_t sitter = atomic_load(&seat->sitter);
    int spins = 0;
    while ((sitter & ~BUSY) == ((uintptr_t)watch | WATCH)) {
        if (!(sitter & BUSY) && hawser__swap_weak(&seat->sitter, &sitter, 0))
            return true;
        give_way(&spins);
        sitter = atomic_load(&seat->sitter);
    }
    wait_for_shot(watch);
    return false;
}

/* SPDX-License-Identifier: MIT */
#include "cli/serve_wait.h"

#include "cli/serve_log.h"
#include "cli/serve_signals.h"

#include <hawser.h>

#define SHORTEST_WAIT 0.005
#define LONGEST_WAIT 1.0
#define TELL_EVERY 10.0

bool serve_wait_for_room(struct patience *patience, const char *why) {
    double now = hawser_now();
    if (patience->told == 0 || now - patience->told >= TELL_EVERY) {
        serve_log_event(LOG_TROUBLE, "%s; new clients wait", why);
        patience->told = now;
    }
    patience->delay = patience->delay == 0 ? SHORTEST_WAIT : patience->delay * 2;
    if (patience->delay > LONGEST_WAIT)
        patience->delay = LONGEST_WAIT;
    return hawser_sleep(patience->delay) == 0;
}

void serve_announce_stop(const char *open) {
    bool echoed = serve_signals_release();
    serve_log_note("%sstopping%s", echoed ? " " : "", open);
}

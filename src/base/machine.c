/* SPDX-License-Identifier: MIT */
#include "base/machine.h"

_Thread_local const hawser__machine *hawser__machine_here;

static struct hawser__process real;

struct hawser__process *hawser__process_here(void) {
    return hawser__machine_here ? hawser__machine_here->process() : &real;
}

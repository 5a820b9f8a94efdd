/* SPDX-License-Identifier: MIT */
/* The engines of a build for any POSIX system. */
#include "engine/engines.h"

#include "engine/kernel.h"

hawser__engine *const hawser__engines[] = {&hawser__poll_engine, NULL};

bool hawser__kernel_tells_changes(struct hawser__kernel_endpoint *self) {
    (void)self;
    return false;
}

/* SPDX-License-Identifier: MIT */
/* Unix socket files on a real file system, for every engine that has the kernel behind it. See unix_file.c. */
#ifndef HAWSER__UNIX_FILE_H
#define HAWSER__UNIX_FILE_H

#include "sched/engine.h"

int hawser__unix_claim(hawser__engine *engine, struct hawser__unix_file *file, hawser__deadline deadline);
void hawser__unix_settle(hawser__engine *engine, struct hawser__unix_file *file, bool bound);
void hawser__unix_remove(hawser__engine *engine, struct hawser__unix_file *file);

#endif

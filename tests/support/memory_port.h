/* SPDX-License-Identifier: MIT */
/* The ports of the memory engine. memory_port_wake takes a lock: signals that fibers ask for are not for this engine. */
#ifndef TESTS_MEMORY_PORT_H
#define TESTS_MEMORY_PORT_H

#include "sched/engine.h"

int memory_port_open(hawser__engine *engine, hawser__port **ret);
void memory_port_wait(hawser__port *port, hawser__deadline until);
void memory_port_wake(hawser__port *port);
void memory_port_close(hawser__port *port);
void memory_port_after_fork(hawser__port *port);

#endif

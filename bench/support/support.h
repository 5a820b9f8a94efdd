/* SPDX-License-Identifier: MIT */
/*
 * What every program of the benchmarks needs: numbers from argv, a listener on a port of the kernel's choice, enough
 * descriptors, and an end with a sentence when something fails. They are measuring tools: they may exit, the library never
 * does.
 */
#ifndef BENCH_SUPPORT_H
#define BENCH_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_HOST "127.0.0.1"
#define BENCH_BACKLOG 4096

/* Prints WHAT, and errno's text if it is not 0, and ends the process. */
_Noreturn void bench_die(const char *what);

/* argument I as a number; FALLBACK when there is none. Anything else ends the process. */
long bench_number(int argc, char **argv, int i, long fallback);

/* Lifts the soft limit of descriptors to the hard one, and says how many that is. */
size_t bench_raise_files(void);

/* A non-blocking TCP listener on BENCH_HOST; what it accepts has TCP_NODELAY. */
int bench_listen(void);

/* Prints "port N" for the driver. */
void bench_say_port(int port);
void bench_say_port_of(int fd);

/* Nanoseconds of CLOCK_MONOTONIC, and of the CPU time of the calling process. */
int64_t bench_now(void);
int64_t bench_cpu(void);

#endif

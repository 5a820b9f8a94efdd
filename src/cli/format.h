/* SPDX-License-Identifier: MIT */
/* Quantities as people read them. Each returns OUT. */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include <stdint.h>

#define FORMAT_ROOM 32

const char *format_bytes(char out[static FORMAT_ROOM], uint64_t bytes);       /* 24 B, 1.5 KiB, 118 MiB */
const char *format_count(char out[static FORMAT_ROOM], uint64_t count);       /* 4,211 */
const char *format_seconds(char out[static FORMAT_ROOM], double seconds);     /* 0.4 ms, 120 ms, 2.5 s, 3 min 05 s */

#endif

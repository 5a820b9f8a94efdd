/* SPDX-License-Identifier: MIT */
/* Options of UDP sockets that the headers of a libc may lack: Linux's, from 4.18 and 5.0 on. */
#ifndef HAWSER__UDP_H
#define HAWSER__UDP_H

#include <netinet/udp.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#endif

/* SPDX-License-Identifier: MIT */
/* Linux's epoll, as sys.h. */
#ifndef HAWSER__SYS_EPOLL_H
#define HAWSER__SYS_EPOLL_H

#include <stdint.h>
#include <sys/epoll.h>

int hawser__sys_epoll_create(void);
int hawser__sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
/* At most NS nanoseconds; below 0: without limit. */
int hawser__sys_epoll_wait(int epoll, struct epoll_event *events, int room, int64_t ns);

#endif

/* SPDX-License-Identifier: MIT */
/* The engines of a build for Linux with liburing. epoll comes first: it is as fast, and it is everywhere. */
#include "engine/engines.h"

hawser__engine *const hawser__engines[] = {&hawser__epoll_engine, &hawser__uring_engine, &hawser__poll_engine, NULL};

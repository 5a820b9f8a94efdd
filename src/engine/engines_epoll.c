/* SPDX-License-Identifier: MIT */
/* The engines of a build for Linux. */
#include "engine/engines.h"

hawser__engine *const hawser__engines[] = {&hawser__epoll_engine, &hawser__poll_engine, NULL};

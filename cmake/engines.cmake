# SPDX-License-Identifier: MIT
# Which engines are built in. Takes out of lib_sources what this build does not need.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(HAWSER_ENGINES epoll poll CACHE STRING "Engines: epoll poll, or poll alone (any POSIX system)")
else()
  set(HAWSER_ENGINES poll CACHE STRING "Engines: epoll poll, or poll alone (any POSIX system)")
endif()

if("epoll" IN_LIST HAWSER_ENGINES)
  hawser_leave_out(engine/engines_poll.c)
else()
  hawser_leave_out(engine/engines_epoll.c engine/epoll_port.c engine/epoll_wait.c base/sys_epoll.c)
endif()

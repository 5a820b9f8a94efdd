# SPDX-License-Identifier: MIT
# Which engines are built in. Takes out of lib_sources what this build does not need.
#
# uring needs liburing, as an archive: its few objects become part of the library, so that a program that is linked with it, and
# the command, need nothing more than before.
find_library(HAWSER_LIBURING liburing.a)
mark_as_advanced(HAWSER_LIBURING)
set(have_liburing FALSE)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND HAWSER_LIBURING)
  set(CMAKE_REQUIRED_LIBRARIES ${HAWSER_LIBURING})
  check_symbol_exists(io_uring_register_sync_cancel liburing.h HAVE_LIBURING)   # 2.3 or later, for this processor
  unset(CMAKE_REQUIRED_LIBRARIES)
  set(have_liburing ${HAVE_LIBURING})
endif()

if(have_liburing)
  set(built_in epoll uring poll)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(built_in epoll poll)
else()
  set(built_in poll)
endif()
set(HAWSER_ENGINES ${built_in} CACHE STRING "Engines: epoll uring poll, epoll poll, or poll alone (any POSIX system)")

if("uring" IN_LIST HAWSER_ENGINES AND NOT have_liburing)
  message(FATAL_ERROR "engine uring: there is no liburing.a of version 2.3 or later (Debian: liburing-dev)")
endif()
if("uring" IN_LIST HAWSER_ENGINES)
  hawser_leave_out(engine/engines_epoll.c engine/engines_poll.c)
  set(uring_dir ${CMAKE_BINARY_DIR}/liburing)
  file(MAKE_DIRECTORY ${uring_dir})
  execute_process(COMMAND ${CMAKE_AR} x ${HAWSER_LIBURING} WORKING_DIRECTORY ${uring_dir} COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB uring_objects ${uring_dir}/*.o ${uring_dir}/*.ol)
  set_source_files_properties(${uring_objects} PROPERTIES EXTERNAL_OBJECT TRUE)
else()
  file(GLOB uring_sources src/engine/uring*.c)
  list(REMOVE_ITEM lib_sources ${uring_sources})
  hawser_leave_out(engine/engines_uring.c base/sys_uring.c)
  if("epoll" IN_LIST HAWSER_ENGINES)
    hawser_leave_out(engine/engines_poll.c)
  else()
    hawser_leave_out(engine/engines_epoll.c engine/epoll_port.c engine/epoll_wait.c base/sys_epoll.c)
  endif()
endif()

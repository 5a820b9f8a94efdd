# SPDX-License-Identifier: MIT
# What differs between systems is a file, never an #if in a function. Here a build takes out of lib_sources those it is not for.
include(CheckSymbolExists)
set(CMAKE_REQUIRED_DEFINITIONS -D_GNU_SOURCE)

# hawser_leave_out(FILE ...): these are not part of the library in this build.
macro(hawser_leave_out)
  foreach(file ${ARGN})
    list(REMOVE_ITEM lib_sources ${CMAKE_SOURCE_DIR}/src/${file})
  endforeach()
endmacro()

# The C library's tables of hosts, services and protocols.
check_symbol_exists(getprotobyname_r netdb.h HAVE_GETPROTOBYNAME_R)
if(HAVE_GETPROTOBYNAME_R)
  hawser_leave_out(base/libc_other.c)
else()
  hawser_leave_out(base/libc_gnu.c)
endif()

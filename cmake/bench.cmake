# SPDX-License-Identifier: MIT
# Benchmarks (make bench): the load generator, the reference programs, our own servers, the peers whose libraries are here, and
# the micro-benchmarks. Each file of a folder is a program; bench/support is common to them. Nothing here is installed.
set(bench_bin ${CMAKE_BINARY_DIR}/bench)
set(bench_support ${CMAKE_SOURCE_DIR}/bench/support)

add_library(bench_support OBJECT ${bench_support}/support.c ${bench_support}/loop.c ${bench_support}/micro.c)
target_include_directories(bench_support PUBLIC ${bench_support})
add_library(bench_serve OBJECT ${bench_support}/serve.c)
target_link_libraries(bench_serve PUBLIC bench_support hawser_static Threads::Threads)

# bench_program(FOLDER SOURCE LIBRARY ...): bench/FOLDER/SOURCE becomes bench/FOLDER/NAME of the build.
function(bench_program folder source)
  get_filename_component(name ${source} NAME_WE)
  add_executable(bench_${folder}_${name} ${source})
  set_target_properties(bench_${folder}_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${bench_bin}/${folder})
  target_link_libraries(bench_${folder}_${name} PRIVATE ${ARGN})
endfunction()

file(GLOB load_sources CONFIGURE_DEPENDS bench/load/*.c)
add_executable(bench_load ${load_sources})
set_target_properties(bench_load PROPERTIES OUTPUT_NAME load RUNTIME_OUTPUT_DIRECTORY ${bench_bin})
target_link_libraries(bench_load PRIVATE bench_support)

# bench_folder(FOLDER LIBRARY ...): every file of bench/FOLDER is a program.
function(bench_folder folder)
  file(GLOB sources CONFIGURE_DEPENDS bench/${folder}/*.c)
  foreach(source ${sources})
    bench_program(${folder} ${source} ${ARGN})
  endforeach()
endfunction()

bench_folder(reference bench_support)
bench_folder(hawser bench_support bench_serve hawser_static Threads::Threads)
add_library(bench_inside INTERFACE) # the switch of contexts is not public: the micro-benchmarks look inside
target_include_directories(bench_inside INTERFACE src)
bench_folder(micro bench_support bench_serve bench_inside hawser_static Threads::Threads)

# Peers: what is missing is left out, and the driver says so.
find_package(PkgConfig)
foreach(peer_and_module libuv:libuv libevent:libevent glib:gio-2.0)
  string(REPLACE ":" ";" peer_and_module ${peer_and_module})
  list(POP_FRONT peer_and_module peer module)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(bench_${peer} QUIET IMPORTED_TARGET ${module})
  endif()
  if(TARGET PkgConfig::bench_${peer})
    bench_program(peers bench/peers/${peer}.c bench_support PkgConfig::bench_${peer})
  else()
    message(STATUS "bench: peer ${peer} is left out: pkg-config does not know ${module}")
  endif()
endforeach()

find_program(GO go)
if(GO)
  add_custom_command(OUTPUT ${bench_bin}/peers/go DEPENDS ${CMAKE_SOURCE_DIR}/bench/peers/server.go VERBATIM
    COMMAND ${CMAKE_COMMAND} -E env GO111MODULE=off GOCACHE=${CMAKE_BINARY_DIR}/go-cache GOFLAGS= ${GO} build
            -o ${bench_bin}/peers/go ${CMAKE_SOURCE_DIR}/bench/peers/server.go)
  add_custom_target(bench_peers_go ALL DEPENDS ${bench_bin}/peers/go)
else()
  message(STATUS "bench: peer go is left out: no go command")
endif()

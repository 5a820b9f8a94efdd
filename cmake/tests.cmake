# SPDX-License-Identifier: MIT
# Unit tests: tests/unit/test_FILE.c belongs to src/*/FILE.c. Engine tests: every engine through one suite. The rest is pytest, one
# CTest entry a file, labelled with its folder (ctest -L interop).
option(HAWSER_MINICMOCKA "Build the tests with our own small stand-in for cmocka, where there is none" OFF)
if(HAWSER_MINICMOCKA)
  add_library(minicmocka STATIC tests/support/minicmocka/cmocka.c)
  target_include_directories(minicmocka PUBLIC tests/support/minicmocka)
  set(cmocka_library minicmocka)
else()
  find_library(cmocka_library cmocka REQUIRED)
endif()

file(GLOB support_sources CONFIGURE_DEPENDS tests/support/*.c)
check_symbol_exists(backtrace execinfo.h HAVE_BACKTRACE)
if(HAVE_BACKTRACE)
  list(REMOVE_ITEM support_sources ${CMAKE_SOURCE_DIR}/tests/support/frames_none.c)
else()
  list(REMOVE_ITEM support_sources ${CMAKE_SOURCE_DIR}/tests/support/frames_libc.c)
endif()
add_library(test_support OBJECT ${support_sources}) # objects, not an archive: the hooks of faults.c install themselves
target_include_directories(test_support PUBLIC include src tests/support)
target_compile_definitions(test_support PUBLIC TEST_SWITCH="${HAWSER_SWITCH}" TEST_EMULATED=$<BOOL:${CMAKE_CROSSCOMPILING_EMULATOR}>)
target_link_libraries(test_support PUBLIC hawser_static ${cmocka_library} Threads::Threads m)

# In a simulated world the tests' own calls of the C library are the simulated host's: tests/support/world.h.
foreach(call socket socketpair close dup bind listen shutdown getsockname getpeername setsockopt getsockopt fcntl ioctl recvmsg sendmsg
        recv send read write recvfrom sendto accept4 accept connect poll clock_gettime nanosleep sched_yield pthread_create pthread_join
        pthread_tryjoin_np pthread_timedjoin_np pthread_self pthread_cond_timedwait sem_timedwait sigaction signal raise kill
        pthread_kill fork access unlink lstat stat fstat time)
  target_link_options(test_support PUBLIC LINKER:--wrap=${call})
endforeach()

# What has nothing to test in a simulated world, by what it tests:
set(outside_of_worlds
    # the system's processes, descriptors handed on, and messages to its service manager
    test_activation test_activation_notify test_offload_fork test_tally
    # system calls and the library's wrappers of them
    test_sys test_sys_names test_sys_sigpipe
    # the kernel's engines, and choosing among them
    test_engines test_epoll_port test_epoll_wait test_kernel_batch test_kernel_connect test_kernel_endpoint
    test_kernel_wait test_kernel_watch test_uring_bytes test_uring_op test_uring_port test_uring_port_trouble
    test_unix_file_failures
    # files on descriptors: of those simulated hosts have the numbers of sockets alone, and no files on these
    test_source_fd test_source_fd_fibers test_source_fd_terminal
    # what lies below tasks, on the processor and its memory, which is real there as well
    test_context test_context_kept test_overflow test_stack test_stack_refused test_stack_shared test_switch
    # real time and real signals: a fiber held up, or stopped by a handler at any instruction
    test_watchdog test_watchdog_asked test_group_start
    # the threads that ask libc for names, and those that read the disk
    test_offload test_disk)
# Of a libc that is linked statically the linker turns the inner calls, too: those with which it looks up services and interfaces.
if(CMAKE_EXE_LINKER_FLAGS MATCHES "-static")
  list(APPEND outside_of_worlds test_addr_ip test_addr_linux test_addr_text test_address test_addrinfo test_connect test_iface
       test_io_datagrams test_names test_services test_target)
endif()

# Each of them runs on a plain thread and, unchanged, inside a fiber on every engine of the build: see tests/support/main.c.
foreach(folder unit engine)
  file(GLOB sources CONFIGURE_DEPENDS tests/${folder}/test_*.c)
  if(NOT "uring" IN_LIST HAWSER_ENGINES)
    list(FILTER sources EXCLUDE REGEX "/test_uring_")
  endif()
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${folder}_${name} ${source})
    set_target_properties(${folder}_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_link_libraries(${folder}_${name} PRIVATE test_support)
    add_test(NAME ${folder}/${name} COMMAND ${folder}_${name})
    target_compile_definitions(${folder}_${name} PRIVATE main=test_main)
    set_tests_properties(${folder}/${name} PROPERTIES LABELS ${folder} TIMEOUT 120)
    if(name MATCHES "^test_sim_")
      continue()   # the simulator is tested from outside, on threads of the tests' own
    endif()
    foreach(engine ${HAWSER_ENGINES})
      add_test(NAME fiber/${engine}/${folder}/${name} COMMAND ${folder}_${name})
      set_tests_properties(fiber/${engine}/${folder}/${name} PROPERTIES LABELS "fiber;fiber-${engine}" TIMEOUT 120
        ENVIRONMENT "TEST_IN_FIBER=${engine}")
    endforeach()
    if(NOT name IN_LIST outside_of_worlds)
      add_test(NAME sim/${folder}/${name} COMMAND ${folder}_${name})
      set_tests_properties(sim/${folder}/${name} PROPERTIES LABELS sim TIMEOUT 120 ENVIRONMENT "TEST_IN_FIBER=sim")
    endif()
  endforeach()
endforeach()

add_executable(million tests/limits/million.c)
set_target_properties(million PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_link_libraries(million PRIVATE hawser_static Threads::Threads)

add_executable(serving tests/serving/server.c)
set_target_properties(serving PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_link_libraries(serving PRIVATE hawser_static Threads::Threads)

list(JOIN HAWSER_ENGINES " " engines)
foreach(folder api interop stories limits serving simulation)
  file(GLOB sources CONFIGURE_DEPENDS tests/${folder}/test_*.py)
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    set(shown)
    if(folder MATCHES "serving|simulation")
      set(shown -rP)   # its tests print what they measured
    endif()
    add_test(NAME ${folder}/${name}
             COMMAND /usr/bin/python3 -m pytest -q ${shown} -p no:cacheprovider ${source}
             WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/tests)
    set_tests_properties(${folder}/${name} PROPERTIES LABELS ${folder} TIMEOUT 300
      ENVIRONMENT "HAWSER_BUILD=${CMAKE_BINARY_DIR};HAWSER_SOURCE=${CMAKE_SOURCE_DIR};PYTHONDONTWRITEBYTECODE=1;CC=${CMAKE_C_COMPILER};HAWSER_SANITIZE=${HAWSER_SANITIZE};HAWSER_SWITCH=${HAWSER_SWITCH};HAWSER_ENGINES=${engines}")
  endforeach()
endforeach()

# Random programs of socket calls, in a simulated world and on the kernel's loopback. Another C library's build and the thread
# sanitizer's leave it out: its subject is the simulator, and its other side Linux.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND HAWSER_SWITCH STREQUAL "asm" AND NOT HAWSER_SANITIZE MATCHES "thread")
  file(GLOB differential_sources CONFIGURE_DEPENDS tests/differential/*.c)
  add_executable(differential ${differential_sources})
  set_target_properties(differential PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(differential PRIVATE hawser_static Threads::Threads m)
  add_test(NAME differential/programs COMMAND differential --count 3000 --seconds 15)
  set_tests_properties(differential/programs PROPERTIES LABELS sim TIMEOUT 60)
endif()

add_test(NAME layers COMMAND ${CMAKE_SOURCE_DIR}/tools/check-layers ${CMAKE_SOURCE_DIR})

# The stress test: `make stress` runs it long, CTest a bounded share of it, on each engine.
file(GLOB stress_sources CONFIGURE_DEPENDS tests/stress/*.c)
add_executable(stress ${stress_sources})
set_target_properties(stress PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_include_directories(stress PRIVATE tests)
target_compile_definitions(stress PRIVATE main=test_main)
target_link_libraries(stress PRIVATE test_support)
foreach(engine ${HAWSER_ENGINES})
  add_test(NAME stress/${engine} COMMAND stress --engine ${engine} --steps 150000 --actors 200)
  set_tests_properties(stress/${engine} PROPERTIES LABELS stress TIMEOUT 120)
endforeach()

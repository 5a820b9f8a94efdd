# SPDX-License-Identifier: MIT
# Storms (tests/storm): the library once more, from the same sources, with a place to change strands at each of its atomic steps.
# It is built by gcc only, whose names for atomics tests/storm/steps.h stands on.
if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU" OR NOT HAWSER_SWITCH STREQUAL "asm" OR HAWSER_SANITIZE MATCHES "thread")
  return()
endif()

set(worker ${CMAKE_SOURCE_DIR}/src/sched/worker.c)
set(stepping_sources ${lib_sources})
list(REMOVE_ITEM stepping_sources ${sim_sources} ${worker} ${switch_file})

# What is planted: a worker looks into its inbox first and says that it falls asleep second.
set(planted ${CMAKE_BINARY_DIR}/planted/worker.c)
add_custom_command(OUTPUT ${planted} DEPENDS ${worker} ${CMAKE_SOURCE_DIR}/tests/storm/plant
                   COMMAND ${CMAKE_SOURCE_DIR}/tests/storm/plant ${worker} ${planted})

function(hawser_storm_objects name)
  add_library(${name} OBJECT ${ARGN})
  target_include_directories(${name} PRIVATE include src tests/storm)
endfunction()
hawser_storm_objects(storm_stepping ${stepping_sources})
hawser_storm_objects(storm_worker ${worker})
hawser_storm_objects(storm_planted_worker ${planted})
foreach(name storm_stepping storm_worker storm_planted_worker)
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:C>:-include${CMAKE_SOURCE_DIR}/tests/storm/steps.h>
                         -Wno-shadow)   # a step within a step's value
endforeach()
file(GLOB storm_sources CONFIGURE_DEPENDS tests/storm/*.c)
hawser_storm_objects(storm_scenes ${storm_sources} ${sim_sources} ${switch_file})

foreach(kind "" _planted)
  add_executable(storm${kind} $<TARGET_OBJECTS:storm_scenes> $<TARGET_OBJECTS:storm_stepping> $<TARGET_OBJECTS:storm${kind}_worker>
                 ${uring_objects})
  set_target_properties(storm${kind} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(storm${kind} PRIVATE Threads::Threads m)
endforeach()
add_test(NAME storm/seeds COMMAND storm --count 1000)
add_test(NAME storm/planted COMMAND storm_planted --scene wakes --count 100000 --expect-failure)
set_tests_properties(storm/seeds storm/planted PROPERTIES LABELS storm TIMEOUT 300)

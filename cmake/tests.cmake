# SPDX-License-Identifier: MIT
# Unit tests: tests/unit/test_FILE.c belongs to src/*/FILE.c. Engine tests: every engine through one suite. The rest is pytest, one
# CTest entry a file, labelled with its folder (ctest -L interop).
find_library(cmocka_library cmocka REQUIRED)

file(GLOB support_sources CONFIGURE_DEPENDS tests/support/*.c)
add_library(test_support OBJECT ${support_sources}) # objects, not an archive: the hooks of faults.c install themselves
target_include_directories(test_support PUBLIC include src tests/support)
target_link_libraries(test_support PUBLIC hawser_static ${cmocka_library} Threads::Threads)

foreach(folder unit engine)
  file(GLOB sources CONFIGURE_DEPENDS tests/${folder}/test_*.c)
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${folder}_${name} ${source})
    set_target_properties(${folder}_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_link_libraries(${folder}_${name} PRIVATE test_support)
    add_test(NAME ${folder}/${name} COMMAND ${folder}_${name})
    set_tests_properties(${folder}/${name} PROPERTIES LABELS ${folder} TIMEOUT 120)
  endforeach()
endforeach()

foreach(folder api interop stories)
  file(GLOB sources CONFIGURE_DEPENDS tests/${folder}/test_*.py)
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    add_test(NAME ${folder}/${name}
             COMMAND /usr/bin/python3 -m pytest -q -p no:cacheprovider ${source}
             WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/tests)
    set_tests_properties(${folder}/${name} PROPERTIES LABELS ${folder} TIMEOUT 300
      ENVIRONMENT "HAWSER_BUILD=${CMAKE_BINARY_DIR};HAWSER_SOURCE=${CMAKE_SOURCE_DIR};PYTHONDONTWRITEBYTECODE=1;CC=${CMAKE_C_COMPILER};HAWSER_SANITIZE=${HAWSER_SANITIZE}")
  endforeach()
endforeach()

add_test(NAME layers COMMAND ${CMAKE_SOURCE_DIR}/tools/check-layers ${CMAKE_SOURCE_DIR})

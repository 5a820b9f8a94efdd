# SPDX-License-Identifier: MIT
# make install: libraries, headers, hawser.pc, the CMake package, the command, man pages, completions.
include(CMakePackageConfigHelpers)

install(TARGETS hawser EXPORT hawser-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS hawser_static EXPORT hawser-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS hawser_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES include/hawser.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/hawser DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

# hawser.pc finds the prefix from where it lies itself, so that DESTDIR, --prefix and a moved tree work unchanged.
file(RELATIVE_PATH HAWSER_PREFIX_FROM_PC ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/hawser.pc.in ${CMAKE_BINARY_DIR}/hawser.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/hawser.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/hawser)
install(EXPORT hawser-targets NAMESPACE hawser:: DESTINATION ${package_dir} FILE hawser-targets.cmake)
configure_package_config_file(cmake/hawser-config.cmake.in ${CMAKE_BINARY_DIR}/hawser-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/hawser-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/hawser-config.cmake ${CMAKE_BINARY_DIR}/hawser-config-version.cmake
        DESTINATION ${package_dir})

foreach(section 1 3 7)
  file(GLOB pages CONFIGURE_DEPENDS docs/man/*.${section})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

# man hawser_recv opens the page of its topic: a link page for each name that a page has, and for each struct it shows.
file(GLOB topic_pages CONFIGURE_DEPENDS docs/man/*.3)
foreach(page ${topic_pages})
  get_filename_component(page_name ${page} NAME)
  file(STRINGS ${page} lines REGEX "^(\\.Nm|typedef struct) hawser_")
  foreach(line ${lines})
    string(REGEX MATCH "hawser_[a-z0-9_]+" name ${line})
    if(NOT EXISTS ${CMAKE_SOURCE_DIR}/docs/man/${name}.3)
      file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/man/${name}.3 CONTENT ".so man3/${page_name}\n")
      install(FILES ${CMAKE_BINARY_DIR}/man/${name}.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
    endif()
  endforeach()
endforeach()

# Completions come from the option table of the command itself.
set(completions bash bash-completion/completions hawser zsh zsh/site-functions _hawser fish fish/vendor_completions.d hawser.fish)
while(completions)
  list(POP_FRONT completions shell folder name)
  set(file ${CMAKE_BINARY_DIR}/completions/${shell}/${name})
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/completions/${shell})
  add_custom_command(OUTPUT ${file} COMMAND hawser_cli completion ${shell} > ${file} DEPENDS hawser_cli VERBATIM)
  list(APPEND completion_files ${file})
  install(FILES ${file} DESTINATION ${CMAKE_INSTALL_DATADIR}/${folder})
endwhile()
add_custom_target(completions ALL DEPENDS ${completion_files})

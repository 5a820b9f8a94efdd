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

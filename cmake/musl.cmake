# SPDX-License-Identifier: MIT
# Toolchain: the C library musl (Debian's musl-tools), programs linked statically. It shows that nothing in the library needs
# the GNU C library: make check-musl, with what is left without epoll, assembly and ucontext.
set(CMAKE_C_COMPILER musl-gcc)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)

# musl-gcc finds musl's headers alone. The kernel's, which no C library brings, are let in by name and none of the GNU library's
# beside them.
set(kernel_headers ${CMAKE_BINARY_DIR}/kernel-headers)
file(MAKE_DIRECTORY ${kernel_headers})
file(GLOB kernel_asm /usr/include/${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu/asm)
foreach(folder /usr/include/linux /usr/include/asm-generic ${kernel_asm})
  get_filename_component(name ${folder} NAME)
  file(CREATE_LINK ${folder} ${kernel_headers}/${name} SYMBOLIC)
endforeach()
set(CMAKE_C_FLAGS_INIT "-idirafter ${kernel_headers}")

set(HAWSER_MINICMOCKA ON CACHE BOOL "Debian's cmocka is for the GNU C library")

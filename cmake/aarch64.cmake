# SPDX-License-Identifier: MIT
# Toolchain: aarch64 from another machine, with Debian's cross compiler, its arm64 libraries beside the machine's own, and
# programs run by qemu's emulation of a process. make check-aarch64
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)

# SPDX-License-Identifier: MIT
"""The installed library, used as its users do: pkg-config with the shared and the static library, C++, and find_package.

It is installed once, into a folder of its own as its prefix; and once more with DESTDIR, as packagers do.
"""
import os
import subprocess

import libc
import pytest

from desk import BUILD, ENVIRONMENT, SOURCE

GREETING = "Thank you for connecting"
CLIENT = """
#include <hawser.h>
#include <stdio.h>

int main(void) {
    hawser_sock *s = hawser_create_connection("localhost", 12345, NULL);
    if (!s) {
        fprintf(stderr, "%s\\n", hawser_error());
        return 1;
    }
    char text[64];
    ssize_t n = hawser_recv_exactly(s, text, 24);
    printf("%.*s\\n", (int)(n > 0 ? n : 0), text);
    hawser_close(s);
    return n != 24;
}
"""
CXX_CLIENT = """
#include <cstdio>
#include <hawser.h>
#include <memory>

int main() {
    using sock = std::unique_ptr<hawser_sock, decltype(&hawser_close)>;
    sock s(hawser_create_connection("127.0.0.1", 12345, nullptr), hawser_close);
    char text[25] = "";
    if (!s || hawser_recv_exactly(s.get(), text, 24) != 24) {
        std::fprintf(stderr, "%s\\n", hawser_error());
        return 1;
    }
    std::puts(text);
}
"""
CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(customer LANGUAGES C)
find_package(hawser 0.1 REQUIRED)
foreach(library hawser hawser_static)
  add_executable(client_${library} client.c)
  target_link_libraries(client_${library} PRIVATE hawser::${library})
endforeach()
"""
CC = os.environ.get("CC", "cc")
SANITIZE = [f"-fsanitize={os.environ['HAWSER_SANITIZE']}"] if os.environ.get("HAWSER_SANITIZE") else []


def run(*argv, **environment):
    """What ARGV prints; it must succeed."""
    done = subprocess.run(list(map(str, argv)), env={**ENVIRONMENT, **environment}, text=True, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="session")
def prefix(tmp_path_factory):
    """Where the library is installed."""
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="session")
def package(prefix):
    """The folder of hawser.pc."""
    (found,) = prefix.rglob("hawser.pc")
    return found.parent


def pkg_config(package, *options):
    return run("pkg-config", *options, "hawser", PKG_CONFIG_PATH=str(package)).split()


def compile_shared(program, source, package, compiler=CC):
    """cc SOURCE $(pkg-config --cflags --libs hawser), and not a flag more."""
    run(compiler, source, "-o", program, *pkg_config(package, "--cflags", "--libs"), *SANITIZE)


@pytest.fixture
def server(desk, package, tmp_path):
    """The greeting server, compiled unchanged against the installed library, listening."""
    compile_shared(tmp_path / "server", SOURCE / "examples/01_greeting_server.c", package)
    server = installed(desk, tmp_path / "server", package)
    server.says("socket is listening")
    return server


def installed(desk, program, package):
    """A terminal with PROGRAM, which finds the installed shared library."""
    return desk.run("env", f"LD_LIBRARY_PATH={package.parent}", program)


def reads_the_greeting(terminal, server):
    """Whether the client in TERMINAL got the greeting and the server said so."""
    terminal.says(GREETING)
    terminal.ends()
    server.expect(r"Got connection from (127\.0\.0\.1|\[::1\]):\d+\r\n")


def test_seed000_greeting_server_and_client_compile_unchanged_against_the_shared_library(desk, server, package, tmp_path):
    (tmp_path / "client.c").write_text(CLIENT)
    compile_shared(tmp_path / "client", tmp_path / "client.c", package)
    reads_the_greeting(installed(desk, tmp_path / "client", package), server)
    if libc.is_gnu():   # ldd is its loader's
        loaded = run("ldd", tmp_path / "client", LD_LIBRARY_PATH=str(package.parent))
        assert "libhawser.so.0 => " + str(package.parent) in loaded
    taken = installed(desk, tmp_path / "server", package)
    assert taken.ends(1) == "listen on [::]:12345: Address already in use\n"


def test_seed000_greeting_client_compiles_against_the_static_library(desk, server, prefix, package, tmp_path):
    (tmp_path / "client.c").write_text(CLIENT)
    (archive,) = prefix.rglob("libhawser.a")
    flags = [flag for flag in pkg_config(package, "--cflags", "--libs", "--static") if flag != "-lhawser"]
    run(CC, tmp_path / "client.c", "-o", tmp_path / "client", archive, *flags, *SANITIZE)
    assert not libc.is_gnu() or "libhawser" not in run("ldd", tmp_path / "client")
    reads_the_greeting(desk.run(tmp_path / "client"), server)


def test_seed000_greeting_client_compiles_as_c99_and_strictly(desk, server, package, tmp_path):
    (tmp_path / "client.c").write_text(CLIENT)
    for standard in "c99", "c11", "c17":
        run(CC, f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Werror", tmp_path / "client.c",
            "-o", tmp_path / "client", *pkg_config(package, "--cflags", "--libs"), *SANITIZE)
    reads_the_greeting(installed(desk, tmp_path / "client", package), server)


@libc.needs_gnu_libc("Debian's C++ library is for the GNU C library")
def test_seed000_greeting_client_compiles_as_cxx(desk, server, package, tmp_path):
    (tmp_path / "client.cc").write_text(CXX_CLIENT)
    compile_shared(tmp_path / "client", tmp_path / "client.cc", package, compiler=os.environ.get("CXX", "c++"))
    reads_the_greeting(installed(desk, tmp_path / "client", package), server)


def test_seed000_greeting_client_builds_through_find_package(desk, server, prefix, tmp_path):
    (tmp_path / "client.c").write_text(CLIENT)
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_C_COMPILER={CC}",
        f"-DCMAKE_C_FLAGS={' '.join(SANITIZE)}")
    run("cmake", "--build", tmp_path / "build")
    for library in "hawser", "hawser_static":
        reads_the_greeting(desk.run(tmp_path / "build" / f"client_{library}"), server)


def test_every_example_compiles_against_the_installed_library(package, tmp_path):
    flags = pkg_config(package, "--cflags", "--libs")
    for source in sorted((SOURCE / "examples").glob("*.c")):
        run(CC, source, "-o", tmp_path / source.stem, *flags, *SANITIZE)


def test_the_installed_library_has_the_version_of_its_header(package, tmp_path):
    (tmp_path / "version.c").write_text('#include <hawser.h>\n#include <stdio.h>\n'
                                        'int main(void) { printf("%s %s", hawser_version(), HAWSER_VERSION); return 0; }\n')
    compile_shared(tmp_path / "version", tmp_path / "version.c", package)
    linked, header = run(tmp_path / "version", LD_LIBRARY_PATH=str(package.parent)).split()
    assert linked == header == pkg_config(package, "--modversion")[0]


def test_destdir_moves_every_file_and_a_program_compiles_unchanged_from_there(desk, tmp_path):
    run("cmake", "--install", BUILD, DESTDIR=str(tmp_path / "stage"))
    names = {path.name for path in (tmp_path / "stage").rglob("*") if path.is_file()}
    assert {"hawser.h", "sock.h", "libhawser.a", "libhawser.so.0", "hawser", "hawser-config.cmake"} <= names
    (found,) = (tmp_path / "stage").rglob("hawser.pc")
    assert str(tmp_path) not in found.read_text()
    compile_shared(tmp_path / "server", SOURCE / "examples/01_greeting_server.c", found.parent)
    installed(desk, tmp_path / "server", found.parent).says("socket is listening")

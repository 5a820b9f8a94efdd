# SPDX-License-Identifier: MIT
"""tools/check-layers: the sources pass, and every kind of fault planted in a copy of them is found at its line."""
import shutil
import subprocess

import pytest

from house import SOURCE


def check(root):
    return subprocess.run([SOURCE / "tools/check-layers", root], capture_output=True, text=True, timeout=60)


@pytest.fixture
def house(tmp_path):
    """A small house of our own that keeps every rule; the faults are planted in it."""
    shutil.copytree(SOURCE / "include", tmp_path / "include")
    for folder in ("base", "net", "stream", "tls", "proto", "cli"):
        (tmp_path / "src" / folder).mkdir(parents=True)
    shutil.copy(SOURCE / "src/LAYERS", tmp_path / "src/LAYERS")
    (tmp_path / "src/base/own.h").write_text("int hawser__own(void);\n")
    (tmp_path / "src/net/above.h").write_text("int hawser__above(void);\n")
    (tmp_path / "src/proto/url.h").write_text("int url(void);\n")
    (tmp_path / "src/net/good.c").write_text(
        '#include "base/own.h"\n#include "above.h"\n#include <hawser.h>\n#include <net/if.h>\n#include <openssl.h>\n'
        '/* socket() and malloc() are only spoken of */\n'
        'static const char text[] = "free(x); /* \\" close(3)";\n'
        "static int f(struct ops *ops) { return ops->close(1) + table.send(2) + hawser__sys_close(3) + snprintf(a, 1, b); }\n")
    (tmp_path / "src/cli/good.c").write_text(
        '#include <hawser.h>\n#include "proto/url.h"\nint main(void) { free(malloc(1)); printf("x"); return 0; }\n')
    return tmp_path


def test_the_sources_keep_to_their_layers():
    result = check(SOURCE)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("layers: ")


def test_a_house_without_faults_passes(house):
    result = check(house)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("path, line, reason", [
    ("base/bad.c", '#include "net/above.h"', "net lies above base"),
    ("net/bad.c", '#  include  "stream/file.h"', "stream lies above net"),
    ("net/bad.h", "#include <stream/file.h>", None),
    ("net/bad.c", '#include "cli/main.h"', "cli lies above net"),
    ("cli/bad.c", '#include "net/above.h"', "cli uses the public headers"),
    ("cli/bad.c", '#include "base/own.h"', "cli uses the public headers"),
    ("proto/bad.c", '#include "net/above.h"', "proto uses the public headers"),
    ("proto/bad.c", '#include "cli/main.h"', "cli lies above proto"),
    ("net/bad.c", "#include <openssl/ssl.h>", "OpenSSL is for tls alone"),
    ("cli/bad.c", "#include <openssl/ssl.h>", "OpenSSL is for tls alone"),
    ("net/bad.c", "#include <hawser/nothing.h>", "there is no public header"),
    ("net/bad.c", '#include "../base/own.h"', "name the folder instead of .."),
    ("net/bad.c", '#include "own.h"', "there is no own.h in this folder"),
    ("net/bad.c", '#include "attic/own.h"', "attic is not in src/LAYERS"),
    ("net/bad.c", "int fd = socket(1, 2, 3);", "calls socket: system calls are made in src/base"),
    ("net/bad.c", "/* x */ poll (fds, 1, 0);", "calls poll: system calls are made in src/base"),
    ("stream/bad.c", "getaddrinfo(a, b, c, d);", "calls getaddrinfo: system calls"),
    ("net/bad.c", 'x = "a" + malloc(3);', "calls malloc: memory comes from src/base"),
    ("net/bad.c", "free(x);", "calls free: memory comes from src/base"),
    ("base/bad.c", 'printf("x");', "calls printf: the library neither prints nor ends its process"),
    ("net/bad.c", "abort();", "calls abort: the library neither prints nor ends its process"),
    ("base/bad.c", "strcpy(a, b);", "calls strcpy"),
    ("cli/bad.c", 'sprintf(a, "%d", 1);', "calls sprintf"),
    ("cli/bad.c", "int port = atoi(text);", "calls atoi"),
    ("proto/bad.c", "strtok(a, b);", "calls strtok"),
    ("cli/bad.c", "strcat(a, b); gets(c);", "calls gets"),
])
def test_a_planted_fault_is_found_at_its_line(house, path, line, reason):
    if reason is None:  # an internal header in angle brackets is no way around the rule
        (house / "src/stream/file.h").write_text("int x;\n")
        reason = "stream lies above net"
    (house / "src" / path).write_text("/* two lines\n * of a comment */\n" + line + "\n")
    result = check(house)
    assert result.returncode == 1
    assert f"src/{path}:3: " in result.stderr
    assert reason in result.stderr


@pytest.mark.parametrize("call", ["socket(1, 2, 3)", "malloc(1)", "close(3)"])
def test_base_may_make_system_calls_and_allocate(house, call):
    (house / "src/base/sys.c").write_text(f"int x(void) {{ return {call}; }}\n")
    assert check(house).returncode == 0


def test_a_folder_that_is_no_layer_is_a_fault(house):
    (house / "src/attic").mkdir()
    (house / "src/attic/old.c").write_text("int x;\n")
    result = check(house)
    assert result.returncode == 1
    assert "src/attic/old.c:1: the folder attic is not in src/LAYERS" in result.stderr


def test_a_public_header_includes_no_internal_one(house):
    with (house / "include/hawser/sock.h").open("a") as header:
        header.write('#include "base/own.h"\n')
    result = check(house)
    assert result.returncode == 1
    assert "include/hawser/sock.h:" in result.stderr
    assert "a public header includes public and system headers only" in result.stderr


def test_an_empty_tree_is_no_success(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src/LAYERS").write_text("base  the bottom\n")
    assert check(tmp_path).returncode == 1

# SPDX-License-Identifier: MIT
"""The public names agree everywhere: headers, version script, shared library, doc comments, man pages."""
import os
import re
import subprocess

import pytest

from house import BUILD, CC, HEADERS, MAN, SOURCE, UMBRELLA
from house import declared, exported, manual_names, public_functions, without_comments

CXX = os.environ.get("CXX", "g++")
LONGEST_HEADER = 250


def test_the_version_script_lists_every_declared_function_once_and_no_other():
    listed = exported()
    assert len(listed) == len(set(listed))
    assert sorted(listed) == sorted(public_functions())


def test_the_shared_library_exports_exactly_the_listed_functions():
    library = BUILD / "lib/libhawser.so"
    output = subprocess.run(["nm", "--dynamic", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    symbols = [line.split() for line in output.splitlines()]
    names = sorted(symbol[2].split("@")[0] for symbol in symbols if symbol[1] != "A")
    assert names == sorted(exported())
    versions = {symbol[2].partition("@@")[2] for symbol in symbols if symbol[1] != "A"}
    assert versions == {"HAWSER_0.1"}


def test_no_function_is_declared_in_two_headers():
    everywhere = [name for header in HEADERS for name in declared(header)]
    assert len(everywhere) == len(set(everywhere))


def undocumented(header):
    """Declarations that neither have a comment directly above them nor follow, without a blank line, one that has."""
    lines = header.read_text().split("\n")
    bare = without_comments("\n".join(lines)).split("\n")
    above = False  # whether the line above ends a comment or a documented declaration
    for number, line in enumerate(lines):
        code = bare[number].strip()
        if not line.strip() or line.startswith("#"):
            above = False
        elif not code:
            above = True
        else:
            function = re.search(r"\b(hawser_\w+)\s*\(", code)
            if function and not above:
                yield function[1]


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header.name)
def test_every_declaration_has_a_doc_comment(header):
    assert list(undocumented(header)) == []


def test_a_declaration_without_a_doc_comment_is_seen(tmp_path):
    header = tmp_path / "planted.h"
    header.write_text("/* Explained. */\nint hawser_a(void);\nint hawser_b(void);\n\nint hawser_c(void);\n"
                      "#define X 1\nint hawser_d(void);\n")
    assert list(undocumented(header)) == ["hawser_c", "hawser_d"]


def test_every_function_is_named_by_exactly_one_man_page():
    pages = {}
    for page in sorted(MAN.glob("*.3")):
        for name in manual_names(page):
            pages.setdefault(name, []).append(page.name)
    topics = {page.stem for page in MAN.glob("*.3")}
    functions = public_functions()
    assert sorted(functions.keys() - pages.keys()) == [], "no man page names these"
    assert sorted(pages.keys() - functions.keys() - topics) == [], "man pages name these, which do not exist"
    assert {name: at for name, at in pages.items() if len(at) > 1} == {}


def test_every_header_has_its_man_page_with_its_functions():
    """Except that a function which a page is named after is on that page (hawser_listen), and the version with the world."""
    pages = {page.stem: manual_names(page) for page in MAN.glob("*.3")}
    for header in HEADERS:
        page = "hawser_world" if header.name == "common.h" else f"hawser_{header.stem}"
        for name in declared(header):
            assert name in pages[name if name in pages else page], f"{name} is not in {page}.3"


@pytest.mark.parametrize("header", [UMBRELLA, *HEADERS], ids=lambda header: header.name)
@pytest.mark.parametrize("language", ["c99", "c11", "c++11"])
def test_each_header_compiles_alone(header, language, tmp_path):
    compiler, suffix = (CXX, "cc") if "+" in language else (CC, "c")
    program = tmp_path / f"alone.{suffix}"
    name = header.relative_to(SOURCE / "include")
    program.write_text(f"#include <{name}>\n#include <{name}>\nint main(void) {{ return 0; }}\n")
    strict = [f"-std={language}", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    result = subprocess.run([compiler, *strict, f"-I{SOURCE / 'include'}", program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("header", [UMBRELLA, *HEADERS], ids=lambda header: header.name)
def test_no_header_is_long(header):
    assert len(header.read_text().splitlines()) <= LONGEST_HEADER


@pytest.mark.parametrize("header", [UMBRELLA, *HEADERS], ids=lambda header: header.name)
def test_headers_bring_no_names_but_their_own(header):
    code = without_comments(header.read_text())
    macros = re.findall(r"^\s*#\s*define\s+(\w+)", code, flags=re.M)
    assert [name for name in macros if not name.startswith("HAWSER_")] == []
    bodies = re.findall(r"\benum\b[^{;]*\{([^}]*)\}", code)
    enumerators = [name for body in bodies for name in re.findall(r"\b[A-Za-z_]\w*", body)]
    assert [name for name in enumerators if not name.startswith("HAWSER_")] == []
    types = re.findall(r"^typedef struct (\w+)", code, flags=re.M) + re.findall(r"^\}\s*(\w+);", code, flags=re.M)
    assert [name for name in types if not name.startswith("hawser_")] == []


def test_the_umbrella_includes_every_header():
    included = re.findall(r"#include <hawser/(\w+\.h)>", UMBRELLA.read_text())
    assert sorted(included) == sorted(header.name for header in HEADERS)


def test_the_version_is_the_same_in_header_build_and_changelog():
    header = (SOURCE / "include/hawser/common.h").read_text()
    version = re.search(r'#define HAWSER_VERSION "([\d.]+)"', header)[1]
    parts = [re.search(rf"#define HAWSER_VERSION_{part} (\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH")]
    assert ".".join(parts) == version
    assert f"project(hawser VERSION {version} " in (SOURCE / "CMakeLists.txt").read_text()
    assert re.search(rf"^## {re.escape(version)}\b", (SOURCE / "CHANGELOG.md").read_text(), flags=re.M)

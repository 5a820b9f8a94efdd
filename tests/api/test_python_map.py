# SPDX-License-Identifier: MIT
"""docs/python-map.md names everything that Python's socket module has, and what it says is in C is there.

Python's names are asked from the machine's Python when the test runs. Three kinds of rows: `socket.NAME` (the module),
`sock.NAME` (socket.socket) and `file.NAME` (what makefile gives). Constants stand in blocks of their own, grouped by the header
they are in.
"""
import re
import subprocess

import pytest

from house import CC, HEADERS, SOURCE, flags, public_functions
from libc import needs_gnu_libc

PAGE = (SOURCE / "docs/python-map.md").read_text()
ASK = """
import io, socket
def public(thing): return [name for name in dir(thing) if not name.startswith('_')]
files = [io.BufferedReader, io.BufferedWriter, io.BufferedRWPair, io.TextIOWrapper, socket.SocketIO]
special = [name for name, value in vars(socket.socket).items() if name.startswith('__') and callable(value)]
print(*('socket.' + name for name in public(socket)))
print(*('sock.' + name for name in public(socket.socket) + special))
print(*('file.' + name for name in sorted({name for kind in files for name in public(kind)})))
"""
CONSTANT = re.compile(r"socket\.([A-Z][A-Z0-9]*_\w+|SOMAXCONN)")


def ask_python(program):
    return subprocess.run(["/usr/bin/python3", "-c", program], check=True, capture_output=True, text=True, timeout=60).stdout


def python_names():
    return ask_python(ASK).split()


def rows():
    """The rows of the tables: the Python names of the first cell, the other cells as they are."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        names = re.findall(r"`((?:socket|sock|file)\.\w+)`", cells[0]) if cells else []
        if names:
            yield names, cells[1], cells[2]


def constant_groups():
    """The blocks of constants as (heading, names)."""
    groups = []
    for block in re.findall(r"^```constants\n(.*?)^```", PAGE, flags=re.M | re.S):
        for line in block.splitlines():
            if line.startswith("    "):
                groups[-1][1].extend(line.split())
            else:
                groups.append((line, []))
    return groups


def c_name(heading, name):
    prefix = re.search(r"without (\w+) in front", heading)
    return name.removeprefix(prefix[1]) if prefix else name


def compile_and_run(tmp_path, source):
    program = tmp_path / "program"
    program.with_suffix(".c").write_text(source)
    command = [CC, "-std=gnu11", f"-I{SOURCE / 'include'}", *flags(), "-o", program, program.with_suffix(".c")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return subprocess.run([program], check=True, capture_output=True, text=True, timeout=60).stdout


def test_every_name_of_python_has_one_row():
    mapped = [name for names, _, _ in rows() for name in names]
    mapped += [f"socket.{name}" for _, names in constant_groups() for name in names]
    assert [name for name in python_names() if name not in mapped] == []
    assert sorted({name for name in mapped if mapped.count(name) > 1}) == []


def test_python_has_as_many_names_as_expected():
    """Guards the question itself: a Python that answered little would make the test above pass."""
    names = python_names()
    assert len([name for name in names if CONSTANT.fullmatch(name)]) > 300
    assert {"socket.create_connection", "sock.recv_into", "sock.__exit__", "file.readinto1"} <= set(names)


def test_every_row_says_where_it_is_in_c_or_why_it_is_not():
    for names, target, note in rows():
        if target == "none":
            assert len(note.split()) >= 2, f"{names}: no reason given"
        else:
            assert re.search(r"`hawser_\w+`|`HAWSER_\w+`|libc `\w+`", target), names


def test_every_hawser_name_of_the_page_exists():
    functions = public_functions()
    code = "".join(header.read_text() for header in HEADERS)
    for name in set(re.findall(r"\b(?:hawser|HAWSER)_\w+", PAGE)):
        if name in functions:
            continue
        assert re.search(rf"^typedef struct {name} |^\}} {name};|^#define {name}\b|^\s+{name}[,\s]", code, flags=re.M), name
    for names, target, _ in rows():  # a function of Python's is a function here
        if not names[0].startswith("socket.") or names[0][len("socket."):][0].islower():
            for name in re.findall(r"`(hawser_\w+)`", target):
                assert name in functions or name in ("hawser_sock", "hawser_file"), f"{names}: {name}"


def test_every_public_function_is_on_the_page():
    assert [name for name in public_functions() if f"`{name}`" not in PAGE] == []


def test_what_the_page_calls_libc_is_in_libc(tmp_path):
    wanted = [found for _, target, _ in rows() for found in re.findall(r"libc `(\w+)`(?: `(<[^`]+>)`)?", target)]
    assert len(wanted) > 15
    includes = "".join(f"#include {header}\n" for header in sorted({header for _, header in wanted if header}))
    names = sorted({name for name, _ in wanted})
    uses = "".join(f"#ifndef {name}\nvoid *use_{name} = (void *){name};\n#endif\n" for name in names)
    compile_and_run(tmp_path, f"#include <hawser.h>\n{includes}{uses}int main(void) {{ return 0; }}\n")


LIBC_GROUPS = [group for group in constant_groups() if group[0].startswith("libc ")]


@needs_gnu_libc("the page has the constants of the GNU library's headers")
@pytest.mark.parametrize("heading, names", LIBC_GROUPS, ids=[heading for heading, _ in LIBC_GROUPS])
def test_each_constant_is_in_its_header_with_the_number_that_python_has(heading, names, tmp_path):
    headers = ["<hawser.h>", *re.findall(r"<[\w/.]+>", heading), "<stdio.h>"]
    values = "".join(f'    printf("%lld\\n", (long long)({c_name(heading, name)}));\n' for name in names)
    source = "#define _GNU_SOURCE\n" if "_GNU_SOURCE" in heading else ""
    source += "".join(f"#include {header}\n" for header in headers) + f"int main(void) {{\n{values}}}\n"
    ours = [int(number) for number in compile_and_run(tmp_path, source).split()]
    question = f"import socket\nfor name in {names!r}: print(getattr(socket, name, None))"
    theirs = [None if answer == "None" else int(answer) for answer in ask_python(question).split()]
    assert len(ours) == len(theirs) == len(names) > 0
    wide = 1 << 32  # C's -1 and Python's 0xffffffff are the same 32 bits
    differ = [row for row in zip(names, ours, theirs) if row[2] is not None and (row[1] - row[2]) % wide]
    assert differ == []


def test_every_group_of_constants_has_a_header_or_a_reason():
    header = r"libc <[\w/.]+>( <[\w/.]+>| with _GNU_SOURCE|, there without \w+ in front)?:"
    for heading, names in constant_groups():
        assert names, heading
        assert re.fullmatch(header + "|none, .{20,}:", heading), heading

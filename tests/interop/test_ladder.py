# SPDX-License-Identifier: MIT
"""The examples as a whole: each is on the ladder of examples/README.md, short, on the public header only, and run by a test;
and the table of README.md here names a test for every row of the tutorials."""
import re

import pytest

from desk import EXAMPLES, HERE, SOURCE

SOURCES = sorted((SOURCE / "examples").glob("*.c"))
NAMES = [source.stem for source in SOURCES]
TESTS = {path: path.read_text() for folder in ("interop", "stories") for path in (HERE.parent / folder).glob("test_*.py")}


def test_the_ladder_names_every_example_in_order():
    ladder = re.findall(r"`(\d\d_\w+)`", (SOURCE / "examples/README.md").read_text())
    first_mentions = [name for name in dict.fromkeys(ladder)]
    assert first_mentions == NAMES


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_an_example_is_short_and_opens_with_what_it_shows(source):
    lines = source.read_text().splitlines()
    assert len(lines) <= 70 and max(map(len, lines)) <= 128
    assert "telnet" in lines[0] or "Try it:" in "\n".join(lines[:12])


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_an_example_needs_the_public_header_and_libc_only(source):
    text = source.read_text()
    assert set(re.findall(r"#include (\S+)", text)) <= {
        "<hawser.h>", "<ctype.h>", "<fcntl.h>", "<pthread.h>", "<signal.h>", "<stdio.h>", "<stdlib.h>", "<string.h>", "<unistd.h>"}
    assert "hawser__" not in text


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_built_and_run_by_a_test_here(name):
    assert (EXAMPLES / name).is_file()
    assert any(f'"{name}"' in text for path, text in TESTS.items() if path.parent == HERE and path.name != "test_ladder.py")


def test_the_table_of_the_tutorials_names_tests_that_exist():
    defined = set(re.findall(r"^def (test_\w+)", "\n".join(TESTS.values()), re.M))
    named = set(re.findall(r"`(test_\w+)`", (HERE / "README.md").read_text()))
    assert named <= defined, named - defined


def test_the_table_of_the_tutorials_has_a_test_in_every_row_that_is_named_after_one():
    rows = [row for row in (HERE / "README.md").read_text().splitlines() if re.match(r"\| 00\d", row)]
    assert {seed for row in rows for seed in re.findall(r"00\d", row.split(":")[0])} == {f"00{n}" for n in range(5)}
    for row in rows:
        seeds = re.findall(r"00\d", row.split(":")[0])
        assert any(f"`test_seed{seed}_" in row for seed in seeds), row

# SPDX-License-Identifier: MIT
"""tools/audit measures, and names what is over the budget."""
import shutil
import subprocess

import pytest

from house import SOURCE

needs_ctags = pytest.mark.skipif(not shutil.which("ctags"), reason="functions are measured with universal-ctags")


@pytest.fixture
def report(tmp_path):
    """The report about a tree with one file of 401 lines, one of 400, a function of 61 and one of 60."""
    for folder in ("src/base", "include", "examples", "tests"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "src/base/long.c").write_text("int x;\n" * 401)
    (tmp_path / "src/base/fits.c").write_text("int y;\n" * 400)
    over = "int sixty_one(void) {\n" + "    ;\n" * 58 + "    return 1;\n}\n\n"
    fits = "int sixty(void) {\n" + "    ;\n" * 57 + "    return 1;\n}\n"
    (tmp_path / "src/base/functions.c").write_text(over + fits)
    return subprocess.run([SOURCE / "tools/audit", tmp_path], check=True, capture_output=True, text=True, timeout=60).stdout


def test_a_file_over_the_budget_is_named(report):
    assert "  src/base/long.c: 401\n" in report
    assert "fits.c" not in report


@needs_ctags
def test_a_function_over_the_budget_is_named(report):
    assert report.endswith("functions over 60 lines:\n  src/base/functions.c:1: sixty_one, 61\n")


@needs_ctags
def test_median_and_percentile_are_of_functions(report):
    assert "  src, all     2, lines 121, median 60, p90 61, max 61\n" in report


def test_the_sources_are_within_the_budget():
    output = subprocess.run([SOURCE / "tools/audit", SOURCE], check=True, capture_output=True, text=True, timeout=60).stdout
    over = output.split("files over 400 lines:\n")[1].split("functions")[0].split()
    assert [entry for entry in over if entry.startswith("src/")] == []

# SPDX-License-Identifier: MIT
"""What the checks of the documents share: where things are, and the public names as the headers declare them."""
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))   # what all folders of tests share

SOURCE = Path(os.environ.get("HAWSER_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("HAWSER_BUILD", SOURCE / "build/check"))
CC = os.environ.get("CC", "cc")
HEADERS = sorted((SOURCE / "include/hawser").glob("*.h"))
UMBRELLA = SOURCE / "include/hawser.h"
MAN = SOURCE / "docs/man"


def without_comments(text):
    """TEXT with every comment blanked, line for line."""
    return re.sub(r"/\*.*?\*/", lambda comment: re.sub(r"[^\n]", " ", comment[0]), text, flags=re.S)


def declared(header):
    """The functions that HEADER declares, in its order."""
    code = without_comments(header.read_text())
    code = re.sub(r"^[ \t]*#[^\n]*(\\\n[^\n]*)*", "", code, flags=re.M)
    return list(dict.fromkeys(re.findall(r"\b(hawser_\w+)\s*\(", code)))


def public_functions():
    """Every public function, by name, with the header it stands in."""
    return {name: header for header in HEADERS for name in declared(header)}


def exported():
    """The functions of the shared library's version script, in its order."""
    text = without_comments((SOURCE / "src/exports.map").read_text())
    return re.findall(r"\b(hawser_\w+);", text)


def manual_names(page):
    """The names in the NAME section of a man page."""
    section = page.read_text().split(".Sh NAME\n", 1)[1].split("\n.Sh ", 1)[0]
    return [name for line in section.splitlines() if line.startswith(".Nm") for name in re.findall(r"\bhawser\w*", line)]


def flags():
    """What a program of the tests is compiled with beyond its own flags, so that it links with a sanitized library."""
    sanitize = os.environ.get("HAWSER_SANITIZE")
    return [f"-fsanitize={sanitize}"] if sanitize else []

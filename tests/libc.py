# SPDX-License-Identifier: MIT
"""Where the C library that Hawser was built with decides, and not Hawser: a test that needs the GNU C library says why.

    @needs_gnu_libc("musl asks a name server whatever nsswitch.conf says")
    def test_...
"""
import functools
import os
import subprocess

import pytest

CC = os.environ.get("CC", "cc")


@functools.cache
def is_gnu():
    """Whether CC compiles for the GNU C library."""
    command = [CC, "-E", "-dM", "-include", "stdlib.h", "-x", "c", "/dev/null"]
    return "#define __GLIBC__ " in subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout


def needs_gnu_libc(why):
    return pytest.mark.skipif(not is_gnu(), reason=why)

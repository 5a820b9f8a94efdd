# SPDX-License-Identifier: MIT
"""One seed, one trace: the same bytes from the library and a program, compiled by gcc, by clang, and by gcc with the address
sanitizer."""
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

SOURCE = Path(os.environ["HAWSER_SOURCE"])
SEEDS = [str(seed) for seed in range(1, 41)]
LEFT_OUT = ("switch_ucontext.c", "switch_sigjmp.c", "engines_poll.c", "engines_uring.c", "libc_other.c")
COMPILERS = {"gcc": ["gcc", "-O2"], "clang": ["clang", "-O1", "-w"], "asan": ["gcc", "-O1", "-fsanitize=address,undefined"]}

ONCE = not os.environ.get("HAWSER_SANITIZE") and os.environ.get("HAWSER_SWITCH") == "asm"


def sources():
    folders = "base fiber sched engine net world sim stream server".split()
    for folder in folders:
        for file in sorted((SOURCE / "src" / folder).glob("*.c")):
            if file.name not in LEFT_OUT and "uring" not in file.name:
                yield file
    machine = os.uname().machine
    yield SOURCE / f"src/fiber/switch_{machine}.S"


def build(folder, name):
    program = folder / name
    flags = ["-std=gnu11", "-D_GNU_SOURCE", f"-I{SOURCE}/include", f"-I{SOURCE}/src", '-DHAWSER_VERSION="0"']
    made = subprocess.run([*COMPILERS[name], *flags, SOURCE / "tests/simulation/weather.c", *sources(), "-o", program,
                           "-pthread", "-lm"], capture_output=True, text=True, timeout=250)
    assert made.returncode == 0, made.stderr[-2000:]
    return subprocess.run([program, *SEEDS], check=True, capture_output=True, timeout=100).stdout


@pytest.mark.skipif(not ONCE, reason="it builds all that it needs itself, for this processor: once is enough")
def test_one_seed_gives_one_trace_whatever_compiled_it(tmp_path):
    for command in COMPILERS.values():
        assert shutil.which(command[0]), f"{command[0]} is missing: tools/deps check"
    with ThreadPoolExecutor(len(COMPILERS)) as pool:
        traces = dict(zip(COMPILERS, pool.map(lambda name: build(tmp_path, name), COMPILERS)))
    lines = {name: trace.splitlines() for name, trace in traces.items()}
    print(f"{len(SEEDS)} worlds, {len(lines['gcc'])} lines")
    assert len(lines["gcc"]) > 50 * len(SEEDS)
    for name in ("clang", "asan"):
        different = [pair for pair in zip(lines["gcc"], lines[name]) if pair[0] != pair[1]]
        assert not different, f"gcc and {name} differ first in {different[0]}"
        assert traces["gcc"] == traces[name]

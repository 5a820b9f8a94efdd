#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds the library to absolute figures: what a fiber, a switch, a wake-up, an idle connection may cost on today's machines.

usage: bench/accept.py --build DIR

Each figure is the best of three: what others do on the machine can only make it worse. The exit status is 1 when one is above
its bound. bench/run.py measures ratios, which is the sharper look.
"""
import argparse
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCE / "bench/harness"))

from machine import CPUS, SERVER_CPU, raise_files  # noqa: E402
from processes import Failure, parse, run_program  # noqa: E402
from programs import Programs  # noqa: E402
from rows import IdleRow  # noqa: E402

TIMES = 3
# program, its arguments, and the bound of each figure
BOUNDS = [
    ("switch", (), {"switch": (5, "ns")}),
    ("start_end", (), {"start_end": (40, "ns")}),
    ("channel", (), {"handoff": (20, "ns")}),
    ("wake", (), {"wake_call_awake": (450, "ns")}),
    ("numeric", (), {"numeric_getaddrinfo_asks": (0, "")}),
    ("parked", (100000,), {"parked_resident": (4400, "B")}),
]
START_MS = 5
IDLE_BYTES = 4400
IDLE_CONNECTIONS = 5000


def micro_figures(programs, program, arguments):
    """{figure: best value} of one program."""
    best = {}
    for _ in range(TIMES):
        for line in run_program(programs.micro(program, *arguments), CPUS if program == "wake" else (SERVER_CPU,)).splitlines():
            name, value, _unit = line.split(maxsplit=2)
            best[name] = min(float(value), best.get(name, float("inf")))
    return best


def start_up(programs):
    found = run_program([programs.build / "load", "start", "times=10", "--", *programs.ours("hello", 0)], CPUS)
    return parse(found)["best"]


def idle(programs):
    return min(IdleRow.measure(programs, programs.ours("echo"), IDLE_CONNECTIONS)[0] for _ in range(TIMES))


def figures(programs):
    """(figure, value, bound, unit), one after the other as they are measured; the value is a Failure when there is none."""
    for program, arguments, bounds in BOUNDS:
        try:
            best = micro_figures(programs, program, arguments)
        except Failure as failure:
            best = dict.fromkeys(bounds, failure)
        yield from ((name, best[name], bound, unit) for name, (bound, unit) in bounds.items())
    for name, measure, bound, unit in (("start_up", start_up, START_MS, "ms"), ("idle_connection", idle, IDLE_BYTES, "B")):
        try:
            yield name, measure(programs), bound, unit
        except Failure as failure:
            yield name, failure, bound, unit


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    programs = Programs(parser.parse_args().build.resolve(), SOURCE)
    raise_files()
    missed = 0
    for name, value, bound, unit in figures(programs):
        broken = isinstance(value, Failure)
        accepted = not broken and value <= bound
        missed += not accepted
        shown = f"failed: {value}" if broken else f"{value:.4g} {unit}"
        print(f"{'ok  ' if accepted else 'MISS'} {name}: {shown} (at most {bound} {unit})".replace(" )", ")"), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

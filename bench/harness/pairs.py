# SPDX-License-Identifier: MIT
"""Measuring two programs against each other: interleaved pairs, disturbed ones dropped, ratios of CPU time per request."""
import statistics
from dataclasses import dataclass, field

from machine import Disturbance, wait_until_quiet
from processes import Server, run_load


@dataclass
class Run:
    cpu_per_request: float   # seconds
    rate: float              # requests a second
    foreign: float           # share of one CPU that others took


@dataclass
class Comparison:
    """What came of the pairs: figures of the program, and its ratios to the reference."""
    runs: list = field(default_factory=list)
    references: list = field(default_factory=list)
    disturbed: int = 0

    @property
    def ratios(self):
        return [run.cpu_per_request / reference.cpu_per_request for run, reference in zip(self.runs, self.references)]

    def median(self, of):
        return statistics.median(of(run) for run in self.runs)


def one_run(build, command, mode, settings):
    """A fresh server, warmed and measured."""
    with Server(command) as server, Disturbance() as disturbance:
        disturbance.forgive(server.pid)
        found = run_load(build, mode, {"port": server.port, "server": server.pid, **settings})
    if not found["requests"]:
        return Run(float("inf"), 0.0, disturbance.foreign)
    return Run(found["server_cpu"] / found["requests"], found["requests"] / found["seconds"], disturbance.foreign)


def compare(build, reference, command, mode, settings, pairs, bound, patience):
    """PAIRS undisturbed pairs, the order turned round each time; gives up after three times as many. A disturbed one is
    followed by a quiet moment, if that comes within PATIENCE seconds."""
    result = Comparison()
    for attempt in range(3 * pairs):
        order = (reference, command) if attempt % 2 == 0 else (command, reference)
        first, second = (one_run(build, program, mode, settings) for program in order)
        if max(first.foreign, second.foreign) > bound:
            result.disturbed += 1
            wait_until_quiet(bound, patience)
            continue
        result.references.append(first if attempt % 2 == 0 else second)
        result.runs.append(second if attempt % 2 == 0 else first)
        if len(result.runs) == pairs:
            break
    return result

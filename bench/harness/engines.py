# SPDX-License-Identifier: MIT
"""One engine beside another: the same program of ours, the same work, at several numbers of connections."""
import statistics
from dataclasses import dataclass

from pairs import compare
from processes import Failure
from report import Section
from rows import spread


def on(engine, command):
    """COMMAND with its workers on ENGINE; env(1) makes way for it, so the process is the program's."""
    return ["/usr/bin/env", f"HAWSER_ENGINE={engine}", *command]


@dataclass
class EnginesRow:
    """CPU per request on OTHER, and its ratio to that on FIRST."""
    name: str
    title: str
    first: str
    other: str
    works: list   # (label, mode of the load, settings, command, numbers of connections (0: it has no say), unit, factor)
    prepare: object = None

    def needs(self):
        return [command[0] for _, _, _, command, *_ in self.works]

    def run(self, programs, plan):
        if self.prepare:
            self.prepare()
        section = Section(f"`{self.name}`: {self.title}",
                          ("work", "connections", self.first, self.other, f"{self.other} / {self.first}", "pairs", "disturbed"))
        for work in self.works:
            self.measure_work(programs, plan, section, *work)
        section.notes.append("no goal: whoever chooses an engine looks at the line of his own work")
        return section

    def measure_work(self, programs, plan, section, label, mode, settings, command, numbers, unit, factor):
        for connections in sorted({min(number, plan.most) for number in numbers}):
            where = {} if connections == 0 else {"connections": connections}
            try:
                result = self.measure(programs, plan, mode, {**settings, **where}, command)
            except Failure as failure:
                section.notes.append(f"{label}, {connections}: failed: {failure}")
                section.failed = True
                continue
            section.lines.append(self.line(label, connections or "-", result, unit, factor))

    def measure(self, programs, plan, mode, settings, command):
        times = 2 if settings.get("connections", 1) >= 10000 else 1
        settings = {"seconds": times * plan.seconds, "warm": times * plan.warm, **settings}
        return compare(programs.build, on(self.first, command), on(self.other, command), mode, settings, plan.pairs, plan.foreign,
                       plan.patience)

    @staticmethod
    def line(label, connections, result, unit, factor):
        if not result.runs:
            return label, connections, "-", "-", "all pairs were disturbed", 0, result.disturbed
        times = [statistics.median(run.cpu_per_request for run in runs) * factor for runs in (result.references, result.runs)]
        return (label, f"{connections:,}" if isinstance(connections, int) else connections,
                *(f"{time:.3g} {unit}" for time in times), spread(result.ratios), len(result.runs), result.disturbed)

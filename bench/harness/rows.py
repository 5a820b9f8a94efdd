# SPDX-License-Identifier: MIT
"""The rows: each kind of measurement is a class whose run() gives a Section of the report."""
import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from machine import CPUS, LOAD_CPU, SERVER_CPU, Disturbance, wait_until_quiet
from pairs import compare
from processes import Failure, Holder, Server, parse, run_load, run_program
from report import TOLERANCE, Section, Verdict, at_least, at_most, ratio_at_most


@dataclass
class Plan:
    """How much is measured."""
    pairs: int = 5
    peer_pairs: int = 3
    seconds: float = 1.0
    warm: float = 0.3
    foreign: float = 0.06    # share of a CPU that others may take
    patience: float = 5.0    # seconds to wait for a quiet moment after a disturbed pair
    most: int = 10000        # connections
    parked: int = 1000000
    quick: bool = False


def spread(values, form="{:.2f}"):
    """Median (least – most)."""
    if not values:
        return "-"
    return f"{form} ({form} – {form})".format(statistics.median(values), min(values), max(values))


def settle(server):
    """Waits until the server has been still for a while."""
    before = -1.0
    for _ in range(100):
        now = server.cpu()
        if now == before:
            return
        before = now
        time.sleep(0.05)


def rest(server):
    """Waits until the server gives no memory back any more: what was free for two periods of a second goes back to the system."""
    settle(server)
    least, since = server.memory(), 0
    for _ in range(40):
        time.sleep(0.25)
        now = server.memory()
        least, since = (now, 0) if now < least else (least, since + 1)
        if since == 12:
            return


@dataclass
class PairRow:
    """CPU per request against the reference, ours and the peers."""
    name: str
    title: str
    goal: float
    mode: str
    settings: dict
    reference: list
    ours: list               # (label, command); the goal is the first one's
    peers: tuple = ((), ())  # here, missing
    cheaper: tuple = ()      # peers that the first of ours has to beat by FACTOR
    factor: float = 3.0
    unit: tuple = ("request", "requests", 1e6, "µs")
    prepare: object = None   # called before the first run

    def needs(self):
        """The programs that have to be built for this."""
        return [self.reference[0], *(command[0] for _, command in self.ours)]

    def run(self, programs, plan):
        if self.prepare:
            self.prepare()
        connections = min(self.settings.get("connections", 50), plan.most)
        settings = {"seconds": plan.seconds, "warm": plan.warm, **self.settings, "connections": connections}
        if connections >= 10000:  # a round takes long
            settings.update(seconds=2 * plan.seconds, warm=2 * plan.warm)
        one, many, *_ = self.unit
        section = Section(f"`{self.name}`: {self.title}",
                          ("server", f"CPU a {one}", f"{many}/s", "ratio", "pairs", "disturbed"))
        wanted = plan.peer_pairs and (not plan.quick or self.name == "echo64-50")
        here, missing = self.peers if wanted else ((), ())
        results = {}
        for labels, pairs in ((self.ours, plan.pairs), (here, plan.peer_pairs)):
            for label, command in labels:
                self.measure(programs, section, results, label, command, settings, pairs, plan.foreign, plan.patience)
        section.lines.sort(key=lambda line: line[0] != "reference")
        section.notes += [f"{label}: {reason}" for label, reason in missing]
        section.verdicts = self.verdicts(results)
        return section

    def measure(self, programs, section, results, label, command, settings, *how):
        try:
            result = compare(programs.build, self.reference, command, self.mode, settings, *how)
        except Failure as failure:
            section.notes.append(f"{label}: failed: {failure}")
            section.failed = True
            return
        if not result.runs:
            section.notes.append(f"{label}: all {result.disturbed} pairs were disturbed: the machine is not quiet")
            return
        results[label] = result
        if not section.lines:
            section.lines.append(self.line("reference", result.references, "1", "", ""))
        section.lines.append(self.line(label, result.runs, spread(result.ratios), len(result.runs), result.disturbed))

    def line(self, label, runs, ratio, pairs, disturbed):
        *_, factor, unit = self.unit
        cpu = statistics.median(run.cpu_per_request for run in runs) * factor
        rate = statistics.median(run.rate for run in runs)
        return label, f"{cpu:.3g} {unit}", f"{rate:,.0f}", ratio, pairs, disturbed

    def verdicts(self, results):
        first = results.get(self.ours[0][0])
        if not first:
            return [Verdict(self.title, f"≤ {self.goal:.2f}", "-", "not measured")]
        median = statistics.median(first.ratios)
        verdicts = [ratio_at_most(self.title, median, spread(first.ratios), self.goal)]
        times = {peer: statistics.median(results[peer].ratios) / median for peer in self.cheaper if peer in results}
        if times:
            text = ", ".join(f"{peer} {factor:.1f}" for peer, factor in times.items())
            verdicts.append(at_least(f"{self.title}: times cheaper than answering line by line", min(times.values()),
                                     self.factor, text, TOLERANCE))
        return verdicts


@dataclass
class IdleRow:
    """Resident bytes of each connection that has said one message and is held, less the server without any."""
    name: str
    title: str
    goal: int
    servers: list            # (label, command, counts for the goal)
    peers: tuple = ((), ())
    connections: int = 10000

    def needs(self):
        return [command[0] for _, command, _ in self.servers]

    def run(self, programs, plan):
        connections = min(self.connections, plan.most)
        section = Section(f"`{self.name}`: {self.title}",
                          ("server", "resident a connection", "page tables a connection", "empty server"))
        here, missing = self.peers if plan.peer_pairs and not plan.quick else ((), ())
        for label, command, counts in [*self.servers, *((label, command, False) for label, command in here)]:
            try:
                resident, tables, empty = self.measure(programs, command, connections)
            except Failure as failure:
                section.notes.append(f"{label}: failed: {failure}")
                section.failed = True
                continue
            section.lines.append((label, f"{resident:,.0f} B", f"{tables:,.0f} B", f"{empty / 1e6:.1f} MB"))
            if counts:
                section.verdicts.append(at_most(f"{self.title}: {label}", resident, self.goal, " B"))
        section.notes += [f"{label}: {reason}" for label, reason in missing]
        section.notes.append(f"{connections:,} connections; all of them answered once more afterwards")
        return section

    @staticmethod
    def measure(programs, command, connections):
        with Server(command) as server:
            settle(server)
            empty, tables = server.memory()
            with Holder(programs.build, {"port": server.port, "connections": connections}):
                rest(server)
                full, full_tables = server.memory()
        return (full - empty) / connections, (full_tables - tables) / connections, empty


@dataclass
class MicroRow:
    """Programs that print their figures themselves, run several times."""
    name: str
    title: str
    programs: list           # (program, goals by figure's name)
    cpus: tuple = (SERVER_CPU,)
    times: int = 5
    arguments: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)

    def needs(self):
        return [Path("micro", program) for program, _ in self.programs]

    def run(self, programs, plan):
        section = Section(f"`{self.name}`: {self.title}", ("figure", "median (least – most)", "unit"), notes=list(self.notes))
        for program, goals in self.programs:
            try:
                figures = self.measure(programs, program, plan)
            except Failure as failure:
                section.notes.append(f"{program}: failed: {failure}")
                section.failed = True
                continue
            for (figure, unit), values in figures.items():
                section.lines.append((figure, spread(values, "{:,.4g}" if max(values) < 10000 else "{:,.0f}"), unit))
                if figure in goals:
                    section.verdicts.append(at_most(figure, statistics.median(values), goals[figure], f" {unit}"))
        return section

    def measure(self, programs, program, plan):
        figures = {}
        for _ in range(1 if plan.quick else self.times):
            command = programs.micro(program, *self.arguments.get(program, lambda _: ())(plan))
            for line in run_program(command, self.cpus).splitlines():
                name, value, unit = line.split(maxsplit=2)
                figures.setdefault((name, unit), []).append(float(value))
        return figures


@dataclass
class StartRow:
    """From nothing to the first greeting heard."""
    name: str
    title: str
    goal: float
    servers: list            # (label, command, counts for the goal)

    def needs(self):
        return [command[0] for _, command, _ in self.servers]

    def run(self, programs, plan):
        section = Section(f"`{self.name}`: {self.title}", ("program", "median", "best", "times"))
        for label, command, counts in self.servers:
            try:
                times = 5 if plan.quick else 50
                output = run_program([programs.build / "load", "start", f"times={times}", "--", *command], CPUS)
            except Failure as failure:
                section.notes.append(f"{label}: failed: {failure}")
                section.failed = True
                continue
            found = parse(output)
            section.lines.append((label, f"{found['median']:.2f} ms", f"{found['best']:.2f} ms", times))
            if counts:
                section.verdicts.append(at_most(f"{self.title}: {label}", found["median"], self.goal, " ms"))
        return section


@dataclass
class WorkersRow:
    """Requests a second with two workers over those with one; server and load may use all CPUs."""
    name: str
    title: str
    goal: float
    command: object          # of the number of workers
    connections: int = 50

    def needs(self):
        return [self.command(1)[0]]

    def run(self, programs, plan):
        section = Section(f"`{self.name}`: {self.title}", ("workers", "requests/s"))
        if len(CPUS) < 2:
            section.notes.append("there is one CPU only")
            return section
        rates, disturbed = {1: [], 2: []}, 0
        try:
            for _ in range(3 * plan.pairs):
                pair = {workers: self.measure(programs, plan, workers) for workers in (1, 2)}
                if max(foreign for _, foreign in pair.values()) > plan.foreign:
                    disturbed += 1
                    wait_until_quiet(plan.foreign, plan.patience)
                    continue
                for workers, (rate, _) in pair.items():
                    rates[workers].append(rate)
                if len(rates[1]) == plan.pairs:
                    break
        except Failure as failure:
            section.notes.append(f"failed: {failure}")
            section.failed = True
        if not rates[1]:
            section.verdicts.append(Verdict(self.title, f"≥ {self.goal}", "-", "not measured"))
            return section
        section.lines = [(workers, spread(values, "{:,.0f}")) for workers, values in rates.items()]
        ratios = [two / one for one, two in zip(*rates.values())]
        section.notes.append(f"times as many: {spread(ratios)}; {disturbed} pairs disturbed")
        section.verdicts.append(at_least(self.title, statistics.median(ratios), self.goal, spread(ratios), TOLERANCE))
        return section

    def measure(self, programs, plan, workers):
        with Server(self.command(workers), CPUS) as server, Disturbance() as disturbance:
            disturbance.forgive(server.pid)
            settings = {"port": server.port, "server": server.pid, "connections": self.connections, "seconds": plan.seconds,
                        "warm": plan.warm}
            found = run_load(programs.build, "echo", settings, CPUS)
        return found["requests"] / found["seconds"], disturbance.foreign


@dataclass
class BalanceRow:
    """How evenly connections are spread over two workers."""
    name: str
    title: str
    goal: float              # the most that a worker's share may lie off the even one
    command: list
    connections: int = 1000

    def needs(self):
        return [self.command[0]]

    def run(self, programs, plan):
        section = Section(f"`{self.name}`: {self.title}", ("worker", "connections"))
        try:
            with Server(self.command, CPUS) as server:
                found = run_load(programs.build, "census", {"port": server.port, "connections": self.connections})
        except Failure as failure:
            section.notes.append(f"failed: {failure}")
            section.failed = True
            return section
        counts = {name: int(count) for name, count in found.items() if name.startswith("worker")}
        section.lines = list(counts.items())
        even = self.connections / 2
        off = max(abs(counts.get(f"worker{worker}", 0) - even) / even for worker in (1, 2))
        word = "met" if off <= self.goal else "missed"
        section.verdicts.append(Verdict(self.title, f"within {self.goal:.0%}", f"{off:.1%} off", word))
        return section


@dataclass
class AbsentRow:
    """A row of performance.md that nothing can be measured for yet."""
    name: str
    title: str
    goal: str
    reason: str

    def needs(self):
        return []

    def run(self, _programs, _plan):
        section = Section(f"`{self.name}`: {self.title}", notes=[self.reason])
        section.verdicts.append(Verdict(self.title, self.goal, "-", "not measured"))
        return section


def make_file(path, size=1 << 26):
    """The file that is sent: bytes without a pattern."""
    if not path.exists() or path.stat().st_size != size:
        path.write_bytes(os.urandom(size))

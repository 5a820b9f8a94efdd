#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures ours against the reference programs and the peers, and writes the tables of docs/performance.md.

usage: bench/run.py --build DIR [--rows "NAME ..."] [--pairs N] [--quick] ...

--build is the build folder's bench/, where the programs are. A row is chosen by its name or the beginning of several: "echo64-"
stands for echo64-50, echo64-1000 and echo64-10000. The exit status is 1 when something could not be run; a goal that is missed
is no failure of the measurement.
"""
import argparse
import signal
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCE / "bench/harness"))

from engines import EnginesRow  # noqa: E402
from machine import CPUS, describe, raise_files  # noqa: E402
from programs import Programs  # noqa: E402
from report import render  # noqa: E402
from rows import (AbsentRow, BalanceRow, IdleRow, MicroRow, PairRow, Plan, StartRow, WorkersRow, make_file)  # noqa: E402

LINE_BY_LINE = ("libuv", "libevent, a write a line", "Go")
TOO_MANY_THREADS = {"python_threads": "10,000 threads are no way to serve"}


def echo_rows(programs):
    for connections, goal in ((50, 1.00), (1000, 1.02), (10000, 1.02)):
        without = TOO_MANY_THREADS if connections >= 10000 else {}
        yield PairRow(f"echo64-{connections}", f"echo of 64 B, {connections:,} connections", goal, "echo",
                      {"connections": connections, "size": 64}, programs.reference("echo"),
                      [("Hawser", programs.ours("echo")), ("Hawser, borrowing", programs.ours("echo_borrow"))],
                      programs.peers("echo", without=without))
    yield PairRow("echo64k", "echo of 64 KiB, 50 connections", 1.03, "echo", {"connections": 50, "size": 65536},
                  programs.reference("echo"),
                  [("Hawser, borrowing", programs.ours("echo_borrow")), ("Hawser, own buffers", programs.ours("echo_large"))],
                  programs.peers("echo", "65536"))


def engines_row(programs):
    many, file = (1, 50, 1000, 10000), programs.build / "file.bin"
    return EnginesRow("engines", "io_uring beside epoll", "epoll", "uring", [
        ("echo of 64 B", "echo", {"size": 64}, programs.ours("echo"), many, "µs", 1e6),
        ("echo of 64 B, borrowing", "echo", {"size": 64}, programs.ours("echo_borrow"), many, "µs", 1e6),
        ("echo of 64 KiB", "echo", {"size": 65536}, programs.ours("echo_borrow"), many, "µs", 1e6),
        ("churn", "churn", {"size": 64}, programs.ours("churn"), many, "µs", 1e6),
        ("datagrams of 64 B", "datagrams", {"depth": 64, "size": 64}, programs.ours("datagrams"), (0,), "µs", 1e6),
        ("file of 64 MiB", "download", {"file": file}, programs.ours("file", file), (0,), "ms", 1e3),
    ], prepare=lambda: make_file(file))


def rows(programs):
    """All tables of performance.md, in its order; before them the reference against itself, which is the noise."""
    yield PairRow("self", "the reference against itself: the noise of this run", 1.00, "echo", {"connections": 50, "size": 64},
                  programs.reference("echo"), [("reference again", programs.reference("echo"))])
    yield from echo_rows(programs)
    for depth in (16, 64):
        yield PairRow(f"lines-{depth}", f"lines, {depth} in flight on each of 50 connections", 1.15, "lines",
                      {"connections": 50, "depth": depth}, programs.reference("lines"), [("Hawser", programs.ours("lines"))],
                      programs.peers("lines"), LINE_BY_LINE, unit=("batch", "batches", 1e6, "µs"))
    yield PairRow("churn", "connect, 64 B, close, 50 at a time", 1.05, "churn", {"connections": 50, "size": 64},
                  programs.reference("churn"),
                  [("Hawser", programs.ours("churn")), ("Hawser, hawser_server", programs.ours("churn_server"))],
                  programs.peers("churn"),
                  unit=("connection", "connections", 1e6, "µs"))
    yield PairRow("udp", "datagrams of 64 B, 64 in flight", 1.00, "datagrams", {"depth": 64, "size": 64},
                  programs.reference("datagrams"), [("Hawser", programs.ours("datagrams"))],
                  unit=("datagram", "datagrams", 1e6, "µs"))
    yield PairRow("udp-bulk", "bulk datagrams of 1,200 B with GSO and GRO, against a batch of single ones", 0.33, "datagrams",
                  {"depth": 160, "size": 1200, "segments": 40}, programs.reference("datagrams"),
                  [("Hawser, segmentation", programs.ours("datagrams", 1, 1)), ("Hawser", programs.ours("datagrams"))],
                  unit=("datagram", "datagrams", 1e6, "µs"))
    file = programs.build / "file.bin"
    yield PairRow("file", "a file of 64 MiB over TCP", 1.03, "download", {"file": file}, programs.reference("file", file),
                  [("Hawser", programs.ours("file", file))], unit=("file", "files", 1e3, "ms"),
                  prepare=lambda: make_file(file))
    yield AbsentRow("tls", "TLS, handshake and bulk", "≤ 1.03", "there is no TLS yet")
    yield IdleRow("idle", "memory of an idle connection", 4400,
                  [("reference", programs.reference("echo"), False), ("Hawser", programs.ours("echo"), True),
                   ("Hawser, borrowing", programs.ours("echo_borrow"), True)],
                  programs.peers("echo", without=TOO_MANY_THREADS))
    yield IdleRow("idle-keep", "memory of an idle connection between messages, with hawser_keep", 250,
                  [("reference", programs.reference("echo"), False), ("Hawser", programs.ours("kept"), True)])
    yield MicroRow("micro", "inside a worker",
                   [("switch", {"switch": 5}), ("start_end", {"start_end": 40}), ("channel", {"handoff": 20}), ("yield", {}),
                    ("mutex", {}), ("pair", {}), ("lines", {}), ("sleep", {})])
    yield MicroRow("wake", "a wake-up across workers", [("wake", {"wake_call_awake": 450})], cpus=tuple(CPUS),
                   notes=["wake_call is with the other worker asleep: all but wake_call_added of it is what a bare write to the "
                          "eventfd of a sleeping thread costs"])
    yield MicroRow("getaddrinfo", "look-up of a numeric host", [("numeric", {"numeric_getaddrinfo_asks": 0})])
    yield MicroRow("parked", "fibers parked in sleep", [("parked", {})], times=1,
                   arguments={"parked": lambda plan: (plan.parked,)})
    yield WorkersRow("workers", "two workers, 200 µs of computing a request", 1.9,
                     lambda workers: programs.ours("compute", workers, 200))
    yield BalanceRow("balance", "1,000 connections over two workers", 0.10, programs.ours("census", 2))
    yield engines_row(programs)
    yield StartRow("start", "start-up to the first greeting", 5.0,
                   [("reference", programs.reference("hello"), False), ("Hawser", programs.ours("hello", 0), True)])


def read_command_line():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--rows", default="", help="names or their beginnings; all unless given")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--peer-pairs", type=int, default=3, help="0: without the peers")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each run's window")
    parser.add_argument("--foreign", type=float, default=0.06, help="share of a CPU above which a pair counts as disturbed")
    parser.add_argument("--patience", type=float, default=5.0, help="seconds to wait for a quiet moment after such a pair")
    parser.add_argument("--quick", action="store_true", help="one short pair of each, to see that nothing is broken")
    parser.add_argument("--report", type=Path, help="where the tables go as well")
    parser.add_argument("--list", action="store_true", help="only print the names of the rows")
    return parser.parse_args()


def choose(known, names):
    """The rows with one of the NAMES, or, where no row is called so, those whose names begin with it. All without any."""
    whole = {row.name for row in known}
    return [row for row in known
            if not names or row.name in names or any(row.name.startswith(name) for name in names if name not in whole)]


def make_plan(options):
    if options.quick:
        return Plan(pairs=1, peer_pairs=1, seconds=0.2, warm=0.1, foreign=float("inf"), most=500, parked=10000, quick=True)
    return Plan(pairs=options.pairs, peer_pairs=options.peer_pairs, seconds=options.seconds, foreign=options.foreign,
                patience=options.patience)


def fit_files(plan):
    """Fewer connections where the limit of descriptors does not suffice; says so."""
    files = raise_files()
    room = files - 64
    if room >= plan.most:
        return []
    plan.most = room
    return [f"the hard limit of descriptors is {files}: at most {room} connections instead of 10,000 (ulimit -Hn)"]


def main():
    options = read_command_line()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the children are ended
    programs, plan = Programs(options.build.resolve(), SOURCE), make_plan(options)
    chosen = choose(list(rows(programs)), options.rows.split())
    if options.list or not chosen:
        print(*(row.name for row in rows(programs)), sep="\n")
        return 0 if options.list else 2
    remarks, machine, sections = fit_files(plan), list(describe(SOURCE)), []
    if plan.quick:
        remarks.append("one short pair of each, with fewer connections: that nothing is broken, and nothing about speed")
    if len(CPUS) < 2:
        remarks.append("there is one CPU: server and load share it")
    for row in chosen:
        print(f"{row.name}: {row.title} ...", file=sys.stderr, flush=True)
        sections.append(row.run(programs, plan))
    text = "\n".join(render(sections, machine, remarks)) + "\n"
    print(text)
    if options.report:
        options.report.write_text(text)
    return 1 if any(section.failed for section in sections) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

# SPDX-License-Identifier: MIT
"""The benchmarks can be trusted: the load generator notices every wrong answer, and the driver judges as its documents say."""
import importlib.util
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from house import CC, SOURCE
from libc import is_gnu

sys.path.insert(0, str(SOURCE / "bench/harness"))
import machine  # noqa: E402
import pairs  # noqa: E402
import report  # noqa: E402
from programs import Programs  # noqa: E402

TIMED_OUT = "Connection timed out" if is_gnu() else "Operation timed out"   # strerror(ETIMEDOUT)


@pytest.fixture(scope="session")
def load(tmp_path_factory):
    program = tmp_path_factory.mktemp("bench") / "load"
    sources = [*(SOURCE / "bench/load").glob("*.c"), SOURCE / "bench/support/support.c"]
    command = [CC, "-std=gnu11", "-D_GNU_SOURCE", "-O1", f"-I{SOURCE / 'bench/support'}", *sources, "-o", program]
    subprocess.run(command, check=True, timeout=120)
    return program


class Echo:
    """A server that echoes, except for one piece of what it receives: that goes through SPOIL, which gives what is sent
    instead, or None for hanging up."""

    def __init__(self, spoil, number=40):
        self.spoil, self.left = spoil, number
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            try:
                while data := client.recv(65536):
                    with self.lock:
                        self.left -= 1
                        spoilt = self.left == 0
                    data = self.spoil(data) if spoilt else data
                    if data is None:
                        return
                    client.sendall(data)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def run(load, mode, server, **settings):
    settings = {"port": server.port, "connections": 5, "seconds": 0.3, "warm": 0, **settings}
    command = [load, mode, *(f"{name}={value}" for name, value in settings.items())]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_an_honest_echo_is_counted(load):
    with Echo(lambda data: data) as server:
        result = run(load, "echo", server)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout.split()[0].removeprefix("requests=")) > 0


@pytest.mark.parametrize("spoil, sentence", [
    (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "a reply is wrong"),
    (lambda data: data[1::-1] + data[2:], "a reply is wrong"),
    (lambda data: data + b"x", "the server says more than it was asked"),
    (lambda data: None, "receive: Connection reset by peer"),
], ids=["last bit flipped", "two bytes swapped", "a byte too much", "hung up"])
def test_one_spoilt_answer_ends_the_measurement(load, spoil, sentence):
    with Echo(spoil) as server:
        result = run(load, "echo", server, seconds=20)   # it ends long before
    assert (result.returncode, result.stdout, result.stderr) == (1, "", f"load: {sentence}\n")


@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: b""], ids=["a byte missing", "no answer"])
def test_an_answer_that_does_not_come_ends_the_measurement(load, spoil):
    with Echo(spoil, number=8) as server:   # one of those that are asked for however short the measurement is
        result = run(load, "echo", server, patience=0.5)
    assert (result.returncode, result.stdout, result.stderr) == (1, "", f"load: wait for the server: {TIMED_OUT}\n")


def test_a_connection_that_is_held_and_lost_is_noticed(load):
    with Echo(lambda data: None, number=8) as server:   # five say their first message, the third of the second round is lost
        command = [load, "hold", f"port={server.port}", "connections=5"]
        result = subprocess.run(command, input="\n", capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (1, "holding=5\n")
    assert result.stderr == "load: receive: Connection reset by peer\n"


def test_more_connections_than_descriptors_are_refused_in_words(load):
    command = ["sh", "-c", f"ulimit -n 64; exec {load} echo port=1 connections=100"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (
        1, "load: more connections than descriptors: raise the hard limit (ulimit -Hn)\n")


def test_a_ratio_meets_its_goal_within_the_tolerance():
    assert report.ratio_at_most("x", 1.05, "", 1.00).word == "met"
    assert report.ratio_at_most("x", 1.06, "", 1.00).word == "missed"
    assert report.at_most("x", 4400, 4400).word == "met"
    assert report.at_most("x", 4401, 4400).word == "missed"
    assert report.at_least("x", 2.94, 3, "", report.TOLERANCE).word == "missed"


@pytest.fixture
def scripted(monkeypatch):
    """compare() on runs that are given: (command, CPU per request, foreign share), in the order they are asked for."""
    def compare(runs, wanted, bound=0.06):
        script = iter(runs)

        def one_run(_build, command, _mode, _settings):
            expected, cpu, foreign = next(script)
            assert command == expected
            return pairs.Run(cpu, 1.0, foreign)
        monkeypatch.setattr(pairs, "one_run", one_run)
        monkeypatch.setattr(pairs, "wait_until_quiet", lambda *_: None)
        return pairs.compare("build", "A", "B", "echo", {}, wanted, bound, 0)
    return compare


def test_the_order_in_a_pair_is_turned_round_each_time(scripted):
    result = scripted([("A", 2.0, 0), ("B", 3.0, 0), ("B", 5.0, 0), ("A", 4.0, 0)], 2)
    assert result.ratios == [1.5, 1.25]


def test_a_disturbed_pair_is_dropped_counted_and_made_up_for(scripted):
    result = scripted([("A", 2.0, 0), ("B", 9.0, 0.07), ("B", 3.0, 0), ("A", 2.0, 0.06)], 1)
    assert (result.ratios, result.disturbed) == ([1.5], 1)


def test_a_machine_that_is_never_quiet_gives_no_figure(scripted):
    result = scripted([(command, 1.0, 0.5) for command in "AB" "BA" "AB"], 1)
    assert (result.ratios, result.disturbed) == ([], 3)


@pytest.fixture
def clocks(monkeypatch):
    """The clocks before and after: on the wall, stolen from all CPUs, and those of other processes by their ids."""
    def set_clocks(*readings):
        script = iter(readings)
        monkeypatch.setattr(machine.Disturbance, "_now", staticmethod(lambda: next(script)))
    return set_clocks


def test_what_others_took_is_foreign_whether_they_were_there_before_or_not(clocks):
    clocks((0.0, 0.0, {7: 1.0, 8: 3.0}), (2.0, 0.0, {7: 1.25, 8: 9.0, 9: 0.25}))
    with machine.Disturbance() as disturbance:
        disturbance.forgive(8)
    assert disturbance.foreign == pytest.approx(0.25)


def test_what_the_host_took_is_foreign(clocks):
    clocks((0.0, 5.0, {}), (2.0, 5.5, {}))
    with machine.Disturbance() as disturbance:
        pass
    assert disturbance.foreign == pytest.approx(0.25)


def test_a_process_that_computes_beside_us_is_seen():
    child = subprocess.Popen(["sh", "-c", "while :; do :; done"])
    try:
        foreign, end = 0.0, time.monotonic() + 20
        while foreign < 0.3 and time.monotonic() < end:
            with machine.Disturbance() as disturbance:
                begin = machine.process_clock(child.pid)
                while machine.process_clock(child.pid) - begin < 0.2 and time.monotonic() < end:
                    pass
            foreign = disturbance.foreign
        assert foreign >= 0.3
    finally:
        child.kill()
        child.wait()


def test_the_clock_of_another_process_is_finer_than_ticks():
    child = subprocess.Popen(["sh", "-c", "while :; do :; done"])
    try:
        readings = set()
        end = time.monotonic() + 10
        while len(readings) < 20 and time.monotonic() < end:
            readings.add(machine.process_clock(child.pid))
    finally:
        child.kill()
        child.wait()
    steps = sorted(readings)
    assert len(steps) == 20
    assert steps[1] - steps[0] < 0.01, "these are ticks"


def test_each_row_has_a_name_of_its_own(tmp_path):
    command = ["/usr/bin/python3", SOURCE / "bench/run.py", "--list", "--build", tmp_path]
    names = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split()
    assert len(names) == len(set(names)) > 15
    assert list(tmp_path.iterdir()) == [], "listing makes nothing"


def test_every_program_of_a_row_has_its_source(tmp_path):
    spec = importlib.util.spec_from_file_location("run", SOURCE / "bench/run.py")
    run_py = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run_py)
    for row in run_py.rows(Programs(tmp_path, SOURCE)):
        for program in row.needs():
            folder, name = Path(program).parts[-2:]
            assert (SOURCE / "bench" / folder / f"{name}.c").exists(), (row.name, program)

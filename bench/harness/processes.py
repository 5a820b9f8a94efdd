# SPDX-License-Identifier: MIT
"""The children: servers, the load generator, micro-benchmarks. Each is pinned, bounded in time, and ended by its own id; the
kernel ends it too if the driver dies first."""
import ctypes
import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path

from machine import LOAD_CPU, SERVER_CPU, process_clock

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
START_PATIENCE = 20


class Failure(Exception):
    """A child did not do what it should: the row cannot be measured, and the program says why."""


def child_setup(cpus):
    """For preexec_fn: pins the child to CPUS and ties its life to ours."""
    def setup():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.sched_setaffinity(0, cpus)
    return setup


def launch(command, cpus, **streams):
    command = [str(part) for part in command]
    try:
        return subprocess.Popen(command, preexec_fn=child_setup(set(cpus)), **streams)
    except FileNotFoundError:
        raise Failure(f"{command[0]} is not built") from None


class Server:
    """A server program, from its start until the end of the with block."""

    def __init__(self, command, cpus=(SERVER_CPU,)):
        self.command, self.cpus = command, cpus

    def __enter__(self):
        self.process = launch(self.command, self.cpus, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        try:
            self.port = self._read_port()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def _read_port(self):
        ready, _, _ = select.select([self.process.stdout], [], [], START_PATIENCE)
        line = self.process.stdout.readline().decode() if ready else ""
        match = re.fullmatch(r"port (\d+)\n", line)
        if not match:
            raise Failure(f"{Path(self.command[0]).name} does not say its port")
        return int(match[1])

    def cpu(self):
        return process_clock(self.pid)

    def memory(self):
        """Resident bytes, and bytes of page tables. smaps_rollup walks the pages; VmRSS lags behind."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        status = Path(f"/proc/{self.pid}/status").read_text()
        return tuple(1024 * int(re.search(pattern, text, flags=re.M)[1])
                     for pattern, text in ((r"^Rss:\s+(\d+)", rollup), (r"^VmPTE:\s+(\d+)", status)))


def parse(text):
    """{"requests": 5.0, ...} from "requests=5 ..."."""
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", text)}


def arguments(settings):
    return [f"{name}={value}" for name, value in settings.items()]


def run_load(build, mode, settings, cpus=(LOAD_CPU,)):
    """What the load generator found: a dictionary of its figures."""
    return parse(run_program([build / "load", mode, *arguments(settings)], cpus))


def run_program(command, cpus, patience=300):
    """The output of COMMAND, run to its end."""
    process = launch(command, cpus, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        output, errors = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        raise Failure(f"{Path(command[0]).name}: no end after {patience} s") from None
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        raise Failure(errors.strip() or f"{Path(command[0]).name} ended with status {process.returncode}")
    return output


class Holder:
    """A load generator that holds connections open inside the with block. At its end all of them are tried once more."""

    def __init__(self, build, settings):
        self.command = [build / "load", "hold", *arguments(settings)]

    def __enter__(self):
        self.process = launch(self.command, (LOAD_CPU,), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True)
        if not self.process.stdout.readline().startswith("holding="):
            errors = self.process.stderr.read().strip()
            self._end()
            raise Failure(errors or "load: holds nothing")
        time.sleep(0.2)  # the last answers go out before the last handlers wait again
        return self

    def __exit__(self, kind, *_):
        if kind:
            self._end()
            return
        try:
            output, errors = self.process.communicate("\n", timeout=60)
        except subprocess.TimeoutExpired:
            output, errors = "", "load: the connections held do not answer any more"
        self._end()
        if not output.startswith("alive="):
            raise Failure(errors.strip() or "load: held connections were lost")

    def _end(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

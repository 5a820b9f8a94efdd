# SPDX-License-Identifier: MIT
"""The machine: its CPUs, how busy others keep it, and what it is, for the head of the report."""
import os
import platform
import resource
import subprocess
import time
from pathlib import Path

CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, LOAD_CPU = CPUS[0], CPUS[-1]
TICK = os.sysconf("SC_CLK_TCK")


def process_clock(pid):
    """CPU seconds of process PID with all its threads, to the nanosecond: clock_getcpuclockid(3), which Python lacks."""
    return time.clock_gettime((~pid << 3) | 2)


class Disturbance:
    """What others took of our CPUs between enter and exit, as a share of the time: 1 is one CPU for all of it.

    The idle time that the kernel counts is exact to a tick; all that is neither idle nor ours is foreign, and so is what the
    host took from this machine. Ours is what add() was told, and the driver's own time.
    """

    def __enter__(self):
        self.ours = 0.0
        self.begin = self._now()
        return self

    def add(self, cpu_seconds):
        self.ours += cpu_seconds

    def __exit__(self, *_):
        wall, idle, stolen, own = (end - begin for end, begin in zip(self._now(), self.begin))
        busy = wall * len(CPUS) - idle
        self.foreign = max(0.0, busy - self.ours - own, stolen) / wall

    @staticmethod
    def _now():
        idle = stolen = 0
        for line in Path("/proc/stat").read_text().splitlines():
            fields = line.split()
            if fields[0].startswith("cpu") and fields[0][3:].isdigit() and int(fields[0][3:]) in CPUS:
                idle += int(fields[4]) + int(fields[5])
                stolen += int(fields[8])
        return time.monotonic(), idle / TICK, stolen / TICK, time.process_time()


def wait_until_quiet(bound, patience):
    """Waits until others take no more than BOUND of a CPU, at most PATIENCE seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        with Disturbance() as disturbance:
            time.sleep(0.25)
        if disturbance.foreign <= bound:
            return


def raise_files():
    """Lifts the soft limit of descriptors to the hard one, which is the result."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.splitlines()[0].strip()
    except (OSError, subprocess.SubprocessError, IndexError):
        return None


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def describe(source):
    """(name, value) pairs: what a figure cannot be read without."""
    versions = {"libuv": ("pkg-config", "--modversion", "libuv"), "libevent": ("pkg-config", "--modversion", "libevent"),
                "GLib": ("pkg-config", "--modversion", "gio-2.0"), "Go": ("go", "version"),
                "Python": ("/usr/bin/python3", "--version")}
    yield "date", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    yield "commit", first_line("git", "-C", source, "describe", "--always", "--dirty") or "unknown"
    yield "CPU", f"{cpu_model()}, {len(CPUS)} used: server on {SERVER_CPU}, load on {LOAD_CPU}"
    yield "kernel", f"{platform.system()} {platform.release()}"
    yield "compiler", f"{first_line('cc', '--version')}, -O2"
    yield "peers", "; ".join(f"{name} {first_line(*command) or '-'}" for name, command in versions.items())
    yield "load before", " ".join(Path("/proc/loadavg").read_text().split()[:3])

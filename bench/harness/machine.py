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
KERNEL_THREAD = 0x00200000   # PF_KTHREAD


def process_clock(pid):
    """CPU seconds of process PID with all its threads, to the nanosecond: clock_getcpuclockid(3), which Python lacks."""
    return time.clock_gettime((~pid << 3) | 2)


def ticks_of(pid):
    """(CPU seconds of process PID and of the children it has waited for, whether it is one of the kernel's threads)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICK, int(fields[6]) & KERNEL_THREAD


def processes():
    """{pid: CPU seconds} of all processes but this one; the kernel's own threads, which work for others, are left out."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                seconds, kernel = ticks_of(entry.name)
            except (OSError, ValueError):
                continue   # it has just ended
            if not kernel:
                found[int(entry.name)] = seconds
    return found


class Disturbance:
    """What others took of our CPUs between enter and exit, as a share of the time: 1 is one CPU for all of it.

    Others are processes that were not left out by forgive(), on whichever CPU, and the host, which may take time from this
    machine. The kernel's own threads are not counted: what they do in these measurements (softirq, RCU) is mostly caused by them.
    """

    def __enter__(self):
        self.ours = set()
        self.begin = self._now()
        return self

    def forgive(self, pid):
        self.ours.add(pid)

    def __exit__(self, *_):
        wall, stolen, others = self._now()
        before = self.begin[2]
        taken = sum(seconds - before.get(pid, 0.0) for pid, seconds in others.items() if pid not in self.ours)
        self.foreign = max(taken, stolen - self.begin[1]) / (wall - self.begin[0])

    @staticmethod
    def _now():
        stolen = 0
        for line in Path("/proc/stat").read_text().splitlines():
            fields = line.split()
            if fields[0].startswith("cpu") and fields[0][3:].isdigit() and int(fields[0][3:]) in CPUS:
                stolen += int(fields[8])
        return time.monotonic(), stolen / TICK, processes()


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

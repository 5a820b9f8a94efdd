# SPDX-License-Identifier: MIT
"""What every story needs: the command, servers that tell their port, and peers that behave as badly as the story wants.

Everything waits for a condition, at most TIMEOUT seconds, and everything started is ended with its test.
"""
import contextlib
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from namespace import Namespace  # noqa: E402 (the path comes first)

SOURCE = Path(os.environ.get("HAWSER_SOURCE", HERE.parents[1]))
BUILD = Path(os.environ.get("HAWSER_BUILD", SOURCE / "build/check"))
HAWSER = str(BUILD / "bin/hawser")
PYTHON = "/usr/bin/python3"
TIMEOUT = 20
THANKS = b"Thank you for connecting"
WELCOME = b"Welcome to the server. Type something and hit enter\n"
DNS = {"nsswitch.conf": "hosts: files dns\nservices: files\n", "resolv.conf": "nameserver 127.0.0.1\n"}


signal.signal(signal.SIGINT, signal.default_int_handler)   # what is started from here must not inherit that it is ignored


def hawser(*args, data=b"", machine=None, **more):
    """Runs the command to its end, in MACHINE if given. The result has bytes in stdout and text in stderr."""
    argv = [HAWSER, *map(str, args)]
    source = {"input": data} if "stdin" not in more else {}
    done = subprocess.run(machine.command(*argv) if machine else argv, stderr=subprocess.PIPE, timeout=TIMEOUT,
                          **{"stdout": subprocess.PIPE, **source, **more})
    done.stderr = done.stderr.decode(errors="backslashreplace")
    return done


class Started:
    """A running command whose lines on standard error are read as they come. The text before their end is kept in LINES."""

    def __init__(self, *args, machine=None, **more):
        argv = [HAWSER, *map(str, args)]
        self.process = subprocess.Popen(machine.command(*argv) if machine else argv, stderr=subprocess.PIPE,
                                        **{"stdin": subprocess.DEVNULL, **more})
        self.lines, self._changed, self._ended = [], threading.Condition(), False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self._changed:
                self.lines.append(line.decode().rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def says(self, pattern):
        """Waits for a line that contains PATTERN; the match."""
        def found():
            return next((m for m in (re.search(pattern, line) for line in self.lines) if m), None)
        with self._changed:
            self._changed.wait_for(lambda: found() or self._ended, TIMEOUT)
            match = found()
        assert match, f"no line with {pattern!r} in {self.lines}"
        return match

    def count(self, pattern):
        with self._changed:
            return sum(1 for line in self.lines if re.search(pattern, line))

    def ends(self, status=0, sent=None):
        """Sends the signal SENT, if any, and waits for the end with STATUS. The text on standard error."""
        if sent is not None:
            self.process.send_signal(sent)
        result = self.process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)
        assert result == status, f"ended with {result}: {self.lines}"
        return "\n".join(self.lines)

    def stop(self):
        return self.ends(sent=signal.SIGINT)

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(TIMEOUT)
        for pipe in self.process.stdin, self.process.stdout, self.process.stderr:
            if pipe:
                pipe.close()


class Served(Started):
    """A server. PORT is where it listens."""

    def __init__(self, *args, **more):
        super().__init__("serve", *args, **more)
        line = self.says("^listening on ").string
        port = re.search(r":(\d+)(?=[ ,]|$)", line)
        self.port = int(port[1]) if port else None

    def call(self, host="127.0.0.1"):
        return socket.create_connection((host, self.port), TIMEOUT)


@pytest.fixture
def start():
    """Starts the command with the arguments given; ended with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **more: stack.enter_context(contextlib.closing(Started(*args, **more)))


@pytest.fixture
def serve():
    """Starts `hawser serve` with the arguments given and waits until it listens; ended with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **more: stack.enter_context(contextlib.closing(Served(*args, **more)))


@pytest.fixture
def peer():
    """A listener on a free port of 127.0.0.1, and a thread that does with the first connection what the story wants:
    peer(act) gives the port; what ACT(connection) returns or raises is the story's at peer.result()."""
    class Peer:
        def __call__(self, act):
            self._listener = socket.create_server(("127.0.0.1", 0))
            self._listener.settimeout(TIMEOUT)
            self._thread = threading.Thread(target=self._run, args=(act,), daemon=True)
            self._thread.start()
            return self._listener.getsockname()[1]

        def _run(self, act):
            try:
                connection = self._listener.accept()[0]
                connection.settimeout(TIMEOUT)
                with connection:
                    self._outcome = act(connection), None
            except BaseException as error:
                self._outcome = None, error

        def result(self):
            self._thread.join(TIMEOUT)
            assert not self._thread.is_alive(), "the peer does not end"
            value, error = self._outcome
            if error:
                raise error
            return value

    made = Peer()
    yield made
    if hasattr(made, "_listener"):
        made._listener.close()


@pytest.fixture
def silent_resolver():
    """A machine whose name server takes questions and never answers."""
    with Namespace(etc=DNS) as machine:
        program = "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('127.0.0.1', 53)); print(flush=True); input()"
        holder = subprocess.Popen(machine.command(PYTHON, "-c", program), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert holder.stdout.readline() == b"\n"
        yield machine
        holder.communicate()


@pytest.fixture
def machine():
    with Namespace() as inside:
        yield inside


def reset(connection):
    """Ends a connection the hard way."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_all(connection):
    """Everything up to the peer's end."""
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, f"ended after {data!r}"
        data += piece
    return data


def few_descriptors(count):
    """For preexec_fn: the command may have COUNT descriptors and no more."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def eventually(condition):
    """Waits until CONDITION() holds."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        os.sched_yield()

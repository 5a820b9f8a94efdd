# SPDX-License-Identifier: MIT
"""What the tests of this folder share: the server program, its counters, clients by the thousand, and a machine of its own for
programs with fixed ports."""
import contextlib
import os
import re
import resource
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from namespace import Namespace  # noqa: E402 (the path comes first)

BUILD = Path(os.environ["HAWSER_BUILD"])
PROGRAM = BUILD / "tests/serving"
SANITIZED = bool(os.environ.get("HAWSER_SANITIZE"))
STRICT = os.environ.get("HAWSER_ACCEPT") == "1"   # `make accept`: the figures themselves
MODES = {"fibers": 0, "threads": 1, "forks": 2, "sequential": 3}
TIMEOUT = 30


def bound(figure):
    """What a figure may be: itself for `make accept`; ten times that elsewhere, where others are at work too."""
    return figure if STRICT else 10 * figure


def raise_files(wanted):
    """The descriptors that there are, at most WANTED."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


class Serving:
    """The server program, running."""

    def __init__(self, address, handler, *, command=(), preexec_fn=None, **options):
        arguments = [f"{name}={value}" for name, value in options.items()]
        self._stderr = tempfile.TemporaryFile("w+")   # a pipe that nobody reads would hold the server up
        self.process = subprocess.Popen([*command, PROGRAM, address, handler, *arguments], stdout=subprocess.PIPE,
                                        stderr=self._stderr, text=True, preexec_fn=preexec_fn)
        self.addresses = self.process.stdout.readline().split()
        if not self.addresses:
            raise AssertionError(self.log)

    @property
    def log(self):
        self._stderr.seek(0)
        return self._stderr.read()

    @property
    def port(self):
        return int(self.addresses[0].rsplit(":", 1)[1])

    def call(self, timeout=TIMEOUT):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    @staticmethod
    def _parse(text):
        return {name: float(value) for name, value in re.findall(r"^([a-z_]+(?:\{[^}]*\})?) ([0-9.e+]+)$", text, re.M)}

    def counters(self):
        """While it serves."""
        self.process.send_signal(signal.SIGUSR1)
        lines = []
        while not lines or not lines[-1].startswith("cpu "):
            lines.append(self.process.stdout.readline())
            assert lines[-1], "the server has ended"
        return {name.removeprefix("hawser_server_"): value for name, value in self._parse("".join(lines)).items()}

    def stop(self, timeout=TIMEOUT):
        """The counters at the end, and how many seconds the stop took as `stopped`."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=timeout)
        took = time.monotonic() - began
        assert self.process.returncode == 0, (self.process.returncode, self.log)
        found = {name.removeprefix("hawser_server_"): value for name, value in self._parse(out).items()}
        return found | {"stopped": took}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def read_all(sock):
    pieces = []
    while piece := sock.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def eventually(condition, timeout=TIMEOUT):
    """Waits until CONDITION() is true."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@contextlib.contextmanager
def service_manager():
    """The socket at which the programs started meanwhile tell their manager how they are."""
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{directory}/notify")
        manager.settimeout(TIMEOUT)
        os.environ["NOTIFY_SOCKET"] = f"{directory}/notify"
        try:
            yield manager
        finally:
            del os.environ["NOTIFY_SOCKET"]


CALL = """
import socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
socket.send_fds(socket.socket(fileno=0), [b"x"], [client.fileno()])
"""


class Machine(Namespace):
    """A machine of its own (../namespace.py), and how a test reaches the ports in it. A server there gets
    `command=machine.command()`."""

    def listens(self, port):
        """Asked without connecting, which a listener would notice."""
        wanted = f"0100007F:{port:04X} 00000000:0000 0A"
        return any(wanted in line for line in Path(f"/proc/{self.holder.pid}/net/tcp").read_text().splitlines())

    def call(self, port):
        """A connection from inside to PORT of 127.0.0.1, which somebody listens at."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            subprocess.run(self.command("/usr/bin/python3", "-c", CALL, port), stdin=theirs, check=True, timeout=TIMEOUT)
            _, (fd,), _, _ = socket.recv_fds(ours, 1, 1)
        client = socket.socket(fileno=fd)
        client.settimeout(TIMEOUT)
        return client


class Crowd:
    """Many clients in one thread: all connect, each says what SAY(i) gives; what they hear is collected until the end."""

    def __init__(self, port, count, say=None):
        self.selector = selectors.DefaultSelector()
        self.socks, self.heard, self.open = [], {}, 0
        for i in range(count):
            sock = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
            self.socks.append(sock)
            self.heard[sock] = []
            self.selector.register(sock, selectors.EVENT_READ)
            self.open += 1
            if say:
                sock.sendall(say(i))

    def say(self, data):
        """Those that are still open say DATA."""
        for sock in self.socks:
            if sock.fileno() >= 0:
                try:
                    sock.send(data)
                except OSError:
                    pass

    def listen(self, seconds):
        """Hears what comes, for so long, or until all have been told the end. How many are open still."""
        end = time.monotonic() + seconds
        while self.open and (left := end - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                self._hear(key.fileobj)
        return self.open

    def _hear(self, sock):
        try:
            piece = sock.recv(65536)
        except OSError as failure:
            piece = b""
            self.heard[sock].append(failure)
        if piece:
            self.heard[sock].append(piece)
        else:
            self.selector.unregister(sock)
            sock.close()
            self.open -= 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.selector.close()
        for sock in self.socks:
            sock.close()

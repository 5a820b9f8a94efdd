# SPDX-License-Identifier: MIT
"""The desk of these tests: a machine of its own with as many terminals as a test opens.

Every program runs in a pseudo-terminal, as it does for the person who tries it. A terminal is waited on with expect, at most
TIMEOUT seconds; whatever is still running at the end of a test is ended.
"""
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pexpect

from standstill import standstill

HERE = Path(__file__).resolve().parent
SOURCE = Path(os.environ.get("HAWSER_SOURCE", HERE.parents[1]))
BUILD = Path(os.environ.get("HAWSER_BUILD", SOURCE / "build/check"))
EXAMPLES = BUILD / "examples"
PYTHON = "/usr/bin/python3"
TIMEOUT = 20
ENVIRONMENT = {**os.environ, "LC_ALL": "C", "TERM": "dumb", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class Terminal(pexpect.spawn):
    """A pseudo-terminal with a program in it."""

    def __init__(self, *argv):
        command, *args = argv
        super().__init__(command, args, env=ENVIRONMENT, encoding="utf-8", timeout=TIMEOUT)
        self.delaybeforesend = None
        self.ptyproc.delayafterclose = 0

    def says(self, *lines):
        """Waits for each of LINES, in this order, as a whole line. Other lines may come before."""
        for line in lines:
            self.expect_exact(f"{line}\r\n")
            assert self.before == "" or self.before.endswith("\n"), f"{self.before!r} stands before {line!r}"

    def ends(self, status=0):
        """Waits for the end of the program and for STATUS. What it printed since the last expectation."""
        self.expect(pexpect.EOF)
        self.wait()
        assert self.exitstatus == status, f"{self.args} ended with {self.exitstatus}, signal {self.signalstatus}"
        return self.before.replace("\r\n", "\n")

    def stop(self):
        """Ends the program, however it is."""
        if not self.closed:
            if self.isalive():
                self.kill(signal.SIGKILL)
                self.wait()
            self.close()


def until(condition):
    """Waits for CONDITION to hold, where there is no line to wait for."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.005)


def answered(telnet, text):
    """TEXT, typed into TELNET, gets its OK."""
    telnet.sendline(text)
    telnet.says(text, f"OK...{text}")


def leave(telnet):
    """Closes the connection of TELNET, with its escape key."""
    telnet.send("\x1d")
    telnet.expect_exact("telnet> ")
    telnet.sendline("close")
    telnet.expect_exact("Connection closed.")
    telnet.ends()


class Desk:
    """The machine: programs start in the folder CWD."""

    def __init__(self, machine, cwd):
        self.machine, self.cwd, self.terminals = machine, cwd, []

    def run(self, *argv):
        """A terminal with the command ARGV."""
        self.terminals.append(Terminal(*self.machine.command(*argv, cwd=self.cwd)))
        return self.terminals[-1]

    @staticmethod
    def example_path(name):
        return EXAMPLES / name

    def example(self, name, *args):
        return self.run(self.example_path(name), *args)

    def listening(self, name, *args, says="listening"):
        """The example NAME, when it has said that it listens."""
        server = self.example(name, *args)
        server.says(says)
        return server

    def peer(self, name, *args):
        """A program that does what the tutorial's script does, in Python 3."""
        return self.run(PYTHON, HERE / "peers" / f"{name}.py", *args)

    def telnet(self, host, port):
        """A telnet that is connected to HOST and PORT."""
        terminal = self.run("telnet", host, port)
        terminal.says(f"Connected to {host}.", "Escape character is '^]'.")
        return terminal

    def early(self, server, port, text):
        """A telnet whose line TEXT is there before SERVER, which listens at PORT, accepts it: none of the time that the server
        gives its client is spent on the way."""
        with standstill(server):
            telnet = self.telnet("localhost", port)
            telnet.sendline(text)
            telnet.says(text)
            until(lambda: re.match(r"[1-9]", self.output("ss", "-Htn", "state", "established", f"sport = :{port}")))
        return telnet

    def output(self, *argv, text=""):
        """What ARGV prints when it gets TEXT as its input, without a terminal. It must succeed."""
        return subprocess.run(self.machine.command(*argv, cwd=self.cwd), input=text, env=ENVIRONMENT, timeout=TIMEOUT,
                              stdout=subprocess.PIPE, text=True, check=True).stdout

    def bound(self, port):
        """Waits until somebody listens at PORT."""
        until(lambda: self.output("ss", "-Hltn", f"sport = :{port}"))

    def pid_at(self, port):
        """The number of the process that listens at PORT."""
        return int(re.search(r"pid=(\d+)", self.output("ss", "-Hltnp", f"sport = :{port}"))[1])

    def waiting(self, port):
        """How many connections wait to be accepted at PORT, over all addresses."""
        return sum(int(row.split()[1]) for row in self.output("ss", "-Hltn", f"sport = :{port}").splitlines())

    def backlog(self, port):
        """The number that the listener at PORT gave to listen."""
        return int(self.output("ss", "-Hltn", f"sport = :{port}").split()[2])

    def close(self):
        for terminal in self.terminals:
            terminal.stop()
        self.machine.close()

# SPDX-License-Identifier: MIT
"""What the stories of `hawser serve` share: how a client asks, and what its operator sees in every mode."""
import re
import select
import signal
import socket

import pytest

from conftest import THANKS, WELCOME, hawser, read_all, read_exactly, reset

MODES = ["fibers", "threads", "forks", "sequential"]
ANSWERED = WELCOME + b"OK...x\n"   # what "ok" says to "x\n"


def say(server, data=b"x\n", host="127.0.0.1"):
    """Sends DATA and ends. The client."""
    client = server.call(host)
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)
    return client


def ask(server, data=b"x\n", host="127.0.0.1"):
    """Sends DATA, ends, and reads to the end."""
    with say(server, data, host) as client:
        return read_all(client)


def is_silent(client, seconds=0.3):
    return not select.select([client], [], [], seconds)[0]


def talk_on(client):
    """One letter to "echo", and back: from then on it is served."""
    client.sendall(b"x")
    assert read_exactly(client, 1) == b"x"


def shout(client, data):
    """A line to "upper"."""
    client.sendall(data)
    assert read_exactly(client, len(data)) == data.upper()


def check_a_reset(server):
    """Of "echo": told, counted and survived."""
    client = server.call()
    talk_on(client)
    reset(client)
    server.says(r"  - \S+  out 1 B  in 1 B  \S+ m?s  connection reset by the peer$")
    assert ask(server, b"y") == b"y"
    server.says("out 1 B  in 1 B  [^a-z]*m?s$")
    assert server.stop().endswith("served 2 connections, out 2 B, in 2 B, 1 error")


def greet(server, count):
    """Of "greet": COUNT clients, one after the other."""
    for _ in range(count):
        with server.call() as client:
            assert read_all(client) == THANKS


def check_sums(text, count):
    """At most ten lines a second of a kind, and what the others were; together they are COUNT. How many lines of each kind come
    before the first sum."""
    first = []
    for sign in "+", "-":
        lines = re.findall(rf"^\d\d:\d\d:\d\d  \{sign} (and )?([\d,]+)", text, re.M)
        sums = [int(number) for summed, number in lines if summed]
        assert sums and len(lines) - len(sums) + sum(sums) == count
        assert len(lines) - len(sums) <= 10 * (len(sums) + 1)
        first.append([bool(summed) for summed, _ in lines].index(True))
    return first


def check_late_sums(server):
    """Of "greet": sums are printed though nothing happens any more."""
    greet(server, 30)
    server.says(r"  \+ and \d+ more$")
    server.says(r"  - and \d+ more$")


def check_a_polite_stop(server):
    """Of "upper": an open conversation comes to its end, and nobody new is let in."""
    with server.call() as client:
        shout(client, b"one\n")
        server.process.send_signal(signal.SIGINT)
        server.says("^stopping, 1 connection open$")
        with pytest.raises(ConnectionRefusedError):
            server.call()
        shout(client, b"two\n")
    assert server.ends().endswith("served 1 connection, out 8 B, in 8 B, 0 errors")


def check_usage(args, message):
    """Wrong usage is two lines and status 2."""
    done = hawser("serve", *args)
    first, second = done.stderr.splitlines()
    assert (done.returncode, first) == (2, f"hawser: {message}")
    assert second.startswith("  usage: hawser serve greet|echo|ok|upper ")

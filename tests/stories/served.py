# SPDX-License-Identifier: MIT
"""What the stories of `hawser serve` share: how a client asks, and what its operator sees in every mode."""
import re
import select
import signal
import socket
import time

import pytest

from conftest import THANKS, TIMEOUT, WELCOME, eventually, hawser, read_all, read_exactly, reset

MODES = ["fibers", "threads", "forks", "sequential"]
ANSWERED = WELCOME + b"OK...x\n"   # what "ok" says to "x\n"
FEW = 15   # clients whose lines all find room in the log, so that none has to be dropped


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
    """Of "greet": COUNT clients at once."""
    for client in [server.call() for _ in range(count)]:
        with client:
            assert read_all(client) == THANKS


def told(lines, sign):
    """How many of LINES have an event of the kind SIGN to themselves, and the sums of the others."""
    found = re.findall(rf"^\d\d:\d\d:\d\d  \{sign} (?:and (\d+) more$)?", "\n".join(lines), re.M)
    sums = [int(number) for number in found if number]
    return len(found) - len(sums), sums


def check_late_sums(server):
    """Of "greet": sums are printed though nothing happens any more. How many clients there were: a busy machine may need
    seconds for the first, and then there is nothing to sum up."""
    count, deadline = 0, time.monotonic() + TIMEOUT
    while not all(told(server.lines, sign)[1] for sign in "+-"):
        assert time.monotonic() < deadline, f"no sums in {server.lines}"
        greet(server, FEW)
        count += FEW
        eventually(lambda: all(alone + sum(sums) == count for alone, sums in (told(server.lines, sign) for sign in "+-")))
    return count


def check_ten_lines(server):
    """Of "greet": in each second ten lines of a kind are printed, then what the others were."""
    began = time.monotonic()
    count = check_late_sums(server) + FEW
    greet(server, FEW)
    text = server.stop()
    seconds = int(time.monotonic() - began) + 1
    assert f"served {count} connections" in text
    for alone, sums in (told(text.splitlines(), sign) for sign in "+-"):
        assert alone + sum(sums) == count
        assert 10 * len(sums) <= alone <= 10 * seconds


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

# SPDX-License-Identifier: MIT
"""At the limits: very many fibers, very many connections, and no more memory or descriptors. Nothing aborts, nothing spins.

The numbers here are a tenth of those of `make limits`, which sets HAWSER_LIMITS=whole.
"""
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from namespace import Namespace  # noqa: E402 (the path comes first)

BUILD = Path(os.environ["HAWSER_BUILD"])
WHOLE = os.environ.get("HAWSER_LIMITS") == "whole"
SANITIZED = bool(os.environ.get("HAWSER_SANITIZE"))
# A page and a little, and one more where a fiber is born in a signal handler, whose frame stays below it.
PARKED_BYTES = 8600 if os.environ.get("HAWSER_SWITCH") == "sigjmp" else 4400
PROCESSES = 4
TIMEOUT = 240


def limited(kind, value):
    return lambda: resource.setrlimit(kind, (value, value))


def million(count, **more):
    return subprocess.run([BUILD / "tests/million", str(count)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=TIMEOUT, **more)


def test_a_million_fibers_sleep_at_once(record_property):
    count = 1_000_000 if WHOLE else 100_000
    done = million(count)
    assert done.returncode == 0, done.stdout
    parked = re.search(r"(\d+) fibers parked, (\d+) bytes each", done.stdout)
    assert int(parked[1]) == count
    print(done.stdout)
    if not SANITIZED:
        assert int(parked[2]) < PARKED_BYTES


@pytest.mark.skipif(SANITIZED, reason="sanitizers need address space of their own")
def test_without_address_space_a_start_fails_and_the_others_go_on():
    done = million(1_000_000 if WHOLE else 100_000, preexec_fn=limited(resource.RLIMIT_AS, 1 << 30))
    assert done.returncode == 0, done.stdout
    assert re.search(r"after \d+: start fiber on worker 1: Cannot allocate memory", done.stdout)


@pytest.fixture
def server():
    """The command as an echo server with a descriptor table that is as large as it must be and no larger, and its port."""
    count = 19_900 if WHOLE else 1_900
    with Namespace() as machine:
        process = subprocess.Popen(machine.command(BUILD / "bin/hawser", "serve", "echo", "127.0.0.1:0", "--workers", "2"),
                                   stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                                   preexec_fn=limited(resource.RLIMIT_NOFILE, count + 100))
        port = re.search(r":(\d+)\b(?!.*:\d)", process.stderr.readline())[1]
        yield machine, port, count
        process.terminate()
        process.stderr.close()
        process.wait(TIMEOUT)


def test_an_echo_server_holds_as_many_connections_as_its_descriptor_table(server):
    machine, port, count = server
    clients = [subprocess.Popen(machine.command("/usr/bin/python3", HERE / "client.py", port, count // PROCESSES, f"client{i}"),
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for i in range(PROCESSES)]
    try:
        for client in clients:
            assert client.stdout.readline() == f"holding {count // PROCESSES}\n"
        for client in clients:   # all of them are open at this moment
            client.stdin.write("\n")
            client.stdin.close()
        for client in clients:
            assert client.stdout.readline() == f"verified {count // PROCESSES}\n"
            assert client.wait(TIMEOUT) == 0
    finally:
        for client in clients:
            client.kill()
            client.wait()

# SPDX-License-Identifier: MIT
"""Peers that send nonsense, too much, or go away at every point: counted, logged, and nothing is left of them. (The same tests run
with AddressSanitizer in `make check-asan`, which sees what leaks.)"""
import os
import random
import socket
import struct

import pytest

from desk import MODES, TIMEOUT, Serving, eventually, read_all

RANDOM = random.Random(20261121)


def reset(sock):
    """Closes so that the peer gets a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def sockets(server):
    """How many it has open. (Threads that wait for work have a descriptor each, of another kind.)"""
    folder = f"/proc/{server.process.pid}/fd"
    return sum(link.startswith("socket:") for link in links(folder))


def links(folder):
    for name in os.listdir(folder):
        try:
            yield os.readlink(f"{folder}/{name}")
        except FileNotFoundError:
            pass


@pytest.mark.parametrize("mode", MODES)
def test_a_line_of_10_mb_is_refused_counted_and_logged(mode):
    with Serving("tcp://127.0.0.1:0", "one", concurrency=MODES[mode]) as server:
        with server.call() as client:
            try:
                client.sendall(b"x" * 10_000_000)
                assert read_all(client) == b""
            except OSError:
                pass
        counters = server.stop()
    assert counters["lines_too_long_total"] == 1 and counters["failed_total"] == 1
    assert "WARNING request from 127.0.0.1" in server.log and "longer than" in server.log


@pytest.mark.parametrize("mode", MODES)
def test_garbage_is_a_line_like_any_other(mode):
    garbage = RANDOM.randbytes(500).replace(b"\n", b".").replace(b"\0", b".")
    with Serving("tcp://127.0.0.1:0", "lines", concurrency=MODES[mode]) as server:
        with server.call() as client:
            client.sendall(garbage + b"\n")
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b"OK..." + garbage + b"\n"
        counters = server.stop()
    assert counters["failed_total"] == 0


SPOKEN = b"first\nsecond\n"


@pytest.mark.parametrize("handler", ["lines", "keep", "much"])
@pytest.mark.parametrize("mode", MODES)
def test_a_client_may_go_at_every_point(mode, handler):
    """After each byte it sends and some of what it hears, politely or with a reset; the server has all its descriptors back."""
    with Serving("tcp://127.0.0.1:0", handler, concurrency=MODES[mode], reply_size=50000, linger=0.2) as server:
        before = sockets(server)
        visits = 0
        for said in range(len(SPOKEN) + 1):
            for heard in (0, 1, 7):
                for leave in (socket.socket.close, reset):
                    client = server.call()
                    client.sendall(SPOKEN[:said])
                    if heard and b"\n" in SPOKEN[:said]:
                        client.recv(heard)
                    leave(client)
                    visits += 1
        eventually(lambda: server.counters()["finished_total"] == visits)
        eventually(lambda: sockets(server) <= before)
        counters = server.stop()
    assert counters["active"] == 0 and counters["kept"] == 0
    assert "ERROR" not in server.log


@pytest.mark.parametrize("mode", MODES)
def test_random_datagrams_are_answered_or_dropped(mode):
    with Serving("udp://127.0.0.1:0", "datagram", concurrency=MODES[mode], max_packet_size=1000) as server:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(TIMEOUT)
            client.connect(("127.0.0.1", server.port))
            cut = 0
            for _ in range(100):
                datagram = RANDOM.randbytes(RANDOM.choice((0, 1, 7, 500, 1000, 1001, 9000)))
                client.send(datagram)
                cut += len(datagram) > 1000
                if datagram:
                    assert client.recv(65536) == datagram[:1000]
        counters = server.stop()
    assert counters["datagrams_total"] == 100 and counters["finished_total"] == 100
    assert counters["datagrams_truncated_total"] == cut
    assert counters["failed_total"] == 0


@pytest.mark.parametrize("mode", MODES)
def test_lines_may_be_cut_anywhere(mode):
    """Two lines in one segment, and each cut at every byte."""
    with Serving("tcp://127.0.0.1:0", "keep", concurrency=MODES[mode]) as server:
        with server.call() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers = client.makefile("rb")
            for cut in range(len(SPOKEN) + 1):
                client.sendall(SPOKEN[:cut])
                for line in SPOKEN[:cut].splitlines(keepends=True):
                    if line.endswith(b"\n"):
                        assert answers.readline() == b"OK..." + line
                client.sendall(SPOKEN[cut:])
                for line in SPOKEN.splitlines(keepends=True)[SPOKEN[:cut].count(b"\n"):]:
                    assert answers.readline() == b"OK..." + line
        counters = server.stop()
    assert counters["finished_total"] == 1

# SPDX-License-Identifier: MIT
"""Restarts without downtime: one server takes over from the other, and no client notices."""
import os
import socket
import threading

import pytest

from desk import STRICT, TIMEOUT, MODES, Serving, eventually, read_all


class Clients:
    """Threads that connect, ask and read the answer, over and over. An address is a port or a path."""

    def __init__(self, address, threads=4):
        self.address, self.done, self.good, self.bad, self.servers = address, False, 0, [], set()
        self.threads = [threading.Thread(target=self._work) for _ in range(threads)]

    def _connect(self):
        if isinstance(self.address, int):
            return socket.create_connection(("127.0.0.1", self.address), timeout=TIMEOUT)
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(TIMEOUT)
        sock.connect(str(self.address))
        return sock

    def _ask(self):
        with self._connect() as sock:
            sock.sendall(b"hello\n")
            pid, word = read_all(sock).split()
            assert word == b"hello"
            return int(pid)

    def _work(self):
        while not self.done:
            try:
                self.servers.add(self._ask())
                self.good += 1
            except Exception as failure:  # whatever it is, it counts
                self.bad.append(repr(failure))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done = True
        for thread in self.threads:
            thread.join(TIMEOUT)


def restart(address, path, times, wanted=0, concurrency=0, target=None):
    """TIMES servers one after the other, under load, and until WANTED answers have come."""
    server = Serving(address, "process", handover=path, concurrency=concurrency)
    target = target or server.port
    with Clients(target) as clients:
        done = 0
        while done < times or clients.good < wanted:
            with server:
                eventually(path.exists)
                follower = Serving(address, "process", handover=path, concurrency=concurrency)
                out, _ = server.process.communicate(timeout=TIMEOUT)
                assert server.process.returncode == 0, server.log
            server = follower
            done += 1
    with server:
        server.stop()
    assert clients.bad == [], (len(clients.bad), clients.bad[:3])
    return done, clients


def test_no_connection_is_lost_over_100_restarts(tmp_path):
    times, wanted = (100, 20_000) if STRICT else (20, 1000)
    done, clients = restart("tcp://127.0.0.1:0", tmp_path / "handover", times, wanted)
    print(f"{done} restarts, {clients.good} connections served by {len(clients.servers)} processes, {len(clients.bad)} failed")
    assert clients.good >= wanted


@pytest.mark.parametrize("mode", ["threads", "forks", "sequential"])
def test_every_mode_can_be_restarted(mode, tmp_path):
    restart("tcp://127.0.0.1:0", tmp_path / "handover", 5, 100, MODES[mode])


def test_both_loopbacks_go_over_together(tmp_path):
    restart("tcp://localhost:0", tmp_path / "handover", 5, 100)


def test_a_unix_socket_goes_over_and_its_file_stays(tmp_path):
    path = tmp_path / "socket"
    restart(f"unix:{path}", tmp_path / "handover", 5, 100, target=path)


def call_handover(path):
    """As a follower does; the path is there when the server serves."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.settimeout(TIMEOUT)
    eventually(lambda: line.connect_ex(str(path)) == 0)
    return line


def test_a_follower_that_dies_before_it_serves_changes_nothing(tmp_path):
    """It has the listeners already; its end is seen, and the next one gets them too."""
    handover = tmp_path / "handover"
    with Serving("tcp://127.0.0.1:0", "process", handover=handover) as server:
        line = call_handover(handover)
        line.sendall(b"hawser handover 1: take")
        name, fds, _, _ = socket.recv_fds(line, 1000, 2)
        assert name == b"%d tcp 127.0.0.1" % server.port and len(fds) == 1
        for fd in fds:
            os.close(fd)
        line.close()
        with server.call() as client:
            client.sendall(b"hello\n")
            assert read_all(client).split()[1] == b"hello"
        with Serving(f"tcp://127.0.0.1:{server.port}", "process", handover=handover) as follower:
            eventually(lambda: server.process.poll() is not None)
            with follower.call() as client:
                client.sendall(b"hello\n")
                assert int(read_all(client).split()[0]) == follower.process.pid
            follower.stop()


@pytest.mark.parametrize("garbage", [b"", b"x", b"hawser handover 9: take", b"serving", bytes(1000)],
                         ids=["nothing", "letter", "version", "early", "zeroes"])
def test_who_talks_nonsense_at_the_path_is_sent_away(garbage, tmp_path):
    handover = tmp_path / "handover"
    with Serving("tcp://127.0.0.1:0", "process", handover=handover) as server:
        line = call_handover(handover)
        if garbage:
            line.sendall(garbage)
            assert line.recv(100) == b""
        line.close()
        with server.call() as client:
            client.sendall(b"hello\n")
            assert int(read_all(client).split()[0]) == server.process.pid
        server.stop()
    assert not handover.exists()


def test_a_stop_is_heard_while_a_follower_hesitates(tmp_path):
    handover = tmp_path / "handover"
    with Serving("tcp://127.0.0.1:0", "process", handover=handover) as server:
        line = call_handover(handover)
        line.sendall(b"hawser handover 1: take")
        assert line.recv(100)
        assert server.stop()["stopped"] < 5
        line.close()

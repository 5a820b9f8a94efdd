# SPDX-License-Identifier: MIT
"""hawser serve on fibers: many clients on few threads, evenly spread, cheap while they are silent, whatever waits for them."""
import contextlib
import os
import pty
import re
import resource
import signal
import socket
import subprocess

import pytest
from conftest import HAWSER, THANKS, WELCOME, eventually, few_descriptors, hawser, read_all, read_exactly
from served import check_usage

HELPERS = 8   # at most so many threads for what blocks: here, writing the log
SANITIZED = bool(os.environ.get("HAWSER_SANITIZE"))
ENGINES = os.environ.get("HAWSER_ENGINES", "epoll poll").split()   # of this build


@pytest.fixture(params=ENGINES)
def engine(request):
    """What the server waits with: arguments for serve()."""
    return {"env": {**os.environ, "HAWSER_ENGINE": request.param}}


@pytest.fixture
def many_descriptors():
    """For the test itself; as many as the machine allows."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextlib.contextmanager
def clients_of(server, count):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(server.call()) for _ in range(count)]


def converse(clients, data=b"x\n", answer=b"OK...x\n"):
    for client in clients:
        client.sendall(data)
    for client in clients:
        assert read_exactly(client, len(answer)) == answer


def dump(server):
    """What SIGUSR1 shows: {worker: fibers}, and the line of every fiber."""
    server.lines.clear()
    server.process.send_signal(signal.SIGUSR1)
    count = int(server.says(r"^run \d+: (\d+) workers?, ")[1])
    workers = {number: int(server.says(rf"^worker {number}: (\d+) fibers?$")[1]) for number in range(1, count + 1)}
    eventually(lambda: server.count(r"^fiber \d+ ") == sum(workers.values()))
    return workers


def memory(server):
    """Bytes that the server has in memory."""
    text = open(f"/proc/{server.process.pid}/status").read()
    return 1024 * int(re.search(r"^VmRSS:\s+(\d+) kB$", text, re.M)[1])


def threads(server):
    return len(os.listdir(f"/proc/{server.process.pid}/task"))


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_300_clients_talk_at_once_on_few_threads(serve, engine, workers):
    server = serve("ok", 0, "--workers", workers, **engine)
    with clients_of(server, 300) as clients:
        for client in clients:
            assert read_exactly(client, len(WELCOME)) == WELCOME
        for _ in range(3):
            converse(clients)
        assert threads(server) <= workers + HELPERS
        assert len(dump(server)) == workers
    assert re.search(r"served 300 connections, .* 0 errors$", server.stop())


def test_clients_that_stay_are_spread_evenly_over_the_workers(serve, engine):
    server = serve("echo", 0, "--workers", 2, **engine)
    with clients_of(server, 200) as clients:
        converse(clients, b"x", b"x")
        first, second = dump(server).values()
        assert 200 <= first + second <= 210
        assert abs(first - second) <= 10


@pytest.mark.skipif(SANITIZED, reason="a sanitizer needs memory of its own")
def test_2000_silent_clients_cost_little(serve, many_descriptors):
    if many_descriptors < 2200:
        pytest.skip(f"this machine allows {many_descriptors} descriptors")
    server = serve("echo", 0, "--workers", 2)
    with clients_of(server, 10) as first:
        converse(first, b"x", b"x")
        before = memory(server)
        with clients_of(server, 2000) as clients:
            converse(clients, b"x" * 1000, b"x" * 1000)
            page_more = 4_096 if os.environ.get("HAWSER_SWITCH") == "sigjmp" else 0   # KNOWN_LIMITS.md: of each fiber's stack
            assert (memory(server) - before) / 2000 <= 12_000 + page_more
    assert re.search(r"served 2,010 connections, .* 0 errors$", server.stop())


def test_a_client_that_never_reads_does_not_hold_up_the_others_of_its_worker(serve, engine):
    server = serve("echo", 0, "--workers", 1, **engine)
    with clients_of(server, 20) as clients:
        overfill(server, clients[:5])
        for _ in range(10):
            converse(clients[5:], b"still there", b"still there")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_in_the_middle_of_100_conversations_lets_each_come_to_its_end(serve, engine, sent):
    server = serve("ok", 0, "--workers", 2, **engine)
    with clients_of(server, 100) as clients:
        converse(clients, answer=WELCOME + b"OK...x\n")
        server.process.send_signal(sent)
        server.says("^stopping, 100 connections open$")
        with pytest.raises(ConnectionRefusedError):
            server.call()
        converse(clients)
        for client in clients:
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b""
    out = 100 * len(WELCOME + b"OK...x\nOK...x\n") / 1024
    assert server.ends().endswith(f"served 100 connections, out {out:.1f} KiB, in 400 B, 0 errors")


def fill(client):
    """Sends until nothing more is taken. How many bytes were."""
    sent = 0
    client.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += client.send(b"x" * 100_000)
    return sent


def overfill(server, clients):
    """Of "echo": sends, and reads no answer, until the server waits to send to each of CLIENTS and takes nothing more from them.
    That nothing more is taken is no sign of it alone: a slow server may not have come to it yet."""
    def is_over():
        sent = sum(map(fill, clients))
        dump(server)
        return sent == 0 and server.count(r'^fiber \d+ "client" waits for send on \d+ since ') == len(clients)
    eventually(is_over)


def test_a_stop_cuts_off_who_talks_on_who_does_not_read_and_who_only_has_ended_its_own_direction(serve, engine):
    server = serve("echo", 0, "--workers", 2, **engine)
    with clients_of(server, 3) as (silent, greedy, half):
        overfill(server, [greedy, half])
        half.shutdown(socket.SHUT_WR)
        converse([silent], b"x", b"x")
        server.process.send_signal(signal.SIGTERM)
        assert silent.recv(1) == b""
        assert re.search(r"served 3 connections, .* 0 errors, cut off 3$", server.ends())


def test_a_second_signal_ends_it_though_clients_are_served(serve, engine):
    server = serve("echo", 0, **engine)
    with clients_of(server, 50) as clients:
        converse(clients, b"x", b"x")
        server.process.send_signal(signal.SIGTERM)
        server.says("^stopping, 50 connections open$")
        server.ends(status=-signal.SIGINT, sent=signal.SIGINT)


def test_100_clients_are_served_one_after_the_other_where_24_have_room(serve, engine):
    server = serve("ok", 0, preexec_fn=few_descriptors(64), **engine)
    with clients_of(server, 100) as clients:
        server.says(r"  ! 24 connections are open, as many as may be; new connections wait$")
        for client in clients:
            converse([client], answer=WELCOME + b"OK...x\n")
            client.close()
    assert re.search(r"served 100 connections, .* 0 errors$", server.stop())


def test_usr1_shows_what_every_fiber_waits_for(serve, engine):
    server = serve("echo", 0, "--workers", 2, **engine)
    with clients_of(server, 3) as clients:
        converse(clients, b"x", b"x")
        assert sum(dump(server).values()) == 4 + 3
        server.says(r'^fiber \d+ "accept" waits for accept on \d+ since ')
        server.says(r'^fiber \d+ "client" waits for recv on \d+ since ')
    server.stop()


def test_a_terminal_that_nobody_reads_holds_no_client_up(tmp_path):
    """It is full but for less than the next line."""
    ours, theirs = pty.openpty()
    os.set_blocking(theirs, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(theirs, b"x" * 100)
    os.read(ours, 10)
    os.set_blocking(theirs, True)
    path = f"unix:{tmp_path}/s"
    server = subprocess.Popen([HAWSER, "serve", "greet", path, "--workers", "1"], stderr=theirs)
    try:
        eventually(lambda: hawser("connect", path).stdout == THANKS)
        for _ in range(50):
            assert hawser("connect", path).stdout == THANKS
        assert server.poll() is None
    finally:
        server.kill()
        os.close(theirs)
        os.close(ours)
        server.wait()


@pytest.mark.parametrize("number", ["0", "-1", "1025", "two", "2x", "", "99999999999999999999"])
def test_a_number_of_workers_that_is_none_is_refused(number):
    check_usage(["echo", "--workers", number], f'--workers "{number}" is no number from 1 to 1024')


def test_workers_are_for_servers():
    done = hawser("connect", "localhost", "--workers", 2)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, 'hawser: --workers is no option of "connect"')


def test_an_engine_that_is_not_there_is_told_in_words():
    done = hawser("resolve", "127.0.0.1", env={**os.environ, "HAWSER_ENGINE": "steam"})
    assert (done.returncode, done.stderr.splitlines()) == (8, [
        "hawser: cannot start fibers: invalid argument",
        "  HAWSER_ENGINE must be poll or, where they are built in, epoll or uring; HAWSER_STALL a number of seconds"])


def test_more_workers_than_the_descriptors_allow_are_told_in_words():
    done = hawser("serve", "echo", "0", "--workers", 100, preexec_fn=few_descriptors(64))
    assert (done.returncode, done.stderr) == (8, "hawser: cannot start fibers: no descriptor is free in this process\n")


@pytest.mark.parametrize("engine_name", ENGINES)
def test_a_conversation_through_connect_is_the_same_on_either_engine(serve, tmp_path, engine_name):
    path = tmp_path / "input"
    path.write_bytes(os.urandom(1_000_000))
    port = serve("echo", 0).port
    environment = {**os.environ, "HAWSER_ENGINE": engine_name}
    with open(path, "rb") as source:
        done = hawser("connect", "127.0.0.1", port, stdin=source, env=environment)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout == path.read_bytes()
    done = hawser("connect", "127.0.0.1", port, data=path.read_bytes(), env=environment)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout == path.read_bytes()

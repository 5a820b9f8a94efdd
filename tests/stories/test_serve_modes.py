# SPDX-License-Identifier: MIT
"""hawser serve with its limits and in every mode: what a client and an operator see is the same wherever a client runs."""
import contextlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

import pytest
from conftest import HAWSER, TIMEOUT, WELCOME, eventually, hawser, read_all, read_exactly
from served import (ANSWERED, MODES, ask, check_a_polite_stop, check_a_reset, check_late_sums, check_ten_lines, check_usage,
                    is_silent, say, shout, talk_on)
from standstill import standstill


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


@pytest.fixture(params=MODES[:3])
def mode_at_once(request):
    return request.param


def test_three_clients_are_served_one_after_the_other(serve, mode):
    server = serve("ok", 0, "--mode", mode)
    for _ in range(3):
        with server.call() as client:
            client.sendall(b"hi\n")
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == WELCOME + b"OK...hi\n"
            name = f"127.0.0.1:{client.getsockname()[1]}"
        server.says(rf"^\d\d:\d\d:\d\d  \+ {name}$")
        server.says(rf"^\d\d:\d\d:\d\d  - {name}  out 60 B  in 3 B  \S+ m?s$")
    text = server.stop()
    assert re.search("\nstopping, [0-3] connections? open\n", text), "processes may not have been waited for yet"
    assert text.endswith("\nserved 3 connections, out 180 B, in 9 B, 0 errors")


def test_three_clients_are_served_at_once(serve, mode_at_once):
    server = serve("ok", 0, "--mode", mode_at_once)
    with server.call() as first, server.call() as second, server.call() as third:
        for client in third, first, second:
            assert read_exactly(client, len(WELCOME)) == WELCOME
            client.sendall(b"x\n")
            assert read_exactly(client, 7) == b"OK...x\n"
    assert re.search(r"served 3 connections, out 177 B, in 6 B, 0 errors$", server.stop())


def test_a_sequential_server_has_the_next_one_wait(serve):
    server = serve("ok", 0, "--mode", "sequential")
    with server.call() as first:
        assert read_exactly(first, len(WELCOME)) == WELCOME
        with server.call() as second:
            assert is_silent(second)
            first.close()
            assert read_exactly(second, len(WELCOME)) == WELCOME
    server.stop()


def test_a_reset_is_told_counted_and_survived(serve, mode):
    check_a_reset(serve("echo", 0, "--mode", mode))


def test_datagrams_are_answered(serve, mode):
    server = serve("upper", 0, "--udp", "--mode", mode)
    assert server.lines == [f"listening on 127.0.0.1:{server.port} and [::1]:{server.port}, datagrams   (Ctrl-C to stop)"]
    for family, host in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.settimeout(TIMEOUT)
            client.connect((host, server.port))
            for data in b"abc", b"", b"x":
                client.send(data)
                assert client.recv(100) == data.upper()
    eventually(lambda: server.count("  = ") == 6)
    assert server.count(r"  = \S+  out 3 B  in 3 B$") == 2
    assert server.stop().endswith("stopping\nserved 6 datagrams, out 8 B, in 8 B, 0 errors")


def test_ten_lines_a_second_of_a_kind_are_printed_and_the_rest_is_summed(serve, mode):
    check_ten_lines(serve("greet", 0, "--mode", mode))


def test_sums_are_printed_though_nothing_happens_any_more(serve, mode):
    check_late_sums(serve("greet", 0, "--mode", mode))


def test_a_stop_lets_an_open_conversation_end_and_refuses_new_ones(serve, mode_at_once):
    check_a_polite_stop(serve("upper", 0, "--mode", mode_at_once))


def test_drain_is_the_time_that_a_stop_gives(serve, mode):
    server = serve("upper", 0, "--mode", mode, "--drain", "300ms")
    with server.call() as client:
        shout(client, b"one\n")
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert client.recv(1) == b""
        assert 0.2 < time.monotonic() - began < 4
    text = server.ends()
    assert "\nstopping, 1 connection open\n" in text
    assert re.search(r"  - \S+  out 4 B  in 4 B  \S+ m?s$", text, re.M)
    assert text.endswith("served 1 connection, out 4 B, in 4 B, 0 errors, cut off 1")


def test_a_second_signal_ends_it_and_what_it_has_started(serve, mode):
    server = serve("echo", 0, "--mode", mode)
    with server.call() as client:
        talk_on(client)
        server.process.send_signal(signal.SIGTERM)
        server.says("^stopping, 1 connection open$")
        server.ends(status=-signal.SIGINT, sent=signal.SIGINT)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_usr1_is_answered_and_ends_nothing(serve, mode):
    server = serve("echo", 0, "--mode", mode)
    server.process.send_signal(signal.SIGUSR1)
    if mode != "forks":
        server.says(r"^run \d+: (\d+) workers?, ")
    assert ask(server, b"y") == b"y"
    server.stop()


def test_over_the_most_connections_the_next_one_waits(serve, mode_at_once):
    server = serve("ok", 0, "--mode", mode_at_once, "--max-connections", 1)
    with server.call() as first:
        assert read_exactly(first, len(WELCOME)) == WELCOME
        with server.call() as second:
            if mode_at_once != "forks":
                server.says(r"  ! 1 connection is open, as many as may be; new connections wait$")
            assert is_silent(second)
            first.close()
            assert read_exactly(second, len(WELCOME)) == WELCOME
    server.stop()


@pytest.mark.parametrize("mode", ["threads", "forks"])
def test_workers_are_the_most_that_are_served_at_once(serve, mode):
    server = serve("ok", 0, "--mode", mode, "--workers", 1)
    with server.call() as first:
        assert read_exactly(first, len(WELCOME)) == WELCOME
        with server.call() as second:
            assert is_silent(second)
            first.close()
            assert read_exactly(second, len(WELCOME)) == WELCOME
    server.stop()


def test_who_is_silent_for_too_long_is_ended(serve, mode):
    server = serve("ok", 0, "--mode", mode, "--idle-timeout", "200ms")
    began = time.monotonic()
    with server.call() as client:
        assert read_all(client) == WELCOME
        assert 0.2 <= time.monotonic() - began < 4
    server.says(r"  - \S+  out 52 B  in 0 B  \S+ m?s  timed out$")
    with standstill(server.process):
        client = say(server)
    with client:
        assert read_all(client) == ANSWERED
    assert re.search(r"served 2 connections, .*, 1 error$", server.stop())


@pytest.mark.parametrize("options", [["--proxy-from", "127.0.0.0/8,::1"], ["--proxy-from", "::1", "--proxy-from=127.0.0.1"]])
def test_behind_a_proxy_the_log_has_the_real_address(serve, mode, options):
    server = serve("ok", 0, "--mode", mode, *options)
    assert ask(server, b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\nx\n") == ANSWERED
    server.says(r"  \+ 192\.0\.2\.7:4711$")
    server.says(r"  - 192\.0\.2\.7:4711  out 59 B  in 2 B  ")
    assert re.search(r"served 1 connection, .* 0 errors$", server.stop())


def test_from_a_proxy_nobody_without_a_header_is_let_in(serve, mode):
    server = serve("ok", 0, "-v", "--mode", mode, "--proxy-from", "127.0.0.1")
    with server.call() as client:
        client.sendall(b"hello, world\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert read_all(client) == b""
    server.says(r"  ! refused 127\.0\.0\.1:\d+: ")
    text = server.stop()
    assert "  + " not in text and re.search(r"served 0 connections, out 0 B, in \d+ B, 0 errors$", text)


def metrics_of(server):
    return server.says("^  metrics at (http://127.0.0.1:[0-9]+/metrics)$")[1]


def fetch(url):
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4"
        return answer.read().decode()


def test_the_counters_are_served(serve, mode):
    server = serve("ok", 0, "--mode", mode, "--metrics", "127.0.0.1:0")
    url = metrics_of(server)
    assert re.search(r"^hawser_server_accepted_total 0$", fetch(url), re.M)
    for _ in range(3):
        assert ask(server) == ANSWERED
    text = subprocess.run(["curl", "-sS", url], stdout=subprocess.PIPE, check=True, timeout=TIMEOUT).stdout.decode()
    assert re.search(r"^hawser_server_accepted_total 3$", text, re.M)
    server.stop()
    with pytest.raises(OSError):
        fetch(url)


def test_the_counters_can_be_had_through_a_unix_socket(serve, mode, tmp_path):
    path = tmp_path / "counters"
    server = serve("ok", 0, "--mode", mode, "--metrics", f"unix:{path}")
    server.says(f"^  metrics at unix:{path}$")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT)
        client.connect(str(path))
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert read_all(client).startswith(b"HTTP/1.1 200 OK\r\n")
    server.stop()
    assert not path.exists()


@pytest.mark.parametrize("question, status", [
    (b"GET /metrics HTTP/1.0\r\n\r\n", b"200"), (b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
    (b"GET /metrics\n\n", b"404"), (b"GET /metricsx HTTP/1.1\r\n\r\n", b"404"), (b"GET / HTTP/1.1\r\n\r\n", b"404"),
    (b"POST /metrics HTTP/1.1\r\n\r\n", b"404"), (b"\0\xff\n\n", b"404"),
])
def test_other_questions_to_the_counters_are_404(serve, question, status):
    address = re.search("127.0.0.1:([0-9]+)", metrics_of(serve("ok", 0, "--metrics", 0)))
    with socket.create_connection(("127.0.0.1", int(address[1])), TIMEOUT) as client:
        client.sendall(question)
        head, _, body = read_all(client).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0].startswith(b"HTTP/1.1 " + status) and b"Connection: close" in lines
    assert f"Content-Length: {len(body)}".encode() in lines


@pytest.mark.parametrize("question", [
    b"x" * 40_000, b"GET /metrics HTTP/1.1\r\n" + b"x" * 40_000, b"", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"])
def test_half_a_question_or_one_too_long_gets_nothing(serve, question):
    server = serve("ok", 0, "--metrics", 0)
    address = re.search("127.0.0.1:([0-9]+)", metrics_of(server))
    with socket.create_connection(("127.0.0.1", int(address[1])), TIMEOUT) as client:
        client.sendall(question)
        client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            assert read_all(client) == b""
    assert "hawser_server_accepted_total 0\n" in fetch(metrics_of(server))


def test_an_address_for_the_counters_that_is_taken_is_told(serve):
    server = serve("ok", 0)
    done = hawser("serve", "ok", 0, "--metrics", f"127.0.0.1:{server.port}")
    assert done.returncode == 4
    assert done.stderr.splitlines()[0] == f"hawser: cannot listen on 127.0.0.1:{server.port}: address already in use"


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="no systemd here")
@pytest.mark.parametrize("address, how", [("systemd:", []), ("systemd:web", ["--fdname=web"])])
def test_sockets_of_the_service_manager_are_served(machine, tmp_path, mode, address, how):
    log = tmp_path / "log"
    with open(log, "wb") as output:
        command = ["systemd-socket-activate", "-l", "127.0.0.1:7777", *how, HAWSER, "serve", "ok", address, "--mode", mode]
        process = subprocess.Popen(machine.command(*command), stderr=output, stdin=subprocess.DEVNULL)
    try:
        eventually(lambda: hawser("connect", "127.0.0.1", 7777, data=b"x\n", machine=machine).stdout == ANSWERED)
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT) == 0
    finally:
        process.kill()
        process.wait()
    text = log.read_text()
    assert "listening on 127.0.0.1:7777   (Ctrl-C to stop)\n" in text
    assert text.endswith("served 1 connection, out 59 B, in 2 B, 0 errors\n")


@pytest.mark.parametrize("address, message", [
    ("systemd:", "cannot listen on the service manager's sockets: it has handed over none"),
    ("systemd:web", "cannot listen on the service manager's sockets: it has handed over none called web"),
])
def test_without_a_service_manager_that_is_told(address, message):
    done = hawser("serve", "ok", address)
    assert (done.returncode, done.stderr) == (4, f"hawser: {message}\n")


@pytest.mark.parametrize("args, message", [
    (["--mode", "fibres"], 'no mode "fibres"; did you mean "fibers"?'),
    (["--mode", "x"], 'no mode "x"; there is fibers, threads, forks and sequential'),
    (["--mode", "sequential", "--workers", "2"], "--workers does not go with --mode sequential, which has one"),
    (["--max-connections", "0"], '--max-connections "0" is no number from 1 to 1000000'),
    (["--idle-timeout", "0"], '--idle-timeout "0" is no time, such as 500ms, 10s or 2m'),
    (["--drain", "soon"], '--drain "soon" is no time, such as 500ms, 10s or 2m'),
    (["--proxy-from", "10.0.0.0/33"], '--proxy-from "10.0.0.0/33" is no network, such as 10.0.0.0/8, ::1 or unix'),
    (["--proxy-from", "::1,,::2"], '--proxy-from "" is no network, such as 10.0.0.0/8, ::1 or unix'),
    (["--proxy-from", ",".join(17 * ["::1"])], "--proxy-from has more than 16 networks"),
    (17 * ["--proxy-from=::1"], "--proxy-from is given more than 16 times"),
    (["--metrics", "1.2.3.4:x"], '"x" is neither a port number nor the name of a service'),
    (["systemd:", "80"], 'the service manager\'s sockets have their ports: "80"'),
    (["systemd:", "--udp"], "--udp does not go with the service manager's sockets"),
])
def test_wrong_usage_is_two_lines_and_status_2(args, message):
    check_usage(["ok", *args], message)

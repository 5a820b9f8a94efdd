# SPDX-License-Identifier: MIT
"""Servers in service: the modes in which a handler runs, connections that are kept, restarts, and service managers: the
examples 43, 44, 46 and 47, against telnet, nc and Python."""
import os
import re
import signal

import pytest

from desk import answered, leave, until

CLOSED = "Connection closed by foreign host."
MODES = "fibers", "threads", "forks", "sequential"


def interrupt(server):
    """Ctrl-C, which the terminal shows."""
    server.sendintr()
    server.expect_exact("^C")


# 43_modes

def greeted(telnet):
    """The process and the worker that TELNET is told."""
    telnet.expect(r"process (\d+), worker (\d+)\r\n")
    return int(telnet.match[1]), int(telnet.match[2])


@pytest.mark.parametrize("mode", MODES)
def test_one_handler_runs_in_every_mode(desk, mode):
    desk.listening("43_modes", mode, says="listening, Ctrl-C stops")
    server, here = desk.pid_at(8888), []
    for _ in range(1 if mode == "sequential" else 3):
        telnet = desk.telnet("localhost", 8888)
        here.append((telnet, *greeted(telnet)))
    for telnet, process, worker in here:
        answered(telnet, f"hi {process}")
        assert (process != server) == (mode == "forks")
        assert (worker > 0) == (mode == "fibers")
    if mode == "forks":
        assert len({process for _, process, _ in here}) == 3


def test_one_after_the_other_the_second_client_waits(desk):
    desk.listening("43_modes", "sequential", says="listening, Ctrl-C stops")
    first = desk.telnet("localhost", 8888)
    greeted(first)
    second = desk.telnet("localhost", 8888)
    until(lambda: desk.waiting(8888) == 1)
    answered(first, "hi")
    leave(first)
    greeted(second)


@pytest.mark.parametrize("mode", MODES)
def test_a_stop_lets_a_client_end_in_peace(desk, mode):
    server = desk.listening("43_modes", mode, 8888, 60, says="listening, Ctrl-C stops")
    telnet = desk.telnet("localhost", 8888)
    greeted(telnet)
    interrupt(server)
    answered(telnet, "goodbye")
    leave(telnet)
    server.says("1 clients, 0 of them cut")
    server.ends()


@pytest.mark.parametrize("mode", MODES)
def test_a_stop_cuts_who_stays(desk, mode):
    server = desk.listening("43_modes", mode, says="listening, Ctrl-C stops")
    telnet = desk.telnet("localhost", 8888)
    greeted(telnet)
    interrupt(server)
    server.says("1 clients, 1 of them cut")
    telnet.says(CLOSED)
    server.ends()


def test_modes_has_a_usage(desk):
    assert desk.example("43_modes", "coroutines").ends(2).startswith("usage: 43_modes fibers|")


# 44_keep

def test_a_kept_connection_counts_its_lines(desk):
    desk.listening("44_keep")
    one, two = desk.telnet("localhost", 8888), desk.telnet("localhost", 8888)
    for number in 1, 2:
        one.sendline("a")
        one.says("a", f"{number}: a")
    two.sendline("b")
    two.says("b", "1: b")
    assert desk.output("nc", "-N", "127.0.0.1", 8888, text="x\ny\nlast") == "1: x\n2: y\n3: last3 lines, goodbye\n"


def test_a_kept_connection_that_is_idle_is_sent_home(desk):
    telnet = desk.early(desk.listening("44_keep", 8888, 0.3), 8888, "a")
    telnet.says("1: a", "1 lines, goodbye", CLOSED)


@pytest.mark.skipif(bool(os.environ.get("HAWSER_SANITIZE")), reason="sanitizers need memory of their own")
def test_1000_kept_connections_need_less_than_3_kib_each(desk):
    desk.listening("44_keep")
    pid = desk.pid_at(8888)

    def resident():
        return int(re.search(r"VmRSS:\s+(\d+) kB", desk.output("cat", f"/proc/{pid}/status"))[1])

    first = desk.peer("keepers", 8888, 200)
    first.says("200 have their number")
    before = resident()
    crowd = desk.peer("keepers", 8888, 800)
    crowd.says("800 have their number")
    assert resident() - before < 800 * 3
    crowd.sendline()
    crowd.says("800 have the next")


# 46_restart

def test_a_restart_refuses_nobody(desk):
    first = desk.example("46_restart")
    first.expect(r"process (\d+)\r\n")
    old = first.match[1]
    desk.bound(8888)
    knocking = desk.peer("knock", 8888)
    knocking.says("knocking", f"Process {old} is here")
    stays = desk.telnet("localhost", 8888)
    stays.says(f"Process {old} is here")
    second = desk.example("46_restart")
    second.says("taking over from the server at 46_restart.sock")
    second.expect(r"process (\d+)\r\n")
    first.says("another server has taken over")
    knocking.says(f"Process {second.match[1]} is here")
    answered(stays, "still with the first")
    leave(stays)
    first.says("stopped")
    first.ends()
    knocking.sendline()
    knocking.expect(r"(\d+) of (\d+) failed\r\n")
    assert knocking.match[1] == "0" and int(knocking.match[2]) > 1
    interrupt(second)
    second.says("stopped")
    second.ends()


def test_a_second_server_without_the_handover_finds_the_port_taken(desk):
    desk.example("46_restart").expect(r"process \d+\r\n")
    desk.bound(8888)
    assert "Address already in use" in desk.example("46_restart", 8888, "elsewhere.sock").ends(1)


# 47_systemd

def test_a_service_manager_hands_its_socket_over(desk):
    manager = desk.peer("manager", 8888, desk.example_path("47_systemd"))
    manager.says("opened")
    telnet = desk.telnet("127.0.0.1", 8888)
    manager.sendline("start")
    telnet.expect(r"Hello 127\.0\.0\.1:\d+\r\n")
    manager.says("listening on 127.0.0.1:8888", "told READY=1")
    answered(telnet, "hi")
    leave(telnet)
    manager.sendline("stop")
    manager.says("told STOPPING=1", "ended with 0")


def test_without_a_service_manager_an_address_is_needed(desk):
    assert "service manager" in desk.example("47_systemd").ends(1)
    desk.listening("47_systemd", "localhost:8888", says="listening on 127.0.0.1:8888")
    telnet = desk.telnet("localhost", 8888)
    telnet.expect(r"Hello \S+:\d+\r\n")


def test_a_unix_socket_will_do_as_well(desk):
    server = desk.listening("47_systemd", "unix:door", says="listening on unix:door")
    assert desk.output("nc", "-N", "-U", "door", text="hi\n").endswith("OK...hi\n")
    server.kill(signal.SIGTERM)
    server.says("stopped")
    assert not os.path.exists(os.path.join(desk.cwd, "door"))

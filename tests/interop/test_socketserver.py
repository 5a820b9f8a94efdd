# SPDX-License-Identifier: MIT
"""Servers as a class: the examples 39 to 47, against telnet, nc and Python; the socketserver programs of tutorial 003, and the
threaded server of 004 once more."""
import os
import re
import signal

import pytest

from desk import SOURCE, until

WELCOME = "Welcome to the server. Type something and hit enter"
CLOSED = "Connection closed by foreign host."
MODES = "fibers", "threads", "forks", "sequential"


def listening(desk, name, *args, says="listening"):
    server = desk.example(name, *args)
    server.says(says)
    return server


def bound(desk, port):
    """Waits until somebody listens at PORT."""
    until(lambda: desk.output("ss", "-Hltn", f"sport = :{port}"))


def pid_at(desk, port):
    """The number of the process that listens at PORT."""
    return int(re.search(r"pid=(\d+)", desk.output("ss", "-Hltnp", f"sport = :{port}"))[1])


def waiting(desk, port):
    """How many connections wait to be accepted at PORT, over all addresses."""
    return sum(int(row.split()[1]) for row in desk.output("ss", "-Hltn", f"sport = :{port}").splitlines())


def interrupt(server):
    """Ctrl-C, which the terminal shows."""
    server.sendintr()
    server.expect_exact("^C")


def leave(telnet):
    telnet.send("\x1d")
    telnet.expect_exact("telnet> ")
    telnet.sendline("close")
    telnet.expect_exact("Connection closed.")
    telnet.ends()


def answered(telnet, text):
    telnet.sendline(text)
    telnet.says(text, f"OK...{text}")


# 39_ok_server

@pytest.fixture
def ok_server(desk):
    server = desk.example("39_ok_server")
    bound(desk, 8888)
    return server


def test_seed004_ok_server_serves_three_telnets_at_once(desk, ok_server):
    telnets = [desk.telnet("localhost", 8888) for _ in range(3)]
    for telnet in telnets:
        telnet.says(WELCOME)
    for text in "hi", "asd", "cv":
        for number, telnet in enumerate(telnets):
            telnet.sendline(f"{text} {number}")
        for number, telnet in reversed(list(enumerate(telnets))):
            telnet.says(f"{text} {number}", f"OK...{text} {number}")
    leave(telnets[0])
    answered(telnets[1], "still here")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_seed004_ok_server_answers_every_line_of_a_pipe(desk, ok_server, host):
    lines = [f"line {number}\n" for number in range(5000)]
    answers = "".join("OK..." + line for line in lines)
    assert desk.output("nc", "-N", host, 8888, text="".join(lines)) == WELCOME + "\n" + answers


def test_seed004_ok_server_with_500_python_clients(desk, ok_server):
    crowd = desk.peer("crowd", 8888, 500)
    crowd.says("500 are welcome")
    crowd.sendline()
    crowd.says("500 have had their answer")
    crowd.ends()


def test_seed004_ok_server_on_a_taken_port_says_so(desk, ok_server):
    assert desk.example("39_ok_server").ends(1) == "listen on [::]:8888: Address already in use\n"


def test_the_ok_server_is_a_dozen_lines():
    program = (SOURCE / "examples/39_ok_server.c").read_text().split("*/\n")[-1]
    assert len([line for line in program.splitlines() if line]) <= 13


# 40_socketserver and 41_socketserver_client

def test_seed003_socketserver_with_our_client(desk):
    server = listening(desk, "40_socketserver")
    client = desk.example("41_socketserver_client", 9999, "happy days")
    client.says("Sent: happy days", "Received: HAPPY DAYS")
    client.ends()
    server.expect(r"(127\.0\.0\.1|\[::1\]):\d+ wrote:\r\nhappy days\r\n")


def test_seed003_socketserver_with_the_python_client(desk):
    server = listening(desk, "40_socketserver")
    client = desk.peer("socketserver_client")
    for text in "hello", "zwei":
        client.expect_exact("Enter text: ")
        client.sendline(text)
        client.says(f"Sent: {text}", f"Received: {text.upper()}")
        server.expect(r"127\.0\.0\.1:\d+ wrote:\r\n")
        server.says(text)
    client.sendline("q")
    client.ends()


def test_seed003_socketserver_client_with_the_python_server(desk):
    server = desk.peer("socketserver_server")
    server.says("listening")
    client = desk.example("41_socketserver_client")
    for text in "hello", "zwei":
        client.expect_exact("Enter text: ")
        client.sendline(text)
        client.says(f"Sent: {text}", f"Received: {text.upper()}")
        server.expect(r"127\.0\.0\.1:\d+ wrote:\r\n")
        server.says(text)
    client.expect_exact("Enter text: ")
    client.sendeof()
    client.ends()


def test_seed003_socketserver_client_without_a_server(desk):
    assert "Connection refused" in desk.example("41_socketserver_client", 9999, "happy").ends(1)


def test_seed003_socketserver_with_telnet_and_nc(desk):
    server = listening(desk, "40_socketserver")
    telnet = desk.telnet("127.0.0.1", 9999)
    telnet.sendline("happy")
    telnet.says("happy", f"HAPPY{CLOSED}")
    server.says("happy")
    assert desk.output("nc", "-N", "127.0.0.1", 9999, text="no line end") == "NO LINE END"


def test_seed003_socketserver_serves_one_after_the_other(desk):
    server = listening(desk, "40_socketserver")
    first, second = desk.telnet("127.0.0.1", 9999), desk.telnet("127.0.0.1", 9999)
    until(lambda: waiting(desk, 9999) == 1)
    second.sendline("second")
    second.says("second")
    assert waiting(desk, 9999) == 1, "the server is busy with the first, whatever the second types"
    first.sendline("first")
    first.says("first", f"FIRST{CLOSED}")
    second.says(f"SECOND{CLOSED}")
    server.expect(r"wrote:\r\nfirst\r\n127\.0\.0\.1:\d+ wrote:\r\nsecond\r\n")


def test_a_request_that_fails_is_told_and_the_server_goes_on(desk):
    server = listening(desk, "40_socketserver")
    assert desk.output("nc", "-N", "127.0.0.1", 9999, text="x" * 3000 + "\n") == ""
    server.expect(r"read a line from 127\.0\.0\.1:\d+: it is longer than 1023 bytes\r\n")
    assert desk.output("nc", "-N", "127.0.0.1", 9999, text="next\n") == "NEXT"


# 42_interactive_server

def asks(server, text):
    """Waits until SERVER shows TEXT and waits for an answer to it."""
    server.expect(rf"(127\.0\.0\.1|\[::1\]):\d+ wrote:\r\n{text}\r\nEnter text: ")


def test_seed003_interactive_server_answers_many_clients_at_once(desk):
    server = listening(desk, "42_interactive_server")
    silent, one, two = (desk.telnet("localhost", 9999) for _ in range(3))
    one.sendline("who is there?")
    asks(server, r"who is there\?")
    two.sendline("me too")
    server.sendline("only me")
    one.says("only me")
    asks(server, "me too")
    server.sendline("fine")
    two.says("fine")
    silent.sendline("at last")
    asks(server, "at last")
    server.sendline("welcome")
    silent.says("welcome")


def test_seed003_interactive_server_with_both_clients(desk):
    server = listening(desk, "42_interactive_server")
    ours, theirs = desk.example("41_socketserver_client"), desk.peer("socketserver_client")
    for client, text in (ours, "from C"), (theirs, "from Python"), (ours, "again"):
        client.expect_exact("Enter text: ")
        client.sendline(text)
        asks(server, text)
        server.sendline(f"answer to {text}")
        client.says(f"Sent: {text}")
        client.expect_exact(f"Received: answer to {text}\r\n")


def test_seed003_interactive_server_ends_with_its_input_and_so_do_its_clients(desk):
    server = listening(desk, "42_interactive_server")
    silent, one = desk.telnet("localhost", 9999), desk.telnet("localhost", 9999)
    one.sendline("anybody?")
    asks(server, r"anybody\?")
    server.sendeof()
    server.ends()
    for telnet in silent, one:
        telnet.says(CLOSED)


# 43_modes

def greeted(telnet):
    """The process and the worker that TELNET is told."""
    telnet.expect(r"process (\d+), worker (\d+)\r\n")
    return int(telnet.match[1]), int(telnet.match[2])


@pytest.mark.parametrize("mode", MODES)
def test_one_handler_runs_in_every_mode(desk, mode):
    listening(desk, "43_modes", mode, says="listening, Ctrl-C stops")
    server, here = pid_at(desk, 8888), []
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
    listening(desk, "43_modes", "sequential", says="listening, Ctrl-C stops")
    first = desk.telnet("localhost", 8888)
    greeted(first)
    second = desk.telnet("localhost", 8888)
    until(lambda: waiting(desk, 8888) == 1)
    answered(first, "hi")
    leave(first)
    greeted(second)


@pytest.mark.parametrize("mode", MODES)
def test_a_stop_lets_a_client_end_in_peace(desk, mode):
    server = listening(desk, "43_modes", mode, 8888, 60, says="listening, Ctrl-C stops")
    telnet = desk.telnet("localhost", 8888)
    greeted(telnet)
    interrupt(server)
    answered(telnet, "goodbye")
    leave(telnet)
    server.says("1 clients, 0 of them cut")
    server.ends()


@pytest.mark.parametrize("mode", MODES)
def test_a_stop_cuts_who_stays(desk, mode):
    server = listening(desk, "43_modes", mode, says="listening, Ctrl-C stops")
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
    listening(desk, "44_keep")
    one, two = desk.telnet("localhost", 8888), desk.telnet("localhost", 8888)
    for number in 1, 2:
        one.sendline("a")
        one.says("a", f"{number}: a")
    two.sendline("b")
    two.says("b", "1: b")
    assert desk.output("nc", "-N", "127.0.0.1", 8888, text="x\ny\nlast") == "1: x\n2: y\n3: last3 lines, goodbye\n"


def test_a_kept_connection_that_is_idle_is_sent_home(desk):
    listening(desk, "44_keep", 8888, 0.3)
    telnet = desk.telnet("localhost", 8888)
    telnet.sendline("a")
    telnet.says("a", "1: a", "1 lines, goodbye", CLOSED)


@pytest.mark.skipif(bool(os.environ.get("HAWSER_SANITIZE")), reason="sanitizers need memory of their own")
def test_1000_kept_connections_need_less_than_3_kib_each(desk):
    listening(desk, "44_keep")
    pid = pid_at(desk, 8888)

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


# 45_udp_server_class

def test_seed003_udp_server_class_with_our_client(desk):
    server = listening(desk, "45_udp_server_class", says="waiting for datagrams")
    client = desk.example("25_udp_client", 9999, "happy")
    client.says("127.0.0.1:9999 answers: OK...happy")
    client.ends()
    server.expect(r"5 bytes from 127\.0\.0\.1:\d+\r\n")


@pytest.mark.parametrize("host, size", [("127.0.0.1", 3), ("::1", 3), ("127.0.0.1", 60000)])
def test_seed003_udp_server_class_with_the_python_client(desk, host, size):
    server = listening(desk, "45_udp_server_class", says="waiting for datagrams")
    client = desk.peer("udp_client", host, size)
    client.says(f"{size + 5} bytes, whole: True")
    server.expect(rf"{size} bytes from \S+\r\n")


def test_seed003_udp_server_class_with_nc(desk):
    listening(desk, "45_udp_server_class", says="waiting for datagrams")
    nc = desk.run("nc", "-u", "localhost", 9999)
    for text in "one", "two":
        nc.sendline(text)
        nc.says(text, f"OK...{text}")


# 46_restart

def test_a_restart_refuses_nobody(desk):
    first = desk.example("46_restart")
    first.expect(r"process (\d+)\r\n")
    old = first.match[1]
    bound(desk, 8888)
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
    bound(desk, 8888)
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
    listening(desk, "47_systemd", "localhost:8888", says="listening on 127.0.0.1:8888")
    telnet = desk.telnet("localhost", 8888)
    telnet.expect(r"Hello \S+:\d+\r\n")


def test_a_unix_socket_will_do_as_well(desk):
    server = listening(desk, "47_systemd", "unix:door", says="listening on unix:door")
    assert desk.output("nc", "-N", "-U", "door", text="hi\n").endswith("OK...hi\n")
    server.kill(signal.SIGTERM)
    server.says("stopped")
    assert not os.path.exists(os.path.join(desk.cwd, "door"))

# SPDX-License-Identifier: MIT
"""Servers as a class: the examples 39 to 42 and 45, against telnet, nc and Python; the socketserver programs of tutorial 003,
and the threaded server of 004 once more."""
import pytest

from desk import SOURCE, answered, leave, until

WELCOME = "Welcome to the server. Type something and hit enter"
CLOSED = "Connection closed by foreign host."


# 39_ok_server

@pytest.fixture
def ok_server(desk):
    server = desk.example("39_ok_server")
    desk.bound(8888)
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
    server = desk.listening("40_socketserver")
    client = desk.example("41_socketserver_client", 9999, "happy days")
    client.says("Sent: happy days", "Received: HAPPY DAYS")
    client.ends()
    server.expect(r"(127\.0\.0\.1|\[::1\]):\d+ wrote:\r\nhappy days\r\n")


def test_seed003_socketserver_with_the_python_client(desk):
    server = desk.listening("40_socketserver")
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
    server = desk.listening("40_socketserver")
    telnet = desk.telnet("127.0.0.1", 9999)
    telnet.sendline("happy")
    telnet.says("happy", f"HAPPY{CLOSED}")
    server.says("happy")
    assert desk.output("nc", "-N", "127.0.0.1", 9999, text="no line end") == "NO LINE END"


def test_seed003_socketserver_serves_one_after_the_other(desk):
    server = desk.listening("40_socketserver")
    first, second = desk.telnet("127.0.0.1", 9999), desk.telnet("127.0.0.1", 9999)
    until(lambda: desk.waiting(9999) == 1)
    second.sendline("second")
    second.says("second")
    assert desk.waiting(9999) == 1, "the server is busy with the first, whatever the second types"
    first.sendline("first")
    first.says("first", f"FIRST{CLOSED}")
    second.says(f"SECOND{CLOSED}")
    server.expect(r"wrote:\r\nfirst\r\n127\.0\.0\.1:\d+ wrote:\r\nsecond\r\n")


def test_a_request_that_fails_is_told_and_the_server_goes_on(desk):
    server = desk.listening("40_socketserver")
    assert desk.output("nc", "-N", "127.0.0.1", 9999, text="x" * 3000 + "\n") == ""
    server.expect(r"read a line from 127\.0\.0\.1:\d+: it is longer than 1023 bytes\r\n")
    assert desk.output("nc", "-N", "127.0.0.1", 9999, text="next\n") == "NEXT"


# 42_interactive_server

def asks(server, text):
    """Waits until SERVER shows TEXT and waits for an answer to it."""
    server.expect(rf"(127\.0\.0\.1|\[::1\]):\d+ wrote:\r\n{text}\r\nEnter text: ")


def test_seed003_interactive_server_answers_many_clients_at_once(desk):
    server = desk.listening("42_interactive_server")
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
    server = desk.listening("42_interactive_server")
    ours, theirs = desk.example("41_socketserver_client"), desk.peer("socketserver_client")
    for client, text in (ours, "from C"), (theirs, "from Python"), (ours, "again"):
        client.expect_exact("Enter text: ")
        client.sendline(text)
        asks(server, text)
        server.sendline(f"answer to {text}")
        client.says(f"Sent: {text}")
        client.expect_exact(f"Received: answer to {text}\r\n")


def test_seed003_interactive_server_ends_with_its_input_and_so_do_its_clients(desk):
    server = desk.listening("42_interactive_server")
    silent, one = desk.telnet("localhost", 9999), desk.telnet("localhost", 9999)
    one.sendline("anybody?")
    asks(server, r"anybody\?")
    server.sendeof()
    server.ends()
    for telnet in silent, one:
        telnet.says(CLOSED)


# 45_udp_server_class

def test_seed003_udp_server_class_with_our_client(desk):
    server = desk.listening("45_udp_server_class", says="waiting for datagrams")
    client = desk.example("25_udp_client", 9999, "happy")
    client.says("127.0.0.1:9999 answers: OK...happy")
    client.ends()
    server.expect(r"5 bytes from 127\.0\.0\.1:\d+\r\n")


@pytest.mark.parametrize("host, size", [("127.0.0.1", 3), ("::1", 3), ("127.0.0.1", 60000)])
def test_seed003_udp_server_class_with_the_python_client(desk, host, size):
    server = desk.listening("45_udp_server_class", says="waiting for datagrams")
    client = desk.peer("udp_client", host, size)
    client.says(f"{size + 5} bytes, whole: True")
    server.expect(rf"{size} bytes from \S+\r\n")


def test_seed003_udp_server_class_with_nc(desk):
    desk.listening("45_udp_server_class", says="waiting for datagrams")
    nc = desk.run("nc", "-u", "localhost", 9999)
    for text in "one", "two":
        nc.sendline(text)
        nc.says(text, f"OK...{text}")

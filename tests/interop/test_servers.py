# SPDX-License-Identifier: MIT
"""Tutorial 004: a server that accepts one client, echoes once, answers in a loop, and answers many at once; and how one stops."""
import pytest

from desk import leave, until

WELCOME = "Welcome to the server. Type something and hit enter"
CLOSED = "Connection closed by foreign host."


def start(desk, name, *args):
    """The example NAME, when it listens."""
    server = desk.example(name, *args)
    server.says("Socket created", "Socket bind complete", "Socket now listening")
    return server


def connected(server):
    """The port of the client that SERVER says it has accepted next."""
    server.expect(r"Connected with 127\.0\.0\.1:(\d+)\r\n")
    return server.match[1]


def test_seed004_server_that_accepts_one_with_telnet(desk):
    server = start(desk, "09_accept_one")
    telnet = desk.telnet("localhost", 8888)
    telnet.says(CLOSED)
    telnet.ends()
    connected(server)
    server.ends()


@pytest.mark.parametrize("name", ["09_accept_one", "10_echo_once", "11_ok_loop", "14_ok_threads"])
def test_seed004_bind_failure_message(desk, name):
    start(desk, "14_ok_threads", 8888)
    second = desk.example(name, 8888)
    second.says("Socket created", "Bind failed. Error Code : 98 Message Address already in use")
    assert second.ends(1).endswith(":8888: Address already in use\n")


def test_seed004_echo_once_with_telnet(desk):
    server = start(desk, "10_echo_once")
    telnet = desk.telnet("localhost", 8888)
    connected(server)
    telnet.sendline("happy")
    telnet.says("happy", "happy", CLOSED)
    telnet.ends()
    server.ends()


def test_seed004_echo_once_with_nc_and_with_python(desk):
    server = start(desk, "10_echo_once")
    assert desk.output("nc", "127.0.0.1", 8888, text="happy\n") == "happy\n"
    server.ends()
    server = start(desk, "10_echo_once")
    client = desk.peer("ask", 8888, "happy")
    client.expect(r"from port (\d+)")
    assert connected(server) == client.match[1]
    client.says("happy")
    server.ends()


def test_seed004_ok_loop_answers_each_of_three_telnets_once_and_in_turn(desk):
    server = start(desk, "11_ok_loop")
    first = desk.telnet("localhost", 5000)
    connected(server)
    others = [desk.telnet("localhost", 5000) for _ in range(2)]
    until(lambda: desk.waiting(5000) == 2)
    for number, telnet in enumerate(others):
        telnet.sendline(f"waiting {number}")
        telnet.says(f"waiting {number}")
    assert desk.waiting(5000) == 2, "the server is busy with the first, whatever the others type"
    first.sendline("hi")
    first.says("hi", "OK...hi", CLOSED)
    for number, telnet in enumerate(others):
        connected(server)
        telnet.says(f"OK...waiting {number}", CLOSED)
        telnet.ends()


def test_seed004_ok_loop_goes_on_after_a_client_without_a_word(desk):
    server = start(desk, "11_ok_loop")
    assert desk.output("nc", "-N", "127.0.0.1", 5000) == ""
    connected(server)
    client = desk.peer("ask", 5000, "hi")
    client.says("OK...hi")
    client.ends()


def test_seed004_ok_threads_serves_three_telnets_at_once(desk):
    server = start(desk, "14_ok_threads")
    telnets = [desk.telnet("localhost", 8888) for _ in range(3)]
    ports = [connected(server) for _ in telnets]
    assert len(set(ports)) == 3
    for telnet in telnets:
        telnet.says(WELCOME)
    for text in "hi", "asd", "cv":
        for number, telnet in enumerate(telnets):
            telnet.sendline(f"{text} {number}")
        for number, telnet in reversed(list(enumerate(telnets))):
            telnet.says(f"{text} {number}", f"OK...{text} {number}")


def test_seed004_telnet_leaves_with_its_escape_key_and_close(desk):
    server = start(desk, "14_ok_threads")
    stays, leaves = (desk.telnet("localhost", 8888) for _ in range(2))
    for telnet in stays, leaves:
        connected(server)
        telnet.says(WELCOME)
    leave(leaves)
    stays.sendline("still here")
    stays.says("still here", "OK...still here")


def test_seed004_ok_threads_answers_every_line_of_a_pipe(desk):
    start(desk, "14_ok_threads")
    lines = [f"line {number}\n" for number in range(5000)]
    assert desk.output("nc", "-N", "127.0.0.1", 8888, text="".join(lines)) == WELCOME + "\n" + "".join(
        "OK..." + line for line in lines)


def test_a_server_stops_cleanly_on_ctrl_c(desk):
    server = desk.example("29_stop_cleanly")
    server.says("listening, Ctrl-C stops")
    leaves, silent, talks = (desk.telnet("localhost", 8888) for _ in range(3))
    for telnet in leaves, talks:
        telnet.sendline("hi")
        telnet.says("hi", "hi")
    leave(leaves)
    server.sendintr()
    for telnet in silent, talks:
        telnet.says("goodbye", CLOSED)
        telnet.ends()
    assert server.ends().replace("^C", "") == "stopped\n"


def test_a_server_that_stops_does_not_wait_for_a_client_that_does_not_read(desk):
    server = desk.example("29_stop_cleanly")
    server.says("listening, Ctrl-C stops")
    client = desk.peer("flood", 8888)
    client.says("the server takes no more")
    server.sendintr()
    assert server.ends().replace("^C", "") == "stopped\n"


def test_a_server_that_cannot_listen_has_nothing_to_stop(desk):
    start(desk, "14_ok_threads", 8888)
    assert "127.0.0.1:8888: Address already in use\n" in desk.example("29_stop_cleanly").ends(1)

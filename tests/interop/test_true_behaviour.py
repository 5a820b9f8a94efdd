# SPDX-License-Identifier: MIT
"""Where the tutorials teach wrong: what listen(5), one recv and one send really do; and descriptors on their way."""
import pytest


@pytest.mark.parametrize("seed, backlog", [("seed000", 5), ("seed002", 2), ("seed004", 10)])
def test_listen_lets_one_more_than_its_number_connect_and_the_next_waits(desk, seed, backlog):
    program = desk.example("13_backlog", backlog)
    program.says(f"listen({backlog}), and nobody calls accept")
    program.says(*(f"client {number} is connected" for number in range(1, backlog + 2)))
    program.expect(rf"client {backlog + 2} waits: connect to 127\.0\.0\.1:\d+: Timed out\r\n")
    program.says(f"one accept later client {backlog + 2} is connected")
    assert program.ends() == ""


def test_seed000_listen_5_is_what_the_program_shows_by_itself(desk):
    assert "client 6 is connected\nclient 7 waits: " in desk.example("13_backlog").ends()


@pytest.mark.parametrize("seed, name, port, backlog", [
    ("seed000", "03_greeting_steps", 12345, 5), ("seed002", "15_pair_server", 12121, 2), ("seed004", "10_echo_once", 8888, 10)])
def test_servers_listen_with_the_number_of_their_tutorial(desk, seed, name, port, backlog):
    desk.example(name).expect_exact("listening")
    assert desk.backlog(port) == backlog


def test_seed003_one_recv_is_not_one_message_and_one_send_is_not_all(desk):
    assert desk.example("12_messages").ends().splitlines() == [
        "sent 2 messages; one recv brought 8 bytes",
        "sent half a message; one recv brought 3 bytes",
        "readline brought a line: ee",
        "readline brought a line: four",
        f"one send took a part of the {4 << 20} bytes",
    ]


def test_a_connection_passed_to_another_process_is_answered_by_that_process(desk):
    server = desk.example("28_descriptor_passing")
    server.expect(r"process (\d+) is listening, process (\d+) answers\r\n")
    listens, answers = server.match.groups()
    assert listens != answers
    for _ in range(3):
        assert desk.output("nc", "127.0.0.1", 12345) == f"Thank you for connecting, says process {answers}\n"
        server.expect(r"Got connection from 127\.0\.0\.1:\d+\r\n")
    telnet = desk.telnet("localhost", 12345)
    telnet.says(f"Thank you for connecting, says process {answers}", "Connection closed by foreign host.")

# SPDX-License-Identifier: MIT
"""Tutorials 002 and 003: the pair on 12121, the typed chat that ends with q, and the server that answers in upper case."""
import pytest

PROMPT = "Type message: "


def type_at(terminal, text):
    """Types TEXT at the prompt of TERMINAL."""
    terminal.expect_exact(PROMPT)
    terminal.sendline(text)


def converse(server, client, heard):
    """Two turns of a chat; HEARD is what the server shows of a client's text. Then the client leaves with q."""
    for question, answer in ("hello there", "good day"), ("how is the rope", "taut"):
        type_at(client, question)
        server.says("From client: " + heard(question))
        type_at(server, answer)
        client.says("Received from server: " + answer)
    type_at(client, "q")
    client.ends()
    server.ends()


def test_seed002_pair_of_ours(desk, host_name):
    server = desk.example("15_pair_server")
    server.says(f"{host_name} is listening on port 12121")
    client = desk.example("16_pair_client")
    client.says(f"Connected to {host_name}", "The server says: Hello from the server", "Disconnected")
    client.ends()
    server.expect(r"Got connection from 127\.0\.\d\.1:\d+\r\n")
    server.says("The client says: Hello from the client")
    server.ends()


def test_seed002_pair_server_with_the_python_client(desk):
    server = desk.example("15_pair_server")
    server.expect_exact("is listening on port 12121")
    client = desk.peer("pair_client")
    client.says("got Hello from the server")
    client.ends()
    server.says("The client says: Thanks")
    server.ends()


def test_seed002_pair_client_with_the_python_server(desk):
    server = desk.peer("pair_server")
    server.says("listening")
    client = desk.example("16_pair_client")
    client.says("The server says: Welcome", "Disconnected")
    client.ends()
    server.says("got Hello from the client")
    server.ends()


def test_seed002_pair_client_without_a_server(desk, host_name):
    said = desk.example("16_pair_client").ends(1)
    assert said == f"connect to {host_name}:12121: Connection refused\n"


def test_seed003_chat_between_two_of_ours_until_q(desk):
    server = desk.example("17_chat_server")
    server.says("Waiting for the other side")
    client = desk.example("18_chat_client")
    server.expect(r"Connection request from: (127\.0\.0\.1|\[::1\]):\d+\r\n")
    converse(server, client, heard=str)


def test_seed003_chat_server_with_the_python_client(desk):
    server = desk.example("17_chat_server")
    server.says("Waiting for the other side")
    client = desk.peer("chat_client", 12345)
    server.expect(r"Connection request from: 127\.0\.0\.1:\d+\r\n")
    converse(server, client, heard=str)


def test_seed003_chat_client_with_the_python_server(desk):
    server = desk.peer("chat_server", 5001)
    server.says("listening")
    client = desk.example("18_chat_client", 5001)
    converse(server, client, heard=str.upper)


def test_seed003_chat_survives_an_empty_line(desk):
    server = desk.example("17_chat_server")
    server.says("Waiting for the other side")
    client = desk.example("18_chat_client")
    type_at(client, "")
    type_at(client, "not empty")
    server.says("From client: not empty")
    type_at(server, "")
    type_at(server, "neither")
    client.says("Received from server: neither")


@pytest.mark.parametrize("leaver", ["client", "server"])
def test_seed003_chat_ends_at_the_end_of_either_input(desk, leaver):
    server = desk.example("17_chat_server")
    server.says("Waiting for the other side")
    client = desk.example("18_chat_client")
    if leaver == "server":
        type_at(client, "hello")
        server.says("From client: hello")
    terminal = {"client": client, "server": server}[leaver]
    terminal.expect_exact(PROMPT)
    terminal.sendeof()
    server.ends()
    client.ends()


def test_seed003_chat_client_without_a_server(desk):
    said = desk.example("18_chat_client").ends(1)
    assert said.startswith("connect to localhost:12345: Connection refused")


def test_seed003_upper_server_with_telnet(desk):
    server = desk.example("19_upper_server")
    server.says("Waiting for clients")
    telnet = desk.telnet("localhost", 5001)
    server.expect(r"Connection from: \[::1\]:\d+\r\n")
    for line in "hello there", "Mixed Case 123":
        telnet.sendline(line)
        telnet.says(line, line.upper())
        server.expect_exact("From client: " + line.upper())


def test_seed003_upper_server_with_both_chat_clients(desk):
    server = desk.example("19_upper_server")
    server.says("Waiting for clients")
    for start, name in (desk.example, "18_chat_client"), (desk.peer, "chat_client"):
        client = start(name, 5001)
        server.expect(r"Connection from: (127\.0\.0\.1|\[::1\]):\d+\r\n")
        for text in "hello there", "again":
            type_at(client, text)
            server.says("From client: " + text.upper())
            client.says("Received from server: " + text.upper())
        type_at(client, "q")
        client.ends()


def test_seed003_upper_server_changes_a_stream_of_several_recvs(desk):
    desk.example("19_upper_server").says("Waiting for clients")
    text = "".join(f"line {number} of many\n" for number in range(300))
    assert desk.output("nc", "-N", "127.0.0.1", 5001, text=text) == text.upper()

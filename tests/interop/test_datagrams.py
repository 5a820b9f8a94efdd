# SPDX-License-Identifier: MIT
"""Tutorials 001 and 003: sendto and recvfrom over UDP, and the Unix family as a stream and as datagrams."""
import re

import pytest


@pytest.fixture
def udp(desk):
    server = desk.example("24_udp_server")
    server.says("Socket bind complete")
    return server


def test_seed003_udp_between_two_of_ours(desk, udp):
    client = desk.example("25_udp_client", 9999, "rope")
    client.says("127.0.0.1:9999 answers: OK...rope")
    client.ends()
    udp.expect(r"4 bytes from 127\.0\.0\.1:\d+\r\n")


def test_seed003_udp_server_with_nc(desk, udp):
    nc = desk.run("nc", "-u", "localhost", "9999")
    for text in "happy", "again":
        nc.sendline(text)
        nc.says(text, "OK..." + text)
        udp.expect(r"6 bytes from \[::1\]:\d+\r\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("size", [0, 1, 9000, 65000])
def test_seed003_udp_server_with_the_python_client(desk, udp, host, size):
    client = desk.peer("udp_client", host, size)
    client.says(f"{size + 5} bytes, whole: True")
    client.ends()
    udp.expect(rf"{size} bytes from {re.escape('[::1]' if ':' in host else host)}:\d+\r\n")


def test_seed003_udp_client_with_the_python_server(desk):
    server = desk.peer("udp_server")
    server.says("bound")
    client = desk.example("25_udp_client")
    client.says("127.0.0.1:9999 answers: OK...happy")
    client.ends()
    server.expect(r"5 bytes from \('127\.0\.0\.1', \d+\)")


def test_seed003_udp_client_without_a_server_asks_three_times(desk):
    client = desk.example("25_udp_client")
    client.says(*(f"no answer to question {attempt}" for attempt in (1, 2, 3)))
    assert client.ends(1).startswith("receive from ")


def test_seed003_unix_stream_between_two_of_ours(desk):
    server = desk.example("26_unix_stream", "serve", "unix:greeting.sock")
    server.says("listening on unix:greeting.sock")
    client = desk.example("26_unix_stream", "unix:greeting.sock")
    client.says("Thank you for connecting")
    client.ends()
    server.says(f"Got connection from process {client.pid} of user {desk.output('id', '-u').strip()}")


def test_seed003_unix_stream_server_with_nc_and_with_python(desk):
    server = desk.example("26_unix_stream", "serve", "unix:greeting.sock")
    server.says("listening on unix:greeting.sock")
    assert desk.output("nc", "-U", "greeting.sock") == "Thank you for connecting\n"
    server.expect_exact("Got connection from process ")
    client = desk.peer("unix_client", "greeting.sock")
    client.expect(r"process (\d+)\r\n")
    server.expect_exact(f"Got connection from process {client.match[1]} of user ")
    client.says("Thank you for connecting")


def test_seed003_unix_stream_with_a_name_instead_of_a_file(desk):
    server = desk.example("26_unix_stream", "serve", "unix:@greeting")
    server.says("listening on unix:@greeting")
    desk.peer("unix_client", "@greeting").says("Thank you for connecting")
    desk.example("26_unix_stream", "unix:@greeting").says("Thank you for connecting")


def test_seed003_unix_stream_client_with_the_python_server(desk, tmp_path):
    server = desk.peer("unix_server", "python.sock")
    server.says("listening")
    client = desk.example("26_unix_stream", "unix:python.sock")
    client.says("Greetings from Python")
    client.ends()


def test_seed003_unix_stream_server_refuses_a_live_file_and_replaces_a_dead_one(desk, tmp_path):
    first = desk.example("26_unix_stream", "serve", "unix:greeting.sock")
    first.says("listening on unix:greeting.sock")
    second = desk.example("26_unix_stream", "serve", "unix:greeting.sock")
    assert second.ends(1) == "listen on unix:greeting.sock: Address already in use\n"
    first.stop()
    assert (tmp_path / "greeting.sock").is_socket()
    third = desk.example("26_unix_stream", "serve", "unix:greeting.sock")
    third.says("listening on unix:greeting.sock")
    assert desk.output("nc", "-U", "greeting.sock") == "Thank you for connecting\n"


def test_seed003_unix_datagrams_between_two_of_ours(desk):
    server = desk.example("27_unix_datagram", "serve", "unix:datagram.sock")
    server.says("listening on unix:datagram.sock")
    client = desk.example("27_unix_datagram", "rope", "unix:datagram.sock")
    client.says("rope")
    client.ends()
    server.expect(r"4 bytes from unix:@[0-9a-f]{5}\r\n")


def test_seed003_unix_datagram_server_with_nc_and_with_python(desk):
    server = desk.example("27_unix_datagram", "serve", "unix:datagram.sock")
    server.says("listening on unix:datagram.sock")
    nc = desk.run("nc", "-uU", "-s", "nc.sock", "datagram.sock")
    nc.sendline("happy")
    nc.says("happy", "happy")
    server.says("6 bytes from unix:nc.sock")
    client = desk.peer("unix_datagram_client", "datagram.sock")
    client.says("one two")
    client.ends()


def test_seed003_unix_datagram_client_with_the_python_server(desk):
    server = desk.peer("unix_datagram_server", "python.sock")
    server.says("bound")
    client = desk.example("27_unix_datagram", "rope", "unix:python.sock")
    client.says("ROPE")
    client.ends()


def test_seed003_unix_datagram_client_without_a_server(desk):
    assert desk.example("27_unix_datagram", "rope", "unix:nobody.sock").ends(1).endswith("No such file or directory\n")

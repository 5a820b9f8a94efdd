# SPDX-License-Identifier: MIT
"""Tutorials 000 and 001: the greeting server on 12345 and those who read it."""
import re

GREETING = "Thank you for connecting"
ANY_PORT = r"(\d+)\r\n"


def test_seed000_greeting_server_with_telnet(desk):
    server = desk.example("01_greeting_server")
    server.says("socket is listening")
    telnet = desk.run("telnet", "localhost", "12345")
    telnet.says("Trying ::1...", "Connected to localhost.", "Escape character is '^]'.")
    telnet.says(GREETING + "Connection closed by foreign host.")
    telnet.ends()
    server.expect(r"Got connection from \[::1\]:" + ANY_PORT)


def test_seed000_greeting_server_step_by_step_with_telnet(desk):
    server = desk.example("03_greeting_steps")
    server.says("Socket successfully created", "socket binded to 12345", "socket is listening")
    telnet = desk.run("telnet", "localhost", "12345")
    telnet.says("Trying ::1...", "Trying 127.0.0.1...", "Connected to localhost.", "Escape character is '^]'.",
                GREETING + "Connection closed by foreign host.")
    telnet.ends()
    server.expect(r"Got connection from 127\.0\.0\.1:" + ANY_PORT)


def test_seed000_greeting_server_with_the_python_client(desk):
    for name in "01_greeting_server", "03_greeting_steps":
        server = desk.example(name)
        server.says("socket is listening")
        client = desk.peer("greeting_client")
        client.expect(r"from port " + ANY_PORT)
        port = client.match[1]
        client.says(GREETING)
        client.ends()
        server.says(f"Got connection from 127.0.0.1:{port}")
        server.stop()


def test_seed000_greeting_server_with_nc_over_both_families(desk):
    desk.example("01_greeting_server").says("socket is listening")
    for host in "127.0.0.1", "::1", "localhost":
        assert desk.output("nc", host, 12345) == GREETING


def test_seed000_greeting_server_goes_on_for_ever(desk):
    server = desk.example("01_greeting_server")
    server.says("socket is listening")
    for _ in range(20):
        assert desk.output("nc", "127.0.0.1", 12345) == GREETING
        server.expect(r"Got connection from 127\.0\.0\.1:" + ANY_PORT)


def test_seed000_greeting_client_with_both_of_our_servers(desk):
    for name in "01_greeting_server", "03_greeting_steps":
        server = desk.example(name)
        server.says("socket is listening")
        client = desk.example("02_greeting_client")
        client.says(GREETING)
        client.ends()
        server.stop()


def test_seed000_greeting_client_with_the_python_server(desk):
    server = desk.peer("greeting_server")
    server.says("socket is listening")
    client = desk.example("02_greeting_client")
    client.says(GREETING)
    client.ends()
    server.expect(r"Got connection from \('127\.0\.0\.1', \d+\)")


def test_seed000_greeting_client_reads_to_the_end_however_the_greeting_is_cut(desk):
    server = desk.run("nc", "-lv", "127.0.0.1", "12345")
    server.expect_exact("Listening on ")
    client = desk.example("02_greeting_client")
    server.expect_exact("Connection received")
    server.sendline("Thank you")
    client.says("Thank you")
    server.sendline("for connecting")
    client.says("for connecting")
    server.stop()
    client.ends()


def test_seed000_greeting_client_without_a_server_says_what_was_tried(desk):
    client = desk.example("02_greeting_client")
    client.expect_exact("connect to localhost:12345: Connection refused")
    said = client.ends(1)
    assert "[::1]:12345" in said and "127.0.0.1:12345" in said


def test_seed000_a_taken_port_is_named(desk):
    desk.peer("greeting_server").says("socket is listening")
    steps = desk.example("03_greeting_steps")
    steps.says("Socket successfully created")
    assert re.fullmatch(r"bind .*12345.*: Address already in use\n", steps.ends(1))
    assert re.fullmatch(r"listen on .*12345.*: Address already in use\n", desk.example("01_greeting_server").ends(1))


def test_seed000_a_restarted_server_has_its_port_at_once(desk):
    for _ in range(2):
        server = desk.example("03_greeting_steps")
        server.says("socket is listening")
        assert desk.output("nc", "127.0.0.1", 12345) == GREETING
        server.stop()
    assert "TIME-WAIT" in desk.output("ss", "-Htan", "sport = :12345")


def test_seed001_greeting_server_and_client_on_the_host_name(desk, host_name):
    server = desk.example("03_greeting_steps", 12345, host_name)
    server.says("socket is listening")
    client = desk.peer("greeting_client", host_name)
    client.says(GREETING)
    client.ends()
    server.expect(r"Got connection from 127\.0\.\d\.1:" + ANY_PORT)
    assert "127.0.1.1:12345" in desk.output("ss", "-Hltn", "sport = :12345")

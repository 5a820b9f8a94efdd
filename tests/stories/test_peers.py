# SPDX-License-Identifier: MIT
"""The command with the programs that people have already: telnet, nc, and the tutorials' own clients in Python."""
import re
import subprocess

import pexpect
import pytest
from conftest import PYTHON, TIMEOUT, WELCOME


@pytest.fixture
def telnet():
    opened = []

    def run(port, host="localhost"):
        child = pexpect.spawn("telnet", [host, str(port)], timeout=TIMEOUT, encoding="utf-8")
        opened.append(child)
        child.expect_exact("Escape character is '^]'.\r\n")
        return child
    yield run
    for child in opened:
        child.close(force=True)


def python(program, *args):
    """What a script prints."""
    return subprocess.run([PYTHON, "-c", program, *map(str, args)], stdout=subprocess.PIPE, check=True, timeout=TIMEOUT).stdout


def test_tutorials_000_and_001_telnet_reads_the_greeting(serve, telnet):
    child = telnet(serve("greet", 0).port)
    child.expect_exact("Thank you for connectingConnection closed by foreign host.\r\n")
    child.expect(pexpect.EOF)


def test_tutorials_000_and_001_a_python_client_reads_the_greeting(serve):
    program = "import socket, sys; s = socket.socket(); s.connect(('127.0.0.1', int(sys.argv[1]))); print(s.recv(1024))"
    assert python(program, serve("greet", 0).port) == b"b'Thank you for connecting'\n"


def test_tutorial_004_three_telnets_talk_to_the_ok_server_at_once(serve, telnet):
    server = serve("ok", 0)
    children = [telnet(server.port) for _ in range(3)]
    for child in children:
        child.expect_exact("Welcome to the server. Type something and hit enter\r\n")
    for word in "hi", "asd", "cv":
        for child in reversed(children):
            child.sendline(word)
            child.expect_exact(f"{word}\r\nOK...{word}\r\n")
    for child in children:
        child.sendcontrol("]")
        child.expect_exact("telnet> ")
        child.sendline("close")
        child.expect_exact("Connection closed.")
    assert re.search(r"served 3 connections, out \d+ B, in 39 B, 0 errors$", server.stop())


def test_tutorials_002_and_003_a_typed_chat_with_the_upper_server(serve):
    """The script sends what was typed without a newline, and waits for the answer."""
    program = """
import socket, sys
s = socket.socket()
s.connect(("127.0.0.1", int(sys.argv[1])))
for message in "hello", "how are you", "q":
    s.send(message.encode())
    print("Received from server: " + s.recv(1024).decode())
s.close()
"""
    answers = python(program, serve("upper", 0).port).decode().splitlines()
    assert answers == ["Received from server: HELLO", "Received from server: HOW ARE YOU", "Received from server: Q"]


def test_tutorial_003_a_datagram_and_its_answer(serve):
    program = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.sendto(b"hello", ("127.0.0.1", int(sys.argv[1])))
print(s.recvfrom(1024)[0])
"""
    assert python(program, serve("upper", 0, "--udp").port) == b"b'HELLO'\n"


def test_nc_is_answered(serve):
    port = serve("ok", 0).port
    done = subprocess.run(["nc", "-N", "127.0.0.1", str(port)], input=b"hi\n", stdout=subprocess.PIPE, timeout=TIMEOUT)
    assert (done.returncode, done.stdout) == (0, WELCOME + b"OK...hi\n")


def test_it_talks_to_a_listening_nc(start):
    server = subprocess.Popen(["nc", "-lvN", "127.0.0.1", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    try:
        port = int(server.stderr.readline().split()[-1])
        client = start("connect", "127.0.0.1", port, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        client.process.stdin.write(b"to nc\n")
        client.process.stdin.flush()
        assert server.stdout.readline() == b"to nc\n"
        server.stdin.write(b"from nc\n")
        server.stdin.flush()
        assert client.process.stdout.readline() == b"from nc\n"
        client.process.stdin.close()
        client.ends()
        assert server.wait(TIMEOUT) == 0
        client.process.stdin = None
    finally:
        server.kill()
        server.communicate()

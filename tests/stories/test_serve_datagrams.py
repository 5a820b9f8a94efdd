# SPDX-License-Identifier: MIT
"""hawser serve --udp: every datagram is answered, to where it came from."""
import contextlib
import os
import re
import socket
import subprocess

import pytest
from conftest import THANKS, TIMEOUT


def udp(host="127.0.0.1", port=0):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(TIMEOUT)
    s.bind((host, port))
    return s


def ask(server, data, host="127.0.0.1"):
    """Through a connected socket: it takes an answer from the address it asked, and from no other."""
    with udp(host) as client:
        client.connect((host, server.port))
        client.send(data)
        return client.recv(65536)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("service, data, answer", [
    ("greet", b"anything", THANKS),
    ("thanks", b"", THANKS),
    ("echo", b"\x00\xff\n", b"\x00\xff\n"),
    ("echo", b"", b""),
    ("ok", b"hi", b"OK...hi"),
    ("ok", b"a\nb\n", b"OK...a\nOK...b\n"),
    ("upper", b"hi 5", b"HI 5"),
])
def test_each_datagram_is_answered_on_both_loopbacks(serve, host, service, data, answer):
    assert ask(serve(service, 0, "--udp"), data, host) == answer


def test_it_says_where_it_listens_what_it_answered_and_the_sum(serve):
    server = serve("echo", 0, "--udp")
    assert server.lines == [f"listening on 127.0.0.1:{server.port} and [::1]:{server.port}, datagrams   (Ctrl-C to stop)"]
    ask(server, b"12345")
    ask(server, b"123", "::1")
    server.says(r"^\d\d:\d\d:\d\d  = 127\.0\.0\.1:\d+  out 5 B  in 5 B$")
    server.says(r"^\d\d:\d\d:\d\d  = \[::1\]:\d+  out 3 B  in 3 B$")
    assert server.stop().endswith("stopping\nserved 2 datagrams, out 8 B, in 8 B, 0 errors")


def test_datagrams_of_the_largest_size_are_echoed_whole(serve):
    data = os.urandom(65507)
    assert ask(serve("echo", 0, "--udp"), data) == data


def test_an_answer_too_long_for_a_datagram_is_an_error_in_the_log_and_no_more(serve):
    server = serve("ok", "127.0.0.1:0", "--udp")
    with udp() as client:
        client.sendto(b"\n" * 60000, ("127.0.0.1", server.port))
        server.says(r"  = \S+  out 0 B  in 59 KiB  message too long$")
    assert ask(server, b"x") == b"OK...x"
    assert server.stop().endswith("1 error")


def test_a_public_server_answers_from_the_address_that_was_asked(machine, serve):
    server = serve("echo", 7777, "--udp", "--public", machine=machine)
    program = """
import socket
for host in "127.0.0.1", "127.0.0.2", "::1":
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(20)
    s.connect((host, 7777))
    s.send(b"x")
    assert s.recv(10) == b"x", host
"""
    subprocess.run(machine.command("/usr/bin/python3", "-c", program), check=True, timeout=TIMEOUT)
    assert server.stop().endswith("served 3 datagrams, out 3 B, in 3 B, 0 errors")


def test_a_free_port_is_one_that_is_free_on_both_loopbacks(machine, serve):
    """Two ports to choose from, one of them taken on one loopback."""
    subprocess.run(machine.command("sh", "-c", "echo 40000 40001 > /proc/sys/net/ipv4/ip_local_port_range"), check=True,
                   timeout=TIMEOUT)
    program = "import socket; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(('::1', 40000)); print(flush=True); input()"
    holder = subprocess.Popen(machine.command("/usr/bin/python3", "-c", program), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"\n"
        for _ in range(6):
            server = serve("echo", 0, "--udp", machine=machine)
            assert server.lines[0].startswith("listening on 127.0.0.1:40001 and [::1]:40001, ")
            server.stop()
    finally:
        holder.communicate()


def test_two_servers_cannot_be_made_to_answer_each_other(serve):
    """A datagram that comes from the server's own port number, on another address."""
    server = serve("echo", "127.0.0.1:0", "--udp")
    with udp("127.0.0.2", server.port) as other:
        other.sendto(b"x", ("127.0.0.1", server.port))
        server.says(rf"  = 127\.0\.0\.2:{server.port}  out 0 B  in 1 B  not answered$")


def test_unix_datagrams_are_answered_to_those_who_have_a_name(serve, tmp_path):
    path = str(tmp_path / "server")
    server = serve("upper", f"unix:{path}", "--udp")
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as client:
        client.settimeout(TIMEOUT)
        client.sendto(b"nameless", path)
        server.says("  = .*  out 0 B  in 8 B  not answered$")
        client.bind(str(tmp_path / "client"))
        client.sendto(b"named", path)
        assert client.recvfrom(100) == (b"NAMED", path)
        server.says(f"  = unix:{re.escape(str(tmp_path))}/client  out 5 B  in 5 B$")
    server.stop()
    assert not os.path.exists(path)


def test_a_unix_client_that_does_not_read_its_answers_holds_nobody_up(serve, tmp_path):
    path = str(tmp_path / "server")
    server = serve("echo", f"unix:{path}", "--udp")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        deaf.bind(str(tmp_path / "deaf"))
        deaf.settimeout(TIMEOUT)
        for _ in range(20):
            deaf.sendto(b"x", path)
        client.bind(str(tmp_path / "client"))
        client.settimeout(TIMEOUT)
        client.sendto(b"y", path)
        assert client.recv(10) == b"y"
    assert re.search(r"served 21 datagrams, .* \d+ errors$", server.stop())

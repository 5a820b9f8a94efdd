# SPDX-License-Identifier: MIT
"""In front of a server: HAProxy, which tells whose a connection is, and systemd, which opens the sockets."""
import os
import shutil
import socket
import struct
import subprocess

import pytest

from desk import MODES, PROGRAM, TIMEOUT, Machine, Serving, eventually, read_all, service_manager

HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"
ACTIVATE = shutil.which("systemd-socket-activate")


PORT = 8080   # on a machine of its own


@pytest.fixture
def machine():
    with Machine() as inside:
        yield inside


CONFIGURATION = """
global
    log stdout format raw daemon
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend front
    bind 127.0.0.1:{front}
    default_backend back
backend back
    server one 127.0.0.1:{back} {header}
"""


@pytest.mark.skipif(not os.path.exists(HAPROXY), reason="package haproxy is missing")
@pytest.mark.parametrize("header", ["send-proxy-v2", "send-proxy"])
def test_behind_haproxy_a_handler_sees_the_client(header, machine, tmp_path):
    with Serving("tcp://127.0.0.1:0", "peer", command=machine.command(), proxy_from="127.0.0.0/8") as server:
        path = tmp_path / "haproxy.cfg"
        path.write_text(CONFIGURATION.format(front=PORT, back=server.port, header=header))
        proxy = subprocess.Popen(machine.command(HAPROXY, "-db", "-f", path), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        try:
            eventually(lambda: machine.listens(PORT))
            with machine.call(PORT) as client:
                client.sendall(b"who am I\n")
                assert read_all(client).decode() == "%s:%d\n" % client.getsockname()
        finally:
            proxy.terminate()
            proxy.wait(TIMEOUT)
        server.stop()


def header_v1(line):
    return line.encode() + b"\r\n"


def header_v2(source, port):
    return (b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", 12) + socket.inet_aton(source) + socket.inet_aton("192.0.2.1") +
            struct.pack(">HH", port, 80))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("header", [header_v1("PROXY TCP4 198.51.100.7 192.0.2.1 4711 80"), header_v2("198.51.100.7", 4711)])
def test_the_header_is_believed_in_every_mode(header, mode):
    with Serving("tcp://127.0.0.1:0", "peer", concurrency=MODES[mode], proxy_from="127.0.0.1") as server:
        with server.call() as client:
            client.sendall(header + b"who am I\n")
            assert read_all(client) == b"198.51.100.7:4711\n"
        server.stop()


@pytest.mark.parametrize("header", [
    b"GET / HTTP/1.1\r\n\r\n", header_v1("PROXY TCP4 1.2.3.4 5.6.7.8 1"), b"\r\n\r\n\0\r\nQUIT\n\x31" + b"\0" * 20])
def test_a_malformed_header_is_refused_and_counted(header):
    with Serving("tcp://127.0.0.1:0", "peer", proxy_from="127.0.0.1") as server:
        with server.call() as client:
            client.sendall(header)
            try:
                assert client.recv(100) == b""
            except ConnectionResetError:
                pass
        counters = server.stop()
    assert counters['refused_total{reason="proxy"}'] == 1
    assert counters["call_seconds_count"] == 0
    assert "INFO refused 127.0.0.1" in server.log


def test_from_elsewhere_a_header_is_just_text():
    with Serving("tcp://127.0.0.1:0", "one", proxy_from="192.0.2.0/24") as server:
        with server.call() as client:
            client.sendall(b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n")
            assert read_all(client) == b"OK...PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"
        server.stop()


def test_the_limit_of_an_address_counts_the_client_and_not_the_proxy():
    with Serving("tcp://127.0.0.1:0", "lines", proxy_from="127.0.0.1", max_per_peer=1) as server:
        clients = [server.call() for _ in range(3)]
        for i, client in enumerate(clients[:2]):
            client.sendall(header_v2(f"198.51.100.{i}", 1) + b"in\n")
            assert client.recv(100) == b"OK...in\n"
        clients[2].sendall(header_v2("198.51.100.1", 2) + b"in\n")
        try:
            assert clients[2].recv(100) == b""
        except ConnectionResetError:
            pass
        for client in clients:
            client.close()
        counters = server.stop()
    assert counters['refused_total{reason="peer"}'] == 1


@pytest.mark.skipif(not ACTIVATE, reason="package systemd is missing")
@pytest.mark.parametrize("address", ["systemd:", "systemd:web"])
def test_systemd_hands_the_socket_over(address, machine):
    command = machine.command(ACTIVATE, "-l", f"127.0.0.1:{PORT}", "--fdname=web", PROGRAM, address, "lines")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        eventually(lambda: machine.listens(PORT))   # a connection would start the service
        with machine.call(PORT) as client:
            client.sendall(b"hello\n")
            assert client.recv(100) == b"OK...hello\n"
        assert process.stdout.readline() == f"127.0.0.1:{PORT}\n"
    finally:
        process.terminate()
        process.communicate(timeout=TIMEOUT)


def test_the_service_manager_is_told():
    """READY=1 when it serves, STOPPING=1 when it stops."""
    with service_manager() as manager, Serving("tcp://127.0.0.1:0", "lines") as server:
        assert manager.recv(100) == b"READY=1"
        server.stop()
        assert manager.recv(100) == b"STOPPING=1"

# SPDX-License-Identifier: MIT
"""hawser serve where descriptors run out: it waits without spinning, says so once, and goes on when there is room."""
import contextlib
import resource
import subprocess

from conftest import TIMEOUT, WELCOME, few_descriptors, read_exactly
from served import is_silent, talk_on


def test_clients_over_the_limit_wait_and_cost_nothing(serve):
    server = serve("ok", 0, preexec_fn=few_descriptors(64))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.call()) for _ in range(60)]
        server.says(r"  ! 24 connections are open, as many as may be; new connections wait$")
        for client in clients[:24]:
            assert read_exactly(client, len(WELCOME)) == WELCOME
        before = server.cpu_seconds()
        assert is_silent(clients[24], 3)
        assert server.cpu_seconds() - before <= 0.06, "2% of a core"
        for client in clients[:24]:
            client.sendall(b"x\n")
            assert read_exactly(client, 7) == b"OK...x\n"
        assert server.count("  ! ") == 1
        clients[0].close()
        clients[24].settimeout(3)
        assert read_exactly(clients[24], len(WELCOME)) == WELCOME
    assert server.stop().endswith(" 0 errors")


def test_a_table_of_descriptors_that_fills_up_is_waited_out(serve):
    """Here the limit sinks under what is open: the kernel refuses to accept."""
    server = serve("ok", 0, preexec_fn=few_descriptors(64))
    pid = server.process.pid
    with server.call() as served:
        assert read_exactly(served, len(WELCOME)) == WELCOME
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (4, 64))
        with server.call() as waiting:
            server.says(r"  ! .*Too many open files; new connections wait$")
            before = server.cpu_seconds()
            assert is_silent(waiting, 2)
            assert server.cpu_seconds() - before <= 0.04
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (64, 64))
            waiting.settimeout(3)
            assert read_exactly(waiting, len(WELCOME)) == WELCOME
    assert server.count("  ! ") == 1
    server.stop()


def test_the_lower_limit_that_shells_start_with_is_raised(serve):
    server = serve("ok", 0, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 1024)))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.call()) for _ in range(100)]
        for client in clients:
            assert read_exactly(client, len(WELCOME)) == WELCOME


def test_a_stop_is_heard_while_clients_wait(serve):
    server = serve("ok", 0, preexec_fn=few_descriptors(64))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.call()) for _ in range(30)]
        server.says("  ! ")
        for client in clients[:24]:
            assert read_exactly(client, len(WELCOME)) == WELCOME
        server.process.send_signal(2)
        server.says("^stopping, 24 connections open$")
    server.ends()


def test_connections_that_reset_at_once_do_no_harm(serve):
    server = serve("echo", 0)
    program = f"""
import socket, struct
for _ in range(1000):
    s = socket.create_connection(("127.0.0.1", {server.port}))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
"""
    subprocess.run(["/usr/bin/python3", "-c", program], check=True, timeout=TIMEOUT)
    with server.call() as client:
        talk_on(client)
    assert "  ! " not in server.stop()

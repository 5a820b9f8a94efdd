# SPDX-License-Identifier: MIT
"""The command in a terminal: conversations, Ctrl-C and Ctrl-D, what a peer may not do to the screen, and flags that stay."""
import fcntl
import os
import re
import signal
import socket
import termios
import threading

import pexpect
import pytest
from conftest import HAWSER, TIMEOUT, read_all, read_exactly, reset

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm"}


@pytest.fixture
def terminal():
    """terminal(ARG...) starts the command in a terminal of its own; bytes in, bytes out."""
    opened = []

    def run(*args, env=ENVIRONMENT):
        child = pexpect.spawn(HAWSER, list(map(str, args)), env=env, timeout=TIMEOUT)
        child.delaybeforesend = None
        opened.append(child)
        return child
    yield run
    for child in opened:
        child.close(force=True)


def ends(child, status=0, sent=None):
    """Waits for the end; the text since the last expectation."""
    child.expect(pexpect.EOF)
    child.wait()
    assert (child.exitstatus, child.signalstatus) == (None if sent else status, sent)
    return child.before


def settings(child):
    return termios.tcgetattr(child.child_fd), fcntl.fcntl(child.child_fd, fcntl.F_GETFL)


def show(terminal, peer, data, env=ENVIRONMENT):
    """What the terminal gets when a peer sends DATA and closes: between the first note and the last."""
    def act(connection):
        for piece in data if isinstance(data, list) else [data]:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        return read_all(connection)
    child = terminal("connect", "127.0.0.1", peer(act), env=env)
    child.expect(rb"connected to 127\.0\.0\.1:\d+\r\n")
    child.expect(rb"(?s)^(.*?)\r?\n?peer closed: in ")
    shown = child.match[1]
    ends(child)
    return shown


def test_a_conversation_as_in_the_tutorial(terminal, serve):
    child = terminal("connect", "localhost", serve("ok", 0).port)
    child.expect_exact("Welcome to the server. Type something and hit enter\r\n")
    for word in "hi", "asd", "cv":
        child.sendline(word)
        child.expect_exact(f"{word}\r\nOK...{word}\r\n")
    child.sendeof()
    child.expect(rb"peer closed: in 77 B, out 10 B, \S+ m?s\r\n")
    ends(child)


def test_the_closing_note_has_a_line_of_its_own_without_a_newline_from_the_peer(terminal, serve):
    server = serve("greet", 0)
    child = terminal("connect", "localhost", server.port)
    child.expect(rf"^connected to localhost: (127\.0\.0\.1|\[::1\]):{server.port}( \(::1 refused\))?\r\n".encode())
    child.expect(rb"^Thank you for connecting\r\npeer closed: in 24 B, out 0 B, \S+ m?s\r\n")
    assert ends(child) == b""


def test_the_peers_end_ends_it_at_once_though_nobody_typed(terminal, serve):
    child = terminal("connect", "localhost", serve("greet", 0).port)
    ends(child)


def test_quiet_shows_the_peers_bytes_only(terminal, serve):
    child = terminal("connect", "-q", "localhost", serve("greet", 0).port)
    assert ends(child) == b"Thank you for connecting"


def test_an_interrupt_ends_a_conversation_and_shells_see_it(terminal, serve):
    child = terminal("connect", "localhost", serve("ok", 0).port)
    child.expect_exact("hit enter\r\n")
    child.sendintr()
    ends(child, sent=signal.SIGINT)


def test_the_terminal_keeps_its_settings(terminal, serve):
    child = terminal("connect", "localhost", serve("ok", 0).port)
    before = settings(child)
    child.expect_exact("hit enter\r\n")
    assert settings(child) == before
    child.sendline("x")
    child.expect_exact("OK...x\r\n")
    assert settings(child) == before
    flags = [line for line in open(f"/proc/{child.pid}/fdinfo/0") if line.startswith("flags:")]
    assert not int(flags[0].split()[1], 8) & os.O_NONBLOCK
    child.sendeof()
    child.expect_exact("peer closed")
    child.wait()
    assert settings(child) == before


@pytest.mark.parametrize("data, shown", [
    (b"\x1b[31mred\x1b]0;title\x07", rb"\x1b[31mred\x1b]0;title\x07"),
    (b"\x00\x08\x0b\x0c\x0e\x7f", rb"\x00\x08\x0b\x0c\x0e\x7f"),
    (b"tab\there\nline\r\nend", b"tab\there\r\nline\r\r\nend"),
    (b"10%\r20%\rover", rb"10%\r20%\rover"),
    (b"last\r", rb"last\r"),
    ("é 日本 😀".encode(), "é 日本 😀".encode()),
    ("\u0085\u009b31m".encode(), rb"\u0085\u009b31m"),
    ("a\u202eb\u2066c\u200fd\u061ce".encode(), rb"a\u202eb\u2066c\u200fd\u061ce"),
    (b"\x9b31m \xff \xc0\xaf \xe4bc", rb"\x9b31m \xff \xc0\xaf \xe4bc"),
    (b"\xed\xa0\x80 \xf4\x90\x80\x80 \xe0\x80\xaf", rb"\xed\xa0\x80 \xf4\x90\x80\x80 \xe0\x80\xaf"),
    (b"cut \xe6\x97", rb"cut \xe6\x97"),
    (b"\\x1b stays as it was typed", rb"\x1b stays as it was typed"),
])
def test_what_could_act_on_the_terminal_is_made_visible(terminal, peer, data, shown):
    assert show(terminal, peer, data) == shown


def test_a_character_that_arrives_in_pieces_is_shown_whole(terminal, peer):
    """Each byte in a packet of its own, told by the one before having been shown."""
    seen = threading.Event()

    def act(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"start\n")
        assert seen.wait(TIMEOUT)
        for byte in "日\u202e".encode() + b"\r":
            connection.sendall(bytes([byte]))
            while unacknowledged(connection):
                os.sched_yield()
        connection.sendall(b"\nend\n")
    child = terminal("connect", "-q", "127.0.0.1", peer(act))
    child.expect_exact("start\r\n")
    seen.set()
    assert ends(child) == "日\\u202e\r\r\nend\r\n".encode()


def unacknowledged(connection):
    """Bytes that the other end's kernel has not confirmed yet (SIOCOUTQ)."""
    return int.from_bytes(fcntl.ioctl(connection, 0x5411, b"\0\0\0\0"), "little")


def test_random_bytes_never_reach_the_terminal_as_controls(terminal, peer):
    shown = show(terminal, peer, os.urandom(200_000))
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", shown)
    text = shown.decode()   # valid UTF-8
    assert not re.search("[\u0080-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert not re.search("\r(?![\r\n])", text)


@pytest.mark.parametrize("locale, shown", [("C", "é".encode()), ("en_US.UTF-8", "é".encode())])
def test_utf8_is_taken_for_granted_where_nothing_else_is_known(terminal, peer, locale, shown):
    assert show(terminal, peer, "é".encode(), env={**ENVIRONMENT, "LC_ALL": locale}) == shown


def test_an_error_starts_on_a_line_of_its_own_too(terminal, peer):
    def act(connection):
        connection.sendall(b"half")
        read_exactly(connection, 2)
        reset(connection)
    child = terminal("connect", "127.0.0.1", peer(act))
    child.expect_exact("half")
    child.sendline("x")
    child.expect(rb"x\r\n\r\nhawser: cannot go on with 127\.0\.0\.1:\d+: connection reset by the peer\r\n")
    ends(child, status=7)


def test_a_name_from_the_command_line_cannot_act_on_the_terminal_either(terminal):
    child = terminal("connect", "\x1b[31mno.invalid:\x1b[0m")
    text = ends(child, status=2)
    assert b"\x1b" not in text and rb"\x1b[0m" in text


def test_the_server_stops_on_ctrl_c_in_its_terminal(terminal):
    child = terminal("serve", "greet", 0)
    child.expect(rb"^listening on 127\.0\.0\.1:(\d+) and \[::1\]:\1   \(Ctrl-C to stop\)\r\n")
    with socket.create_connection(("127.0.0.1", int(child.match[1])), TIMEOUT) as client:
        assert read_all(client) == b"Thank you for connecting"
    child.expect(rb"  - 127\.0\.0\.1:\d+  out 24 B  in 0 B  \S+ m?s\r\n")
    before = settings(child)
    child.sendintr()
    child.expect(rb"^\^C stopping, 0 connections open\r\nserved 1 connection, out 24 B, in 0 B, 0 errors\r\n")
    ends(child)
    assert settings(child)[0] == before[0]


def test_a_second_ctrl_c_ends_the_server_at_once(terminal):
    child = terminal("serve", "echo", 0)
    child.expect(rb"127\.0\.0\.1:(\d+)")
    with socket.create_connection(("127.0.0.1", int(child.match[1])), TIMEOUT) as client:
        client.sendall(b"x")
        read_exactly(client, 1)
        child.expect(rb"  \+ 127\.0\.0\.1:\d+\r\n")
        child.sendintr()
        child.expect_exact("^C stopping, 1 connection open\r\n")
        child.sendintr()
        ends(child, sent=signal.SIGINT)

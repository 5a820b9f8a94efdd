# SPDX-License-Identifier: MIT
"""hawser connect in pipes and with files: every byte, the right end, and words for what goes wrong."""
import contextlib
import fcntl
import os
import re
import signal
import socket
import subprocess
import threading

import pytest
from conftest import DNS, TIMEOUT, WELCOME, Namespace, eventually, hawser, read_all, read_exactly, reset
from libc import needs_gnu_libc

BOTH = {"hosts": "127.0.0.1 both localhost\n::1 both localhost\n"}


def test_input_from_a_pipe_is_answered_to_the_end(serve):
    done = hawser("connect", "localhost", serve("ok", 0).port, data=b"hi\nasd\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, WELCOME + b"OK...hi\nOK...asd\n", "")


def test_input_from_a_regular_file(serve, tmp_path):
    path = tmp_path / "input"
    path.write_bytes(os.urandom(3_000_000))
    with open(path, "rb") as source:
        done = hawser("connect", "127.0.0.1", serve("echo", 0).port, stdin=source)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout == path.read_bytes()


def test_input_from_dev_null(serve):
    done = hawser("connect", "localhost", serve("ok", 0).port, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout, done.stderr) == (0, WELCOME, "")


def test_every_byte_value_passes_both_ways_unchanged(serve):
    data = bytes(range(256)) * 1000 + os.urandom(5_000_000)
    assert hawser("connect", "localhost", serve("echo", 0).port, data=data).stdout == data


def test_output_goes_to_a_file_as_it_came(serve, tmp_path):
    data = b"\x1b[31m\x00\xff" * 1000
    with open(tmp_path / "out", "wb") as out:
        assert hawser("connect", "localhost", serve("echo", 0).port, data=data, stdout=out).returncode == 0
    assert (tmp_path / "out").read_bytes() == data


def test_the_peers_end_is_the_end_though_the_input_is_open(serve, start):
    server = serve("greet", 0)
    client = start("connect", "localhost", server.port, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert client.process.stdout.read() == b"Thank you for connecting"
    assert client.ends() == ""


def test_the_end_of_the_input_is_told_and_the_answer_awaited(peer):
    def act(connection):
        data = read_all(connection)
        connection.sendall(b"got " + data)
    port = peer(act)
    assert hawser("connect", "127.0.0.1", port, data=b"all of it").stdout == b"got all of it"
    peer.result()


def test_a_peer_that_has_nothing_to_say_still_gets_all_of_a_file(peer, tmp_path):
    path = tmp_path / "input"
    path.write_bytes(os.urandom(8_000_000))
    def act(connection):
        connection.shutdown(socket.SHUT_WR)
        return read_all(connection)
    port = peer(act)
    with open(path, "rb") as source:
        done = hawser("connect", "127.0.0.1", port, stdin=source)
    assert (done.returncode, done.stderr) == (0, "")
    assert peer.result() == path.read_bytes()


def test_a_peer_that_has_nothing_to_say_still_gets_a_pipe_that_pauses(peer, start):
    ready = threading.Event()
    def act(connection):
        connection.shutdown(socket.SHUT_WR)
        first = read_exactly(connection, 6)
        ready.set()
        return first + read_all(connection)
    port = peer(act)
    client = start("connect", "127.0.0.1", port, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    client.process.stdin.write(b"first ")
    client.process.stdin.flush()
    assert ready.wait(TIMEOUT)
    client.process.stdin.write(b"second")
    client.process.stdin.close()
    client.ends()
    assert peer.result() == b"first second"


def test_a_peer_that_closes_while_input_is_left_is_told_of(peer):
    def act(connection):
        connection.shutdown(socket.SHUT_WR)
        read_exactly(connection, 1000)
    port = peer(act)
    done = hawser("connect", "127.0.0.1", port, data=b"x" * 30_000_000)
    peer.result()
    assert (done.returncode, done.stderr) == (0, "hawser: the peer closed before it had taken all of the input\n")


@pytest.mark.parametrize("spell", [
    lambda port: ["localhost", port], lambda port: [f"localhost:{port}"], lambda port: ["127.0.0.1", port],
    lambda port: [f"127.0.0.1:{port}"], lambda port: ["::1", port], lambda port: [f"[::1]:{port}"],
    lambda port: ["[::1]", port], lambda port: [f":{port}"], lambda port: ["--", "localhost", port],
    lambda port: ["-4", f"localhost:{port}"], lambda port: [f"localhost:{port}", "--timeout=5s"],
    lambda port: ["--timeout", "20000ms", f"localhost:{port}"], lambda port: ["-6", f"[::1]:{port}"],
])
def test_addresses_are_understood_as_people_write_them(serve, spell):
    assert hawser("connect", *spell(serve("ok", 0).port)).stdout == WELCOME


def test_a_port_can_be_the_name_of_a_service(serve):
    with Namespace(etc={"services": "story 7777/tcp\n"}) as machine:
        assert serve("ok", "story", machine=machine).port == 7777
        for target in ["localhost:story"], ["localhost", "story"], ["[::1]:story"]:
            assert hawser("connect", *target, machine=machine).stdout == WELCOME


@pytest.mark.parametrize("name", ["unix:{}/s", "unix:@hawser-story-{}"])
def test_unix_sockets_are_reached(serve, tmp_path, name):
    place = name.format(tmp_path if "/s" in name else os.getpid())
    serve("upper", place)
    done = hawser("connect", place, "-v", data=b"hello")
    assert (done.returncode, done.stdout) == (0, b"HELLO")
    assert done.stderr.splitlines()[0] == f"connected to {place}"


def test_notes_are_for_terminals_and_for_those_who_ask(serve):
    port = serve("greet", 0).port
    lines = hawser("connect", "127.0.0.1", port, "-v").stderr.splitlines()
    assert lines[0] == f"connected to 127.0.0.1:{port}"
    assert lines[1].startswith("peer closed: in 24 B, out 0 B, ") and len(lines) == 2
    assert hawser("connect", "127.0.0.1", port).stderr == ""


def test_the_note_names_the_addresses_that_failed(serve):
    with Namespace(**BOTH) as machine:
        serve("greet", "[::1]:7777", machine=machine)
        first = hawser("connect", "both", 7777, "-v", machine=machine).stderr.splitlines()[0]
        assert first == "connected to both: [::1]:7777" or first == "connected to both: [::1]:7777 (127.0.0.1 refused)"
        serve("greet", "127.0.0.1:8888", machine=machine)
        assert hawser("connect", "both", 8888, "-v", machine=machine).stderr.splitlines()[0] == \
            "connected to both: 127.0.0.1:8888 (::1 refused)"


def test_a_refused_connection_names_every_attempt_and_what_to_do():
    with Namespace(**BOTH) as machine:
        done = hawser("connect", "both", 9, machine=machine)
    first, second, third = done.stderr.splitlines()
    assert done.returncode == 4
    assert first == "hawser: cannot connect to both port 9: connection refused"
    assert second.startswith("  tried ::1 (refused), 127.0.0.1 (refused), ")
    assert third == "  nothing listens there; try: hawser serve echo 9"


def test_an_address_that_cannot_be_reached_is_no_place_to_serve(machine):
    done = hawser("connect", "192.0.2.1", 80, machine=machine)
    assert done.returncode == 4
    assert done.stderr.startswith("hawser: cannot connect to 192.0.2.1 port 80: network is unreachable\n  tried 192.0.2.1 (")
    assert "try: hawser serve" not in done.stderr


def test_a_unix_socket_that_is_not_there(tmp_path):
    done = hawser("connect", f"unix:{tmp_path}/none")
    assert (done.returncode, done.stderr.splitlines()) == (4, [
        f"hawser: cannot connect to unix:{tmp_path}/none: no such file or directory",
        f"  nothing listens there; try: hawser serve echo unix:{tmp_path}/none"])


@needs_gnu_libc("musl asks a name server whatever nsswitch.conf says, and this machine has none")
def test_a_name_that_does_not_exist(machine):
    done = hawser("connect", "nosuch.invalid", 80, machine=machine)
    assert (done.returncode, done.stderr) == (3, 'hawser: cannot find host "nosuch.invalid": name or service not known\n')


def test_a_resolver_that_does_not_answer_is_told_in_other_words(silent_resolver):
    done = hawser("connect", "some.example", 80, "--timeout", "700ms", machine=silent_resolver)
    assert (done.returncode, done.stderr.splitlines()) == (3, [
        'hawser: cannot look up "some.example": the name server did not answer', "  waited 700 ms; --timeout gives it more time"])


def test_a_resolver_that_gives_up_is_told_in_the_same_words():
    with Namespace(etc=DNS) as inside:
        done = hawser("connect", "some.example", 80, machine=inside)   # nothing listens on port 53: refused at once
    assert (done.returncode, done.stderr) == (3, 'hawser: cannot look up "some.example": the name server did not answer\n')


def test_a_connection_that_is_not_answered_times_out():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:   # the queue is full after the first; the kernel is silent to the others
                one.setblocking(False)
                one.connect_ex(address)
            eventually(lambda: waiting_at(address[1]))
            done = hawser("connect", "127.0.0.1", address[1], "--timeout", "300ms")
        finally:
            for one in waiting:
                one.close()
    first, second = done.stderr.splitlines()
    assert (done.returncode, first) == (5, f"hawser: cannot connect to 127.0.0.1 port {address[1]}: no answer within 300 ms")
    took, unit = re.fullmatch(r"  tried 127\.0\.0\.1 \(timed out\), (\S+) (ms|s)", second).groups()
    assert float(took) * {"ms": 1, "s": 1000}[unit] >= 300


def waiting_at(port):
    """Connections in the queue of the listener at PORT."""
    with open("/proc/net/tcp") as table:
        for line in table.readlines()[1:]:
            fields = line.split()
            if fields[1].endswith(f":{port:04X}") and fields[3] == "0A":
                return int(fields[4].split(":")[1], 16)
    return 0


def test_a_reset_while_receiving_is_status_7(peer):
    def act(connection):
        connection.sendall(b"half of")
        read_exactly(connection, 1)
        reset(connection)
    port = peer(act)
    done = hawser("connect", "127.0.0.1", port, data=b"xyz")
    assert (done.returncode, done.stdout) == (7, b"half of")
    assert done.stderr.splitlines() == [f"hawser: cannot go on with 127.0.0.1:{port}: connection reset by the peer",
                                        "  in 7 B, out 3 B; more may have been lost"]


def test_a_reset_while_sending_is_status_7(peer):
    def act(connection):
        read_exactly(connection, 100_000)
        reset(connection)
    port = peer(act)
    done = hawser("connect", "127.0.0.1", port, data=b"x" * 30_000_000)
    assert done.returncode == 7 and "connection reset by the peer" in done.stderr


def test_a_reset_that_only_the_sender_can_meet_is_status_7_too(peer, start):
    """Its output is a full pipe, so it does not receive; the kernel tells the reset to the one who sends."""
    def act(connection):
        connection.sendall(b"y" * 300_000)
        read_exactly(connection, 100_000)
        reset(connection)
    port = peer(act)
    client = start("connect", "127.0.0.1", port, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    feeder = threading.Thread(target=feed, args=(client.process.stdin,), daemon=True)
    feeder.start()
    peer.result()
    eventually(lambda: sleeps(client.process.pid))   # the reset has woken it before, so it has been met
    assert set(client.process.stdout.read()) == {ord("y")}
    assert "connection reset by the peer" in client.ends(status=7)
    feeder.join(TIMEOUT)
    client.process.stdin = None


def sleeps(pid):
    """Whether the main thread of process PID waits for something."""
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "S"


def feed(pipe):
    """Writes until nobody reads."""
    with contextlib.suppress(BrokenPipeError):
        while True:
            pipe.write(b"x" * 65536)


def test_a_full_device_is_status_8(serve):
    port = serve("ok", 0).port
    with open("/dev/full", "wb") as full:
        done = hawser("connect", "localhost", port, stdout=full)
    assert (done.returncode, done.stderr) == (8, "hawser: cannot write to standard output: no space left on device\n")


@pytest.mark.parametrize("parent", [
    lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL), lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN),
    lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPIPE])], ids=["default", "ignored", "blocked"])
def test_a_closed_output_pipe_ends_it_quietly_whatever_the_parent_did_to_the_signal(serve, start, parent):
    port = serve("echo", 0).port
    client = start("connect", "localhost", port, stdin=subprocess.PIPE, stdout=subprocess.PIPE, restore_signals=False,
                   preexec_fn=parent)
    client.process.stdout.close()
    client.process.stdin.write(b"x")
    client.process.stdin.close()
    assert client.ends(status=-signal.SIGPIPE) == ""
    client.process.stdin = client.process.stdout = None


def test_input_that_cannot_be_read_is_status_8_and_no_clean_end_for_the_peer(peer):
    port = peer(read_all)
    folder = os.open("/", os.O_RDONLY)
    done = hawser("connect", "127.0.0.1", port, stdin=folder)
    os.close(folder)
    assert (done.returncode, done.stderr) == (8, "hawser: cannot read standard input: is a directory\n")
    with pytest.raises(ConnectionResetError):
        peer.result()


@pytest.mark.parametrize("fd, status", [(0, 0), (1, 8), (2, 0)])
def test_a_standard_stream_that_is_closed_is_not_mistaken_for_the_socket(serve, fd, status):
    port = serve("ok", 0).port
    done = hawser("connect", "localhost", port, preexec_fn=lambda: os.close(fd))
    assert done.returncode == status
    assert done.stdout == (b"" if fd == 1 else WELCOME)


def test_flags_of_input_and_output_stay_as_they_are(serve, start):
    reading, writing = os.pipe()
    back, forth = os.pipe()
    before = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (reading, forth)]
    client = start("connect", "localhost", serve("echo", 0).port, stdin=reading, stdout=forth)
    os.write(writing, b"x")
    assert os.read(back, 10) == b"x"
    assert [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (reading, forth)] == before
    os.close(writing)
    client.ends()
    assert [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (reading, forth)] == before
    for fd in reading, back, forth:
        os.close(fd)


def test_descriptors_that_somebody_made_non_blocking_work(serve, start):
    reading, writing = os.pipe()
    back, forth = os.pipe()
    for fd in reading, forth:
        os.set_blocking(fd, False)
    client = start("connect", "localhost", serve("echo", 0).port, stdin=reading, stdout=forth)
    data = os.urandom(1_000_000)
    writer = os.fdopen(writing, "wb")
    sender = threading.Thread(target=lambda: (writer.write(data), writer.close()), daemon=True)
    sender.start()
    os.close(forth)
    with os.fdopen(back, "rb") as reader:
        assert reader.read(len(data)) == data
    assert not os.get_blocking(reading)
    client.ends()
    os.close(reading)
    sender.join(TIMEOUT)


def test_it_waits_in_silence_without_burning_time(peer, start):
    release = threading.Event()
    port = peer(lambda connection: release.wait(TIMEOUT))
    client = start("connect", "127.0.0.1", port, "-v", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    client.says("^connected to ")
    before = client.cpu_seconds()
    assert not release.wait(1)
    assert client.cpu_seconds() - before <= 0.02
    release.set()
    client.ends()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_it_and_is_seen_by_the_shell(peer, start, sent):
    release = threading.Event()
    port = peer(lambda connection: release.wait(TIMEOUT))
    client = start("connect", "127.0.0.1", port, "-v", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    client.says("^connected to ")
    client.ends(status=-sent, sent=sent)
    release.set()


@pytest.mark.parametrize("args, message", [
    ([], "connect where?"),
    ([""], "an empty address"),
    (["localhost", "0"], "port 0 is out of range (1 to 65535)"),
    (["localhost:65536"], "port 65536 is out of range (1 to 65535)"),
    (["localhost", "-1"], "port -1 is out of range (1 to 65535)"),
    (["localhost", "80", "81"], '"81" is one argument too many'),
    (["localhost:80", "81"], 'two ports: "80" and "81"'),
    (["localhost:nosuchservice"], '"nosuchservice" is neither a port number nor the name of a service'),
    (["x" * 300], "the host name is too long (300 bytes)"),
    (["[::1", "80"], '"[::1" is no address; IPv6 with a port is written [::1]:80'),
    (["unix:/x", "-6"], "-4 and -6 do not go with a Unix socket"),
    (["localhost", "--timeout", "0"], '--timeout "0" is no time, such as 500ms, 10s or 2m'),
    (["localhost", "--timeout=ten"], '--timeout "ten" is no time, such as 500ms, 10s or 2m'),
    (["localhost", "--timeout"], "--timeout needs a value"),
    (["localhost", "--quiet=yes"], "--quiet takes no value"),
    (["localhost", "-x"], 'no option "-x"'),
    (["localhost", "--timeuot=3s"], 'no option "--timeuot"; did you mean "--timeout"?'),
    (["localhost", "--public"], '--public is no option of "connect"'),
])
def test_wrong_usage_is_two_lines_and_status_2(args, message):
    done = hawser("connect", *args)
    first, second = done.stderr.splitlines()
    assert (done.returncode, first) == (2, f"hawser: {message}")
    assert second.startswith("  usage: hawser connect HOST[:PORT] [PORT] ")

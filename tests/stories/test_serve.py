# SPDX-License-Identifier: MIT
"""hawser serve: what its clients get, what its operator sees, and how it stops."""
import os
import re
import select
import signal
import socket
import subprocess
import time

import pytest
from conftest import HAWSER, THANKS, TIMEOUT, WELCOME, eventually, hawser, read_all, read_exactly
from served import (ask, check_a_polite_stop, check_a_reset, check_late_sums, check_ten_lines, check_usage, greet, shout,
                    talk_on)


def test_it_listens_on_both_loopbacks_with_one_port_and_says_so(serve):
    server = serve("ok", 0)
    assert server.lines[0] == f"listening on 127.0.0.1:{server.port} and [::1]:{server.port}   (Ctrl-C to stop)"
    for host in "127.0.0.1", "::1":
        with server.call(host) as client:
            assert read_exactly(client, len(WELCOME)) == WELCOME


@pytest.mark.parametrize("option, shown, other", [("-4", "127.0.0.1", "::1"), ("--ipv6", "[::1]", "127.0.0.1")])
def test_one_family_alone_can_be_asked_for(machine, serve, option, shown, other):
    server = serve("greet", 7777, option, machine=machine)
    assert server.lines[0] == f"listening on {shown}:7777   (Ctrl-C to stop)"
    assert hawser("connect", f"{shown}:7777", machine=machine).stdout == THANKS
    assert hawser("connect", other, 7777, machine=machine).returncode == 4


def test_an_address_narrows_it_down(serve):
    server = serve("echo", "127.0.0.1:0")
    assert server.lines[0] == f"listening on 127.0.0.1:{server.port}   (Ctrl-C to stop)"
    assert ask(server, b"x") == b"x"
    server = serve("echo", "127.0.0.3", "0")
    assert server.lines[0] == f"listening on 127.0.0.3:{server.port}   (Ctrl-C to stop)"


@pytest.mark.parametrize("name", ["greet", "thanks"])
def test_greet_thanks_and_ends(serve, name):
    server = serve(name, 0)
    with server.call() as client:
        assert read_all(client) == THANKS


def test_a_greeting_is_not_lost_when_the_client_has_sent_what_nobody_reads(serve):
    server = serve("greet", 0)
    with server.call() as client:
        client.sendall(b"x" * 200_000)
        assert read_all(client) == THANKS


def test_echo_sends_back_every_byte(serve):
    data = os.urandom(100_000)
    assert ask(serve("echo", 0), data, "::1") == data


def test_ok_welcomes_and_answers_each_line(serve):
    assert ask(serve("ok", 0), b"hi\r\nasd\n\ncv") == WELCOME + b"OK...hi\r\nOK...asd\nOK...\nOK...cv"


def test_ok_answers_a_client_that_never_sends_a_newline(serve):
    with serve("ok", 0).call() as client:
        client.sendall(b"hello")
        assert read_exactly(client, len(WELCOME) + 10) == WELCOME + b"OK...hello"


def test_ok_answers_lines_however_they_are_cut(serve):
    with serve("ok", 0).call() as client:
        read_exactly(client, len(WELCOME))
        for piece, answer in (b"a", b"OK...a"), (b"b\nc", b"b\nOK...c"), (b"d\n", b"d\n"), (b"e", b"OK...e"):
            client.sendall(piece)
            assert read_exactly(client, len(answer)) == answer


def test_upper_changes_letters_and_nothing_else(serve):
    assert ask(serve("upper", 0), b"az AZ 09 {|} \xe4\x00\xff\n") == b"AZ AZ 09 {|} \xe4\x00\xff\n"


def test_three_clients_are_served_at_once_and_an_idle_one_holds_nobody_up(serve):
    server = serve("ok", 0)
    with server.call() as first, server.call() as second, server.call() as third:
        for client in third, second, first, third:
            client.sendall(b"x\n")
        for client, lines in (first, 1), (second, 1), (third, 2):
            expected = WELCOME + lines * b"OK...x\n"
            assert read_exactly(client, len(expected)) == expected


def test_a_client_that_sends_and_never_reads_holds_nobody_up(serve):
    server = serve("echo", 0)
    with server.call() as greedy:
        greedy.settimeout(0.5)
        with pytest.raises(TimeoutError):
            greedy.sendall(b"x" * 100_000_000)
        assert ask(server, b"still there") == b"still there"


def test_every_connection_has_its_two_lines_and_the_end_its_sum(serve):
    server = serve("greet", 0)
    with server.call() as client:
        assert read_all(client) == THANKS
        name = f"127.0.0.1:{client.getsockname()[1]}"
    server.says(rf"^\d\d:\d\d:\d\d  \+ {name}$")
    server.says(rf"^\d\d:\d\d:\d\d  - {name}  out 24 B  in 0 B  \d+(\.\d)? m?s$")
    assert server.stop().endswith("stopping, 0 connections open\nserved 1 connection, out 24 B, in 0 B, 0 errors")


def test_a_reset_is_told_counted_and_survived(serve):
    check_a_reset(serve("echo", 0))


def test_ten_lines_a_second_of_a_kind_are_printed_and_the_rest_is_summed(serve):
    check_ten_lines(serve("greet", 0))


def test_sums_are_printed_though_nothing_happens_any_more(serve):
    check_late_sums(serve("greet", 0))


def test_verbose_prints_every_line(serve):
    server = serve("greet", 0, "-v")
    greet(server, 100)
    text = server.stop()
    assert len(re.findall(r"  \+ 127", text)) == 100 and len(re.findall(r"  - 127", text)) == 100


def test_quiet_prints_nothing(start, tmp_path):
    server = start("serve", "greet", f"unix:{tmp_path}/s", "-q")
    eventually(lambda: hawser("connect", f"unix:{tmp_path}/s").stdout == THANKS)
    assert server.stop() == ""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_with_status_0(serve, sent):
    text = serve("ok", 0).ends(sent=sent)
    assert text.splitlines()[1:] == ["stopping, 0 connections open", "served 0 connections, out 0 B, in 0 B, 0 errors"]


def test_a_stop_lets_an_open_conversation_end(serve):
    check_a_polite_stop(serve("upper", 0))


def test_a_stop_cuts_off_after_5_seconds_who_does_not_end(serve):
    server = serve("upper", 0)
    with server.call() as client:
        shout(client, b"one\n")
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert client.recv(1) == b""
        assert 4.5 < time.monotonic() - began < 9
    assert server.ends().endswith("served 1 connection, out 4 B, in 4 B, 0 errors, cut off 1")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_it_at_once_and_is_seen_by_the_shell(serve, sent):
    server = serve("echo", 0)
    with server.call() as client:
        talk_on(client)
        server.process.send_signal(signal.SIGINT)
        server.says("^stopping, 1 connection open$")
        server.ends(status=-sent, sent=sent)


def test_an_interrupt_stops_what_a_script_started_in_the_background(serve):
    """Shells start such commands with the signal ignored."""
    server = serve("echo", 0, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    with server.call() as client:
        talk_on(client)
        server.process.send_signal(signal.SIGINT)
        server.says("^stopping, 1 connection open$")
        server.ends(status=-signal.SIGINT, sent=signal.SIGINT)


def test_a_port_in_use_names_its_holder(serve):
    holder = socket.create_server(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    done = hawser("serve", "echo", f"127.0.0.1:{port}")
    assert done.returncode == 4
    assert done.stderr.splitlines() == [
        f"hawser: cannot listen on 127.0.0.1:{port}: address already in use",
        f"  held by process {os.getpid()} ({open('/proc/self/comm').read().strip()}); another port, or 0 for any free one"]


@pytest.mark.parametrize("udp", [[], ["--udp"]])
def test_a_server_in_the_way_is_named_on_either_loopback(machine, serve, udp):
    server = serve("echo", "[::1]:7777", *udp, machine=machine)
    done = hawser("serve", "echo", 7777, *udp, machine=machine)
    assert done.returncode == 4
    assert done.stderr.splitlines() == [
        "hawser: cannot listen on [::1]:7777: address already in use",
        f"  held by process {server.process.pid} (hawser); another port, or 0 for any free one"]


def test_the_default_port_is_12345(machine, serve):
    assert serve("ok", machine=machine).port == 12345
    assert hawser("connect", "localhost", machine=machine).stdout == WELCOME


def test_public_serves_every_address_and_says_which_are_exposed(machine, serve):
    subprocess.run(machine.command("ip", "addr", "add", "192.0.2.7/32", "dev", "lo"), check=True, timeout=TIMEOUT)
    server = serve("greet", 7777, "--public", machine=machine)
    server.says("192")
    assert server.lines == ["listening on 0.0.0.0:7777 and [::]:7777   (Ctrl-C to stop)",
                            "  other machines can reach 192.0.2.7:7777"]
    for host in "192.0.2.7", "127.0.0.1", "::1":
        assert hawser("connect", host, 7777, machine=machine).stdout == THANKS


def test_an_address_that_others_can_reach_is_said_to_be(machine, serve):
    subprocess.run(machine.command("ip", "addr", "add", "192.0.2.7/32", "dev", "lo"), check=True, timeout=TIMEOUT)
    server = serve("greet", "192.0.2.7:7777", machine=machine)
    server.says("^  other machines can reach 192.0.2.7:7777$")


def test_an_address_of_another_machine_is_refused(machine):
    done = hawser("serve", "echo", "192.0.2.7:7777", machine=machine)
    assert (done.returncode, done.stderr) == (4, "hawser: cannot listen on 192.0.2.7:7777: not an address of this machine\n")


def test_a_unix_server_serves_names_its_clients_process_and_removes_its_file(serve, tmp_path):
    path = tmp_path / "s"
    server = serve("upper", f"unix:{path}")
    assert server.lines[0] == f"listening on unix:{path}   (Ctrl-C to stop)"
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT)
        client.connect(str(path))
        client.sendall(b"x")
        assert read_exactly(client, 1) == b"X"
        server.says(rf"  \+ unix: pid {os.getpid()}$")
    server.stop()
    assert not path.exists()


def test_an_abstract_name_is_served(serve, tmp_path):
    name = f"hawser-story-{os.getpid()}"
    serve("echo", f"unix:@{name}")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT)
        client.connect(f"\0{name}")
        talk_on(client)


def test_a_live_unix_server_is_not_robbed_and_a_dead_ones_file_is_taken_over(serve, tmp_path):
    path = tmp_path / "s"
    server = serve("echo", f"unix:{path}")
    done = hawser("serve", "echo", f"unix:{path}")
    assert done.returncode == 4
    assert done.stderr.splitlines() == [f"hawser: cannot listen on unix:{path}: address already in use",
                                        f"  held by process {server.process.pid} (hawser); another path"]
    server.ends(status=-signal.SIGKILL, sent=signal.SIGKILL)
    assert path.exists()
    assert serve("echo", f"unix:{path}").stop().endswith("0 errors")


def test_a_file_that_is_no_socket_is_left_alone(tmp_path):
    path = tmp_path / "s"
    path.write_text("mine")
    done = hawser("serve", "echo", f"unix:{path}")
    assert done.returncode == 4 and "is no socket; it is left alone" in done.stderr
    assert path.read_text() == "mine"


def test_a_unix_path_of_108_bytes_is_refused_in_words():
    done = hawser("serve", "echo", "unix:/tmp/" + 103 * "x")
    assert done.returncode == 4
    assert done.stderr.endswith("file name too long\n  a Unix path has at most 107 bytes\n")


@pytest.mark.parametrize("args, message", [
    ([], "serve what? greet, echo, ok or upper"),
    (["ehco"], 'no service "ehco"; did you mean "echo"?'),
    (["chat"], 'no service "chat"; there is greet, echo, ok and upper'),
    (["echo", "80000"], "port 80000 is out of range (0 to 65535)"),
    (["echo", "99999999999999999999"], "port 99999999999999999999 is out of range (0 to 65535)"),
    (["echo", "-1"], "port -1 is out of range (0 to 65535)"),
    (["echo", "127.0.0.1:65536"], "port 65536 is out of range (0 to 65535)"),
    (["echo", "nosuchservice"], '"nosuchservice" is neither a port number nor the name of a service'),
    (["echo", "localhost:"], '"" is neither a port number nor the name of a service'),
    (["echo", ""], "an empty address"),
    (["echo", "[::1"], '"[::1" is no address; IPv6 with a port is written [::1]:80'),
    (["echo", "1:2:3"], '"1:2:3" is no address; IPv6 with a port is written [::1]:80'),
    (["echo", "127.0.0.1:80", "81"], 'two ports: "80" and "81"'),
    (["echo", "127.0.0.1", "81", "82"], '"82" is one argument too many'),
    (["echo", "unix:/x", "80"], 'a Unix socket has no port: "80"'),
    (["echo", "unix:"], '"unix:" needs a path, or @ and a name'),
    (["echo", "unix:/x", "-4"], "-4 or -6 does not go with a Unix socket"),
    (["echo", "127.0.0.1:80", "--public"], '--public is every address, "127.0.0.1" is one'),
    (["echo", "-q", "-v"], "-q and -v exclude each other"),
    (["echo", "--timeout", "3s"], '--timeout is no option of "serve"'),
    (["echo", "--json"], '--json is no option of "serve"'),
])
def test_wrong_usage_is_two_lines_and_status_2(args, message):
    check_usage(args, message)


def test_a_log_that_nobody_reads_holds_no_client_up(tmp_path):
    """Its standard error is a pipe that is full before the first line."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    server = subprocess.Popen([HAWSER, "serve", "greet", f"unix:{tmp_path}/s"], stderr=writing)
    os.close(writing)
    try:
        eventually(lambda: hawser("connect", f"unix:{tmp_path}/s").stdout == THANKS)
        deadline = time.monotonic() + 4   # enough for more lines than it holds back
        while time.monotonic() < deadline:
            assert hawser("connect", f"unix:{tmp_path}/s").stdout == THANKS
        assert select.select([reading], [], [], 0)[0]
    finally:
        server.kill()
        server.wait()
        os.close(reading)


def test_a_log_whose_reader_went_away_ends_nothing(serve):
    reading, writing = os.pipe()
    server = subprocess.Popen([HAWSER, "serve", "greet", "0"], stderr=writing, bufsize=0)
    os.close(writing)
    try:
        text = b""
        while b"\n" not in text:
            text += os.read(reading, 200)
        os.close(reading)
        port = int(re.search(rb":(\d+)", text)[1])
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), TIMEOUT) as client:
                assert read_all(client) == THANKS
        server.send_signal(signal.SIGTERM)
        assert server.wait(TIMEOUT) == 0
    finally:
        server.kill()
        server.wait()

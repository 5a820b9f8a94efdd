# SPDX-License-Identifier: MIT
"""hawser resolve: a table for people, objects for programs, and the right status either way."""
import json
import os
import signal
import subprocess

import pytest
from conftest import DNS, Namespace, eventually, hawser
from libc import needs_gnu_libc

SERVICES = "http 80/tcp\ntftp 69/udp\nboth 7777/tcp\nboth 7778/udp\n"
HOSTS = "127.0.0.1 localhost\n::1 localhost\n192.0.2.7 four\n2001:db8::7 six\n2001:db8::1234:5678 long\n192.0.2.1 long\n"


@pytest.fixture
def names():
    with Namespace(hosts=HOSTS, etc={"services": SERVICES}) as machine:
        yield machine


def table(done):
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.decode().splitlines()


def objects(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_table_is_the_one_of_the_manual(names):
    assert table(hawser("resolve", "localhost", "http", machine=names)) == [
        "family  type    address    port",
        "inet6   stream  ::1        80",
        "inet    stream  127.0.0.1  80"]


def test_columns_fit_the_longest_address_and_no_service_is_no_port(names):
    lines = table(hawser("resolve", "long", machine=names))
    assert lines[0] == "family  type    address              port"
    assert sorted(lines[1:]) == ["inet    stream  192.0.2.1            -", "inet6   stream  2001:db8::1234:5678  -"]


@pytest.mark.parametrize("args, rows", [
    (["127.0.0.1", "8080"], ["inet    stream  127.0.0.1  8080"]),
    (["::1", "0"], ["inet6   stream  ::1      0"]),
    (["-4", "localhost", "http"], ["inet    stream  127.0.0.1  80"]),
    (["-6", "localhost", "http"], ["inet6   stream  ::1      80"]),
    (["four", "both"], ["inet    stream  192.0.2.7  7777"]),
    (["four", "both", "--udp"], ["inet    dgram   192.0.2.7  7778"]),
    (["four", "tftp"], ["inet    dgram   192.0.2.7  69"]),
])
def test_numbers_families_and_services(names, args, rows):
    assert table(hawser("resolve", *args, machine=names))[1:] == rows


def test_json_is_one_object_a_line(names):
    done = hawser("resolve", "--json", "localhost", "http", machine=names)
    assert (done.returncode, done.stderr) == (0, "")
    assert objects(done) == [
        {"v": 1, "event": "address", "name": "localhost", "family": "inet6", "type": "stream", "address": "::1", "port": 80},
        {"v": 1, "event": "address", "name": "localhost", "family": "inet", "type": "stream", "address": "127.0.0.1", "port": 80}]
    assert objects(hawser("resolve", "four", "--json", machine=names))[0]["port"] is None


def test_verbose_adds_a_note_and_nothing_to_the_data(names):
    done = hawser("resolve", "-v", "four", machine=names)
    assert done.stdout == hawser("resolve", "four", machine=names).stdout
    assert done.stderr.startswith("1 address, ")


@needs_gnu_libc("musl asks a name server whatever nsswitch.conf says, and this machine has none")
def test_an_unknown_name_is_status_3_and_an_object_too(names):
    done = hawser("resolve", "nosuch.invalid", machine=names)
    message = 'cannot find host "nosuch.invalid": name or service not known'
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", f"hawser: {message}\n")
    done = hawser("resolve", "--json", "nosuch.invalid", machine=names)
    assert done.returncode == 3
    assert objects(done) == [{"v": 1, "event": "error", "what": "name", "exit": 3, "message": message}]


def test_a_name_without_an_address_of_the_family_is_status_3(names):
    done = hawser("resolve", "-6", "four", machine=names)
    assert done.returncode == 3 and done.stderr.startswith('hawser: cannot find host "four": ')


def test_an_unknown_service_is_status_3(names):
    done = hawser("resolve", "four", "nosuch", machine=names)
    assert (done.returncode, done.stderr) == (3, 'hawser: cannot find service "nosuch": not known\n')
    done = hawser("resolve", "four", "http", "--udp", machine=names)
    assert (done.returncode, done.stderr) == (3, 'hawser: cannot find service "http": not known for UDP\n')


def test_a_resolver_that_does_not_answer_is_status_3_in_other_words(silent_resolver):
    message = 'cannot look up "some.example": the name server did not answer'
    done = hawser("resolve", "some.example", "--json", "--timeout", "500ms", machine=silent_resolver)
    assert done.returncode == 3
    assert done.stderr.splitlines() == [f"hawser: {message}", "  waited 500 ms; --timeout gives it more time"]
    assert objects(done) == [{"v": 1, "event": "error", "what": "name", "exit": 3, "message": message}]


def test_a_resolver_that_gives_up_is_told_in_the_same_words():
    with Namespace(etc=DNS) as machine:   # nothing is at the name server's port
        done = hawser("resolve", "some.example", machine=machine)
    assert (done.returncode, done.stderr) == (3, 'hawser: cannot look up "some.example": the name server did not answer\n')


def test_an_interrupt_during_the_look_up_is_seen_by_the_shell(silent_resolver, start):
    client = start("resolve", "some.example", "--timeout", "20s", machine=silent_resolver, stdout=subprocess.PIPE)
    wait_for_program(client, "hawser")
    client.ends(status=-signal.SIGINT, sent=signal.SIGINT)


def wait_for_program(client, name):
    """The machine's own commands run first; they become the program."""
    eventually(lambda: open(f"/proc/{client.process.pid}/comm").read().strip() == name)


@pytest.mark.parametrize("args", [["localhost", "http"], ["--json", "localhost", "http"]])
def test_a_full_device_is_status_8(args):
    with open("/dev/full", "wb") as full:
        done = hawser("resolve", *args, stdout=full)
    assert (done.returncode, done.stderr) == (8, "hawser: cannot write to standard output: no space left on device\n")


def test_names_with_odd_bytes_stay_valid_json():
    name = b'a"b\\c\nd\x01\xff\xed\xa0\x80e'
    done = hawser("resolve", "--json", "--", os.fsdecode(name))
    assert done.returncode == 3
    message = json.loads(done.stdout)["message"]
    assert message.startswith('cannot ') and '"a"b\\c\nd\x01\ufffd\ufffd\ufffd\ufffde"' in message


@pytest.mark.parametrize("args, message", [
    ([], "resolve which name?"),
    ([""], "an empty name"),
    (["localhost", ""], "an empty service"),
    (["localhost", "65536"], "port 65536 is out of range (0 to 65535)"),
    (["localhost", "-1"], "port -1 is out of range (0 to 65535)"),
    (["localhost", "1", "2"], '"2" is one argument too many'),
    (["unix:/x"], '"unix:/x" is a path: there is nothing to look up'),
    (["-46", "localhost"], "-4 and -6 exclude each other"),
])
def test_wrong_usage_is_two_lines_status_2_and_an_object_too(args, message):
    done = hawser("resolve", *args)
    first, second = done.stderr.splitlines()
    assert (done.returncode, first, done.stdout) == (2, f"hawser: {message}", b"")
    assert second == "  usage: hawser resolve NAME [SERVICE] [OPTION...]   (hawser resolve -h)"
    done = hawser("resolve", *args, "--json")
    assert done.returncode == 2
    assert objects(done) == [{"v": 1, "event": "error", "what": "usage", "exit": 2, "message": message}]

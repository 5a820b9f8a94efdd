# SPDX-License-Identifier: MIT
"""What people type where an address belongs: understood, or refused with what to write instead, and never sent to a stranger."""
import pytest
from conftest import hawser

REFUSED = [
    (("connect", "12345", "80"), '"12345" is a number, not a host'),
    (("connect", "12345:80"), '"12345" is a number, not a host'),
    (("connect", "/run/x.sock"), '"/run/x.sock" looks like a path; write unix:/run/x.sock'),
    (("serve", "ok", "./x.sock"), '"./x.sock" looks like a path; write unix:./x.sock'),
    (("connect", "http://localhost:12345/"), '"http://localhost:12345/" is a URL; write HOST:PORT'),
    (("connect", ":0"), "port 0 is out of range (1 to 65535)"),
    (("resolve", "12345"), '"12345" is a number, not a name'),
    (("resolve", "localhost:80"), '"localhost:80" has a port; write: hawser resolve localhost 80'),
]


@pytest.mark.parametrize("argv, reason", REFUSED, ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_what_is_no_address_is_refused_before_anything_is_asked(argv, reason):
    done = hawser(*argv)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith("hawser: ")
    assert reason in done.stderr
    assert done.stdout == b""


def test_a_number_alone_is_a_port_of_this_machine(serve):
    server = serve("greet", 0)
    done = hawser("connect", server.port)
    assert (done.returncode, done.stdout) == (0, b"Thank you for connecting")


def test_an_ipv6_address_is_a_name_with_many_colons_and_no_port():
    done = hawser("resolve", "::1")
    assert done.returncode == 0
    assert b"::1" in done.stdout

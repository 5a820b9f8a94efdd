# SPDX-License-Identifier: MIT
"""Tutorials 000, 001, 003 and 004: sockets with error handling, names into addresses, and a web page."""
import pytest

FAMILIES = [f"AF_INET SOCK_{kind}" for kind in ("STREAM", "DGRAM", "RAW")] + [
    f"AF_INET6 SOCK_{kind}" for kind in ("STREAM", "DGRAM")] + [
    f"AF_UNIX SOCK_{kind}" for kind in ("STREAM", "DGRAM", "SEQPACKET")]
FAMILIES_OF_SOME_KERNELS = {
    "AF_CAN SOCK_RAW": ("socket.AF_CAN", "SOCK_RAW", "socket.CAN_RAW"),
    "AF_RDS SOCK_SEQPACKET": ("socket.AF_RDS", "SOCK_SEQPACKET", 0),
    "AF_X25 SOCK_SEQPACKET": (9, "SOCK_SEQPACKET", 0),
}


@pytest.fixture
def web(desk, tmp_path):
    """Python's web server on port 80 with one page."""
    (tmp_path / "index.html").write_text("<h1>Ahoy</h1>\n" + "rope " * 20000 + "\nthe last line\n")
    server = desk.run("/usr/bin/python3", "-m", "http.server", "80", "--bind", "127.0.0.1")
    server.expect_exact("Serving HTTP on 127.0.0.1 port 80")
    return server


def without_sockets(desk, name):
    """The example NAME on a machine that has no descriptor left for its first socket."""
    return desk.run("env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-o", "/dev/null",
                    "-e", "inject=socket:error=EMFILE:when=1", desk.example_path(name))


def python_says_of(desk, family, kind, proto):
    """What the example should print of such a socket, by what Python's gets."""
    return desk.output("/usr/bin/python3", "-c", f"""
import socket
try:
    socket.socket({family}, socket.{kind}, {proto})
    print("Socket Created")
except OSError as error:
    print("Failed to create socket. Error code:", error.errno, ", Error message :", error.strerror)
""").rstrip("\n")


def test_seed000_the_address_of_a_name(desk):
    assert desk.example("04_host_address", "localhost").ends() == "127.0.0.1\n"
    assert desk.example("04_host_address", "192.0.2.7").ends() == "192.0.2.7\n"


def test_seed000_the_address_of_an_unresolvable_name(desk):
    said = desk.example("04_host_address", "nosuch.invalid").ends(1)
    assert "nosuch.invalid: " in said and said.count("\n") == 1


def test_seed000_resolve_and_connect(desk, web):
    program = desk.example("05_resolve_and_connect", "localhost")
    program.says("Socket successfully created",
                 "the socket has successfully connected to localhost on port 80 == 127.0.0.1")
    program.ends()


def test_seed000_resolve_and_connect_with_an_unresolvable_name(desk):
    program = desk.example("05_resolve_and_connect", "nosuch.invalid")
    program.says("Socket successfully created", "there was an error resolving the host")
    assert "nosuch.invalid: " in program.ends(1)


def test_seed000_resolve_and_connect_where_nothing_listens(desk):
    program = desk.example("05_resolve_and_connect", "localhost", 9)
    program.says("Socket successfully created")
    assert program.ends(1) == "connect to 127.0.0.1:9: Connection refused\n"


def test_seed000_a_socket_that_cannot_be_created_says_so(desk):
    said = without_sockets(desk, "05_resolve_and_connect").ends(1)
    assert said.startswith("socket creation failed with error ") and "Too many open files" in said


def test_seed001_the_table_of_addresses_and_the_host_name(desk, host_name):
    lines = desk.example("06_addresses", "localhost", "www").ends().splitlines()
    assert lines[0].split() == ["family", "type", "proto", "address"]
    assert [line.split() for line in lines[1:-1]] == [
        ["inet6", "1", "6", "[::1]:80"], ["inet", "1", "6", "127.0.0.1:80"]]
    assert lines[-1] == host_name
    assert len(desk.example("06_addresses", "localhost", 12345).ends().splitlines()) == 4


def test_seed001_the_table_of_addresses_agrees_with_python(desk):
    theirs = desk.output("/usr/bin/python3", "-c", """
import socket
for _, kind, proto, _, address in socket.getaddrinfo("localhost", "www", type=socket.SOCK_STREAM):
    print(int(kind), proto, address[:2])
""")
    lines = [line.split() for line in desk.example("06_addresses").ends().splitlines()[1:-1]]
    ours = [(kind, proto, *address.rsplit(":", 1)) for _, kind, proto, address in lines]
    assert "".join(f"{kind} {proto} ('{host.strip('[]')}', {port})\n" for kind, proto, host, port in ours) == theirs


def test_seed001_the_table_of_addresses_of_unknown_names(desk):
    assert "nosuch.invalid" in desk.example("06_addresses", "nosuch.invalid").ends(1)
    assert "nosuch" in desk.example("06_addresses", "localhost", "nosuch").ends(1)


def test_seed003_families_and_types(desk):
    lines = dict(line.split("  ", 1) for line in desk.example("07_families").ends().splitlines())
    lines = {name: said.strip() for name, said in lines.items()}
    assert list(lines) == FAMILIES + list(FAMILIES_OF_SOME_KERNELS)
    assert {lines[name] for name in FAMILIES} == {"Socket Created"}
    for name, (family, kind, proto) in FAMILIES_OF_SOME_KERNELS.items():
        assert lines[name] == python_says_of(desk, family, kind, proto)


def test_seed004_http_get_prints_the_whole_page(desk, web):
    program = desk.example("08_http_get", "localhost")
    program.says("Socket Created", "Ip address of localhost is 127.0.0.1", "Socket Connected to localhost on ip 127.0.0.1",
                 "Message send successfully")
    reply = program.ends().replace("\r", "")
    assert reply.startswith("HTTP/1.0 200 OK\n")
    assert reply.endswith("the last line\n") and len(reply) > 100000
    web.expect_exact('"GET / HTTP/1.1" 200')


def test_seed004_http_get_with_an_unresolvable_name(desk):
    program = desk.example("08_http_get", "nosuch.invalid")
    program.says("Socket Created", "Hostname could not be resolved. Exiting")
    assert "nosuch.invalid: " in program.ends(1)


def test_seed004_http_get_names_its_host(desk):
    server = desk.run("nc", "-lv", "127.0.0.1", "8000")
    server.expect_exact("Listening on ")
    program = desk.example("08_http_get", "localhost", 8000)
    request = "GET / HTTP/1.1\r\nHost: localhost:8000\r\nConnection: close\r\n\r\n"
    server.expect_exact(request.replace("\n", "\r\n"))
    server.sendline("HTTP/1.1 204 No Content")
    program.says("Message send successfully", "HTTP/1.1 204 No Content")
    server.stop()
    program.ends()


def test_seed004_a_socket_that_cannot_be_created_says_code_and_message(desk):
    said = without_sockets(desk, "08_http_get").ends(1)
    assert said == "Failed to create socket. Error code: 24 , Error message : Too many open files\n"

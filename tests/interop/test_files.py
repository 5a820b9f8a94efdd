# SPDX-License-Identifier: MIT
"""Tutorial 003: a file from the server to a client, and from a client to the server, compared byte for byte."""
import random

import pytest

SIZES = [0, 1, 1024, 1025, 3_000_001]


@pytest.fixture(params=SIZES)
def file(request, tmp_path):
    """A file of random bytes, every value among them."""
    path = tmp_path / "original"
    path.write_bytes(random.Random(request.param).randbytes(request.param))
    return path


def test_seed003_file_from_our_server_to_our_client(desk, file, tmp_path):
    server = desk.example("20_file_server", 5001, file)
    server.says("Waiting for a client")
    client = desk.example("21_file_client", 5001, "copy")
    server.expect(r"Connection from: 127\.0\.0\.1:\d+\r\n")
    client.says("Successfully received", "Connection closed")
    client.ends()
    server.says(f"Sent {file.stat().st_size} bytes", "File transferred")
    server.ends()
    assert (tmp_path / "copy").read_bytes() == file.read_bytes()


def test_seed003_file_from_our_server_to_the_python_client(desk, file, tmp_path):
    server = desk.example("20_file_server", 5001, file)
    server.says("Waiting for a client")
    client = desk.peer("file_client", "copy")
    client.says("Successfully received")
    client.ends()
    server.says("File transferred")
    server.ends()
    assert (tmp_path / "copy").read_bytes() == file.read_bytes()


def test_seed003_file_from_the_python_server_to_our_client(desk, file, tmp_path):
    server = desk.peer("file_server", file)
    server.says("listening")
    client = desk.example("21_file_client", 5001, "copy")
    server.says("hello was: Hello server!", "File transferred")
    if file.stat().st_size:
        client.says("Receiving data...")
    client.says("Successfully received", "Connection closed")
    client.ends()
    assert (tmp_path / "copy").read_bytes() == file.read_bytes()


def test_seed003_file_server_waits_for_the_hello(desk, tmp_path):
    (tmp_path / "test.txt").write_text("some text\n")
    server = desk.example("20_file_server")
    server.says("Waiting for a client")
    telnet = desk.telnet("localhost", 5001)
    server.expect_exact("Connection from: ")
    telnet.sendline("hello")
    telnet.says("hello", "some text", "Connection closed by foreign host.")
    server.says("Sent 10 bytes", "File transferred")


def test_seed003_file_names_and_ports_have_the_defaults_of_the_tutorial(desk, tmp_path):
    (tmp_path / "test.txt").write_text("some text\n")
    server = desk.example("20_file_server")
    server.says("Waiting for a client")
    desk.example("21_file_client").ends()
    server.ends()
    assert (tmp_path / "recv.txt").read_text() == "some text\n"


def test_seed003_file_that_is_not_there(desk):
    for name in "20_file_server", "23_upload_client":
        assert desk.example(name).ends(1) == "test.txt: No such file or directory\n"


def test_seed003_file_that_cannot_be_stored_is_no_success(desk, tmp_path):
    (tmp_path / "test.txt").write_text("some text\n")
    server = desk.example("20_file_server")
    server.says("Waiting for a client")
    client = desk.example("21_file_client", 5001, "/dev/full")
    client.says("The file could not be written")
    client.ends(1)
    server = desk.example("22_upload_server", 5001, "/dev/full")
    server.says("Waiting for a client")
    client = desk.example("23_upload_client")
    assert "The server does not have the whole file" in client.ends(1)
    assert "/dev/full: not received" in server.ends(1)


def test_seed003_upload_from_our_client_to_our_server(desk, file, tmp_path):
    server = desk.example("22_upload_server", 5001, "copy")
    server.says("Waiting for a client")
    client = desk.example("23_upload_client", 5001, file)
    client.says(f"Sent {file.stat().st_size} bytes", "File transferred")
    client.ends()
    server.says(f"received {file.stat().st_size} bytes")
    server.ends()
    assert (tmp_path / "copy").read_bytes() == file.read_bytes()


def test_seed003_upload_from_the_python_client_to_our_server(desk, file, tmp_path):
    server = desk.example("22_upload_server", 5001, "copy")
    server.says("Waiting for a client")
    client = desk.peer("upload_client", file)
    client.says(f"received {file.stat().st_size} bytes")
    client.ends()
    server.ends()
    assert (tmp_path / "copy").read_bytes() == file.read_bytes()


def test_seed003_upload_from_our_client_to_the_python_server(desk, file, tmp_path):
    server = desk.peer("upload_server", "copy")
    server.says("listening")
    client = desk.example("23_upload_client", 5001, file)
    client.says("File transferred")
    client.ends()
    server.ends()
    assert (tmp_path / "copy").read_bytes() == file.read_bytes()


def test_seed003_upload_with_nc(desk, tmp_path):
    server = desk.example("22_upload_server", 5001, "copy")
    server.says("Waiting for a client")
    assert desk.output("nc", "-N", "localhost", 5001, text="rope\n") == "received 5 bytes\n"
    server.ends()
    assert (tmp_path / "copy").read_text() == "rope\n"


def test_seed003_an_end_of_the_stream_is_no_receipt(desk, tmp_path):
    (tmp_path / "test.txt").write_text("some text\n")
    server = desk.run("nc", "-lv", "127.0.0.1", "5001")
    server.expect_exact("Listening on ")
    client = desk.example("23_upload_client")
    server.expect_exact("some text")
    server.stop()
    client.says("Sent 10 bytes", "The server does not have the whole file")
    client.ends(1)

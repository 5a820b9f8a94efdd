#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""usage: client.py PORT COUNT NAME

Opens COUNT connections and says something on each that is said on no other, twice, and checks the echo. Prints "holding COUNT" when
all are open and verified, waits for a line, verifies all of them again, and ends.
"""
import socket
import sys

port, count, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def verify(connections, what):
    messages = [f"{name} {what} {i}\n".encode() for i in range(len(connections))]
    for connection, message in zip(connections, messages):
        connection.sendall(message)
    for connection, message in zip(connections, messages):
        got = b""
        while len(got) < len(message):
            piece = connection.recv(len(message) - len(got))
            assert piece, f"closed after {got!r}"
            got += piece
        assert got == message, (got, message)


connections = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(count)]
verify(connections, "first")
print("holding", count, flush=True)
sys.stdin.readline()
verify(connections, "second")
print("verified", count, flush=True)

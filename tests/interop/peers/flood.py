# SPDX-License-Identifier: MIT
"""A client that sends without ever receiving, until both directions are full, and then stays. flood.py PORT"""
import socket
import sys

client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client.settimeout(0.5)
try:
    while True:
        client.sendall(bytes(1 << 16))
except TimeoutError:
    print("the server takes no more")
sys.stdin.read()

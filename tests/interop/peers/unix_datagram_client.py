# SPDX-License-Identifier: MIT
"""Sends two Unix datagrams and reads the two answers. unix_datagram_client.py PATH"""
import socket
import sys

client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
client.bind("")
client.settimeout(10)
for text in b"one", b"two":
    client.sendto(text, sys.argv[1])
print(client.recv(1024).decode(), client.recv(1024).decode())

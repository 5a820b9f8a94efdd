# SPDX-License-Identifier: MIT
"""The file client of tutorial 003: says hello, stores what comes. file_client.py FILE"""
import socket
import sys

client = socket.socket()
client.connect(("127.0.0.1", 5001))
client.send(b"Hello server!")
with open(sys.argv[1], "wb") as file:
    while piece := client.recv(1024):
        file.write(piece)
print("Successfully received")
client.close()

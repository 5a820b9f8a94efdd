# SPDX-License-Identifier: MIT
"""The other direction: sends a file, ends its own direction, prints the receipt. upload_client.py FILE"""
import socket
import sys

client = socket.socket()
client.connect(("127.0.0.1", 5001))
with open(sys.argv[1], "rb") as file:
    client.sendfile(file)
client.shutdown(socket.SHUT_WR)
print(client.makefile().readline(), end="")
client.close()

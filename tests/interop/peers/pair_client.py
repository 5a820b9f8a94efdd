# SPDX-License-Identifier: MIT
"""The client of the pair of tutorial 002: reads the server's line, sends one back."""
import socket

client = socket.socket()
client.connect((socket.gethostname(), 12121))
print("got", client.recv(1024).decode())
client.send(b"Thanks")
client.close()

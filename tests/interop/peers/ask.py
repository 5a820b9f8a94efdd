# SPDX-License-Identifier: MIT
"""A client that sends one text and receives once. ask.py PORT TEXT"""
import socket
import sys

client = socket.socket()
client.connect(("127.0.0.1", int(sys.argv[1])))
print("from port", client.getsockname()[1])
client.sendall(sys.argv[2].encode())
print(client.recv(1024).decode())
client.close()

# SPDX-License-Identifier: MIT
"""The greeting client of tutorials 000 and 001: connects, receives once. Says which port it had. greeting_client.py [HOST]"""
import socket
import sys

client = socket.socket()
client.connect((sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1", 12345))
print("from port", client.getsockname()[1])
print(client.recv(1024).decode())
client.close()

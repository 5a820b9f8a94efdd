# SPDX-License-Identifier: MIT
"""A greeting server on a Unix stream socket. unix_server.py PATH"""
import socket
import sys

server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen(5)
print("listening")
while True:
    client, _ = server.accept()
    client.sendall(b"Greetings from Python\n")
    client.close()

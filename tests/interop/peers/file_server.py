# SPDX-License-Identifier: MIT
"""The file server of tutorial 003: waits for a hello, sends the file in pieces of 1024 bytes. file_server.py FILE"""
import socket
import sys

server = socket.socket()
server.bind(("127.0.0.1", 5001))
server.listen()
print("listening")
client, address = server.accept()
print("hello was:", client.recv(1024).decode())
with open(sys.argv[1], "rb") as file:
    while piece := file.read(1024):
        client.sendall(piece)
print("File transferred")
client.close()

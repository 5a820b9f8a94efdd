# SPDX-License-Identifier: MIT
"""The server of the pair of tutorial 002: greets the client of its own host name, then reads its answer."""
import socket

server = socket.socket()
server.bind((socket.gethostname(), 12121))
server.listen(2)
print("listening")
client, address = server.accept()
client.send(b"Welcome")
print("got", client.recv(1024).decode())
client.close()

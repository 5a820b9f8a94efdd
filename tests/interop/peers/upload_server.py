# SPDX-License-Identifier: MIT
"""The other direction: stores what comes to its end and says how much it was. upload_server.py FILE"""
import socket
import sys

server = socket.socket()
server.bind(("127.0.0.1", 5001))
server.listen()
print("listening")
client, address = server.accept()
total = 0
with open(sys.argv[1], "wb") as file:
    while piece := client.recv(65536):
        total += file.write(piece)
client.sendall(b"received %d bytes\n" % total)
client.close()

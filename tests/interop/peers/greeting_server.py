# SPDX-License-Identifier: MIT
"""The greeting server of tutorials 000 and 001: every client gets one line. greeting_server.py [HOST]"""
import socket
import sys

server = socket.socket()
server.bind((sys.argv[1] if len(sys.argv) > 1 else "", 12345))
server.listen(5)
print("socket is listening")
while True:
    client, address = server.accept()
    print("Got connection from", address)
    client.send(b"Thank you for connecting")
    client.close()

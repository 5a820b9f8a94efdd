# SPDX-License-Identifier: MIT
"""The server of tutorial 003 whose operator types the answers; it shows what comes in upper case. chat_server.py PORT"""
import socket
import sys

server = socket.socket()
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen()
print("listening")
client, address = server.accept()
print("Connection from:", address)
while True:
    data = client.recv(1024).decode()
    if not data:
        break
    print("From client:", data.upper())
    client.send(input("Type message: ").encode())
client.close()

# SPDX-License-Identifier: MIT
"""The client of tutorial 003: a typed message, an answer, and so on until q. chat_client.py PORT"""
import socket
import sys

client = socket.socket()
client.connect(("127.0.0.1", int(sys.argv[1])))
message = input("Type message: ")
while message != "q":
    client.send(message.encode())
    print("Received from server:", client.recv(1024).decode())
    message = input("Type message: ")
client.close()

# SPDX-License-Identifier: MIT
"""Sends each Unix datagram back. unix_datagram_server.py PATH"""
import socket
import sys

server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
print("bound")
while True:
    data, address = server.recvfrom(1024)
    server.sendto(data.upper(), address)

# SPDX-License-Identifier: MIT
"""sendto and recvfrom of tutorial 003: every datagram comes back behind "OK..."."""
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 9999))
print("bound")
while True:
    data, address = server.recvfrom(65536)
    print(len(data), "bytes from", address)
    server.sendto(b"OK..." + data, address)

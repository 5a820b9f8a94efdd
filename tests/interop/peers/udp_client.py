# SPDX-License-Identifier: MIT
"""sendto and recvfrom of tutorial 003: one datagram of SIZE bytes and its answer. udp_client.py HOST SIZE"""
import socket
import sys

family, kind, proto, _, address = socket.getaddrinfo(sys.argv[1], 9999, type=socket.SOCK_DGRAM)[0]
client = socket.socket(family, kind, proto)
client.settimeout(10)
text = b"x" * int(sys.argv[2])
client.sendto(text, address)
answer, address = client.recvfrom(65536)
print(len(answer), "bytes, whole:", answer == b"OK..." + text)

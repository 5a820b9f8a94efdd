# SPDX-License-Identifier: MIT
"""Reads a Unix stream socket to its end. unix_client.py PATH"""
import os
import socket
import sys

client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
print("process", os.getpid())
client.connect("\0" + sys.argv[1][1:] if sys.argv[1].startswith("@") else sys.argv[1])
print(client.makefile().read(), end="")

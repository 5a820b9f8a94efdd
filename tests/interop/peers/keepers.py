# SPDX-License-Identifier: MIT
"""Many clients that say a line and stay: each in turn reads its number, and after Enter the next one. keepers.py PORT COUNT"""
import socket
import sys


def ask(client):
    client.sendall(b"x\n")
    return client.recv(100)


port, count = map(int, sys.argv[1:3])
clients, answers = [], []
for _ in range(count):
    clients.append(socket.create_connection(("127.0.0.1", port)))
    answers.append(ask(clients[-1]))
print(answers.count(b"1: x\n"), "have their number")
sys.stdin.readline()
print([ask(client) for client in clients].count(b"2: x\n"), "have the next")

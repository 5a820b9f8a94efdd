# SPDX-License-Identifier: MIT
"""Many clients at once: each reads a line and, after Enter, says hi and reads one more. crowd.py PORT COUNT [lines]"""
import socket
import sys

port, count = map(int, sys.argv[1:3])
clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
files = [client.makefile("rw", newline="\n") for client in clients]
greetings = [file.readline() for file in files]
if sys.argv[3:] == ["lines"]:
    print("".join(greetings), end="")
print(sum(greeting.endswith("\n") for greeting in greetings), "are welcome")
sys.stdin.readline()
for file in files:
    file.write("hi\n")
    file.flush()
print(sum(file.readline() == "OK...hi\n" for file in files), "have had their answer")

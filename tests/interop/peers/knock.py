# SPDX-License-Identifier: MIT
"""Connects again and again, one line each time, until a line of input comes. How many it was, who answered. knock.py PORT"""
import select
import socket
import sys

port, count, failures, answers = int(sys.argv[1]), 0, 0, []
print("knocking")
while not select.select([sys.stdin], [], [], 0)[0]:
    try:
        with socket.create_connection(("127.0.0.1", port)) as sock, sock.makefile("r") as file:
            answer = file.readline().strip()
            failures += not answer
            if answer and answer not in answers:
                answers.append(answer)
                print(answer)
    except OSError as error:
        failures += 1
        print(error)
    count += 1
print(f"{failures} of {count} failed" if count else "none")

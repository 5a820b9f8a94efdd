# SPDX-License-Identifier: MIT
"""The client of tutorial 003: a connection for each line that is typed, until "q" or the end. It connects, then asks."""
import socket

while True:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.connect(("localhost", 9999))
        try:
            data = input("Enter text: ")
        except EOFError:
            break
        if data == "q":
            break
        sock.sendall(bytes(data + "\n", "utf-8"))
        received = str(sock.recv(1024), "utf-8")
        print(f"Sent: {data}")
        print(f"Received: {received}")

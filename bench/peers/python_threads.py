#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The peer socketserver, with a thread for each connection.

usage: python_threads.py echo|lines|churn [BUFFER]
"""
import resource
import socket
import socketserver
import sys

MODE, SIZE = sys.argv[1] if len(sys.argv) > 1 else "echo", int(sys.argv[2]) if len(sys.argv) > 2 else 65536
REQUEST = 64


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(SIZE):
            self.request.sendall(data)


class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(b"OK..." + line)


class Churn(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.request.recv(REQUEST, socket.MSG_WAITALL))


class Server(socketserver.ThreadingTCPServer):
    request_queue_size = 4096
    daemon_threads = True

    def get_request(self):
        client, address = super().get_request()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        return client, address

    def handle_error(self, request, client_address):
        """Clients that leave in the middle are no news."""


hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
with Server(("127.0.0.1", 0), {"echo": Echo, "lines": Lines, "churn": Churn}[MODE]) as server:
    print("port", server.server_address[1], flush=True)
    server.serve_forever()

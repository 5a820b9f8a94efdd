# SPDX-License-Identifier: MIT
"""The server of tutorial 003 on socketserver.TCPServer: who wrote what, and the answer in capitals, on port 9999."""
import socketserver


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        data = self.request.recv(1024).strip()
        host, port = self.client_address
        print(f"{host}:{port} wrote:")
        print(data.decode())
        self.request.sendall(data.upper())


socketserver.TCPServer.allow_reuse_address = True
with socketserver.TCPServer(("localhost", 9999), Handler) as server:
    print("listening")
    server.serve_forever()

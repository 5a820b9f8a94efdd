# SPDX-License-Identifier: MIT
"""A service manager: opens a port, starts PROGRAM with it, and prints what the program tells it. manager.py PORT PROGRAM

The program has the socket as descriptor 3, as systemd gives it. At the first line of input it gets SIGTERM."""
import os
import signal
import socket
import sys
import tempfile
import threading


def start(door, program, where):
    pid = os.fork()
    if pid == 0:
        os.dup2(door.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web", NOTIFY_SOCKET=where)
        os.execv(program, [program])
    return pid


def listen(notify):
    while state := notify.recv(1024):
        sys.stdout.write(f"told {state.decode()}\n")  # one write: the program prints as well


port, program = int(sys.argv[1]), sys.argv[2]
with tempfile.TemporaryDirectory() as directory:
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(directory + "/notify")
    door = socket.create_server(("127.0.0.1", port))
    print("opened")
    sys.stdin.readline()  # whoever connects before the program is there waits
    pid = start(door, program, directory + "/notify")
    listener = threading.Thread(target=listen, args=[notify])
    listener.start()
    sys.stdin.readline()
    os.kill(pid, signal.SIGTERM)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    notify.sendto(b"", directory + "/notify")  # behind all that was told
    listener.join()
    print("ended with", status)

# SPDX-License-Identifier: MIT
"""A process that stands still: what a test sends it meanwhile is all there when it goes on, and the clock that it then starts is
not yet running.

    with standstill(server.process):
        client = server.call()
        client.sendall(b"hello\\n")
"""
import contextlib
import os
import signal


@contextlib.contextmanager
def standstill(process):
    """PROCESS, a child that has not ended."""
    os.kill(process.pid, signal.SIGSTOP)
    try:
        # On a busy machine its threads run on until the one that has got the signal has a processor.
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)

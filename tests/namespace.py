# SPDX-License-Identifier: MIT
"""A machine of its own for a test: a network with nothing but loopback, and an /etc with the test's own names.

Programs with fixed ports run here, so that tests never meet each other or what the machine serves already. Nothing outside is
changed. The namespace lives as long as its holder, a process that waits for the end of its input: it ends with the test, even
when the test is killed.

    with Namespace(hosts="127.0.0.1 localhost\\n") as machine:
        subprocess.run(machine.command("telnet", "localhost", "12345"))
"""
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

HOSTS = f"127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 {socket.gethostname()}\n"

SETUP = """
ip link set lo up
mount --rbind /etc "$1/system"
mount --bind "$1/etc" /etc
echo ready
exec cat
"""

# As root without a user namespace, because a chroot allows no new one.
WAYS = [
    (["--user", "--map-root-user"], ["--user", "--preserve-credentials"]),
    ([], []),
]


def tables(hosts):
    """The files of /etc that differ from the system's. Look-ups read files only: no name server is asked."""
    return {
        "hosts": hosts,
        "nsswitch.conf": "hosts: files\nservices: files\nprotocols: files\npasswd: files\ngroup: files\n",
        "services": "http 80/tcp www\ndomain 53/tcp\ndomain 53/udp\n",
    }


class Namespace:
    """A network and mount namespace. Further files of /etc come as ETC, a dict from name to text."""

    def __init__(self, hosts=HOSTS, etc=None):
        self.directory = Path(tempfile.mkdtemp(prefix="hawser-namespace-"))
        self.holder = None
        try:
            self._write_etc({**tables(hosts), **(etc or {})})
            self._start()
        except BaseException:
            self.close()
            raise

    def _write_etc(self, files):
        """An /etc of links into the system's own, except for FILES."""
        (self.directory / "system").mkdir()
        etc = self.directory / "etc"
        etc.mkdir()
        for name in os.listdir("/etc"):
            if name not in files:
                (etc / name).symlink_to(self.directory / "system" / name)
        for name, text in files.items():
            (etc / name).write_text(text)

    def _start(self):
        reasons = []
        for unshare, enter in WAYS:
            self.holder = subprocess.Popen(
                ["unshare", *unshare, "--net", "--mount", "sh", "-ec", SETUP, "sh", self.directory],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if self.holder.stdout.readline() == "ready\n":
                self._enter = ["nsenter", "--target", str(self.holder.pid), *enter, "--root", "--net", "--mount"]
                return
            reasons.append(self._end())
        raise OSError("no namespace of its own: " + "; ".join(reasons))

    def _end(self):
        holder, self.holder = self.holder, None
        return holder.communicate()[1].strip() if holder else ""

    def command(self, *argv, cwd=None):
        """ARGV as a command that runs inside, in the directory CWD. It becomes the program, with the same process id."""
        return [*self._enter, "sh", "-c", 'cd "$0" && exec "$@"', str(cwd or os.getcwd()), *map(str, argv)]

    def close(self):
        self._end()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

# SPDX-License-Identifier: MIT
"""Which programs stand against each other in which work."""
from pathlib import Path

NAMES = {"libuv": "libuv", "libevent": "libevent", "glib": "GLib (GIO)", "go": "Go", "python_asyncio": "Python asyncio",
         "python_threads": "Python threads"}
# Other ways of a peer to do the same work: (name, mode).
MORE = {("libevent", "lines"): [("libevent, a write a line", "lines-each")]}
PACKAGES = {"libuv": "libuv1-dev", "libevent": "libevent-dev", "glib": "libglib2.0-dev", "go": "golang-go"}


class Programs:
    def __init__(self, build, source):
        self.build, self.peers_source = Path(build), Path(source) / "bench/peers"

    def reference(self, name, *arguments):
        return [self.build / "reference" / name, *arguments]

    def ours(self, name, *arguments):
        return [self.build / "hawser" / name, *arguments]

    def micro(self, name, *arguments):
        return [self.build / "micro" / name, *arguments]

    def peers(self, mode, *arguments, without=()):
        """(name, command) of each peer, and (name, why not) of those that are not here."""
        here, missing = [], []
        for peer, name in NAMES.items():
            script = self.peers_source / f"{peer}.py"
            command = ["/usr/bin/python3", script] if script.exists() else [self.build / "peers" / peer]
            if peer in without:
                missing.append((name, without[peer]))
            elif not Path(command[0]).exists():
                missing.append((name, f"not built: package {PACKAGES.get(peer, 'python3')}"))
            else:
                here.append((name, [*command, mode, *arguments]))
                here += [(other, [*command, way, *arguments]) for other, way in MORE.get((peer, mode), [])]
        return here, missing

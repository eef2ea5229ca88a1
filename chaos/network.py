"""Hosts on one machine: a network namespace each, on a bridge that servers are reached through.

Servers of the tests listen on loopback; a forwarder brings the bridge's address to them. Needs the
rights of root, and Linux.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

NET = "10.77.0"
GATE = f"{NET}.1"
"""The address under which every host finds the servers."""
BRIDGE = "vr-chaos"


def ip(*command: object) -> None:
    subprocess.run(["ip", *map(str, command)], check=True, capture_output=True)


class Bridge:
    """The network, while the block lasts; what a killed run left behind is taken away first."""

    def __enter__(self) -> Self:
        self._clear()
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("addr", "add", f"{GATE}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def _clear(self) -> None:
        with suppress(subprocess.CalledProcessError):
            ip("link", "del", BRIDGE)
        listed = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True)
        for line in listed.stdout.splitlines():
            if line.startswith("vr-"):
                ip("netns", "del", line.split()[0])


class Host:
    """A machine of its own: network, host name, process ids, a folder for its disk."""

    def __init__(self, number: int, name: str, folder: Path) -> None:
        self.space, self.name, self.folder = f"vr-h{number}", name, folder
        self._link = f"vrh{number}"
        folder.mkdir(parents=True, exist_ok=True)
        ip("netns", "add", self.space)
        ip("link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", self.space)
        ip("link", "set", self._link, "master", BRIDGE, "up")
        ip("-n", self.space, "addr", "add", f"{NET}.{10 + number}/24", "dev", "eth0")
        ip("-n", self.space, "link", "set", "eth0", "up")
        ip("-n", self.space, "link", "set", "lo", "up")

    def start(
        self, command: Sequence[str], env: Mapping[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        """Run a command there, as in a container: it is process 1 of its namespace."""
        inside = f'hostname {self.name} && exec "$@"'
        apart = ["unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
        with log.open("ab") as out:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.space, *apart, "sh", "-c", inside, "sh", *command],
                env={**os.environ, **env},
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def cut(self) -> None:
        """Nothing goes in or out: no end of a connection either."""
        ip("link", "set", self._link, "down")

    def heal(self) -> None:
        ip("link", "set", self._link, "up")


def children(pid: int) -> list[int]:
    """All processes below this one, the nearest first."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for one in task.read_text().split():
                found += [int(one), *children(int(one))]
    return found


def kill(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


class Forward:
    """Brings a port of the bridge's address to the same port of loopback."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._listener = socket.create_server((GATE, port), backlog=256)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        with near, far, selectors.DefaultSelector() as both, suppress(OSError):
            both.register(near, selectors.EVENT_READ, far)
            both.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in both.select():
                    data = key.fileobj.recv(65_536)  # type: ignore[union-attr] # a socket
                    if not data:
                        return
                    key.data.sendall(data)


def refuse_without_rights() -> None:
    """Say what is missing, in one line."""
    missing = [name for name in ("ip", "unshare", "node") if not shutil.which(name)]
    if os.geteuid() != 0 or missing:
        needs = ", ".join(missing) or "the rights of root"
        raise SystemExit(f"make chaos needs {needs}: it makes network namespaces for its hosts")

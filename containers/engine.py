"""A Docker engine of its own: its data, socket and log in one folder, and nothing left of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
TABLES = {"iptables": ("filter", "nat"), "ip6tables": ("filter", "nat")}
START_SECONDS = 30.0


class Failed(Exception):
    """A step that did not go as it must."""


def run(*command: str, seconds: float = 600, **options: object) -> str:
    """What a command prints. Raises `Failed` with its last lines."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds, check=False, **options
    )  # type: ignore[call-overload]
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise Failed(f"{' '.join(command[:6])} … ended with {done.returncode}:\n{said}")
    return str(done.stdout)


def links() -> set[str]:
    return {one.name for one in Path("/sys/class/net").iterdir()}


def rules() -> dict[str, list[str]]:
    """The packet filter without counters and comments."""
    found = {}
    for program, tables in TABLES.items():
        for table in tables:
            said = subprocess.run(
                [f"{program}-save", "-t", table], capture_output=True, text=True, check=False
            ).stdout
            lines = (line.split(" [")[0] for line in said.splitlines())
            found[f"{program} {table}"] = [
                line
                for line in lines
                if line.startswith(("-A", ":")) and not line.endswith(" ACCEPT")
            ]
    return found


class Engine:
    """One `dockerd`, started and ended; `client` is the environment for its clients."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before = (rules(), FORWARD.read_text(), links())
        self.process: subprocess.Popen[bytes] | None = None
        tools = folder / "bin"
        tools.mkdir()
        (tools / "docker").symlink_to("/usr/bin/docker")  # the one that came with the engine
        self.client = os.environ | {
            "DOCKER_HOST": f"unix://{folder}/docker.sock",
            "DOCKER_BUILDKIT": "1",
            "PATH": f"{tools}:{os.environ['PATH']}",
        }

    def start(self) -> None:
        with (self.folder / "dockerd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *("dockerd", "--data-root", self.folder / "data"),
                    *("--exec-root", self.folder / "exec", "-H", self.client["DOCKER_HOST"]),
                    *("--pidfile", self.folder / "docker.pid"),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                self.docker("version")
            except Failed:
                time.sleep(0.3)
                continue
            return
        last = (self.folder / "dockerd.log").read_text()[-800:]
        raise Failed(f"dockerd did not start:\n{last}")

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def docker(self, *arguments: str, seconds: float = 600) -> str:
        return run("docker", *arguments, seconds=seconds, env=self.client).strip()

    def clean(self) -> bool:
        """Take away what an engine leaves; tells whether the machine is as it was."""
        self.stop()
        filters, forward, there = self.before
        for link in links() - there:
            subprocess.run(["ip", "link", "delete", link], capture_output=True, check=False)
        for program, tables in TABLES.items():
            for table in tables:
                if not filters[f"{program} {table}"]:  # nobody else has rules there
                    for what in ("-F", "-X"):
                        subprocess.run(
                            [program, "-t", table, what], capture_output=True, check=False
                        )
                    if table == "filter":
                        subprocess.run(
                            [program, "-P", "FORWARD", "ACCEPT"], capture_output=True, check=False
                        )
        FORWARD.write_text(forward)
        run("umount", "-R", "-l", str(self.folder / "data")) if self._mounted() else None
        shutil.rmtree(self.folder, ignore_errors=True)
        now = (rules(), FORWARD.read_text(), links())
        return now == self.before and not self.folder.exists() and not self._mounted()

    def _mounted(self) -> bool:
        return str(self.folder) in Path("/proc/mounts").read_text()

"""The steps of .github/workflows/deploy.yml, run as they stand, against a real SSH server.

What GitHub would fill in is filled in here; `deploy.sh` on the other side is a stand-in that writes
down how it was called (the real one has tests of its own, with a real Docker).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SSHD = Path("/usr/sbin/sshd")
USER = pwd.getpwuid(os.getuid()).pw_name
STAND_IN = """#!/bin/sh
echo "$1 $VIDEO_RAG_IMAGE" >>calls
[ ! -e broken ] || [ "$1" != up ]
"""

pytestmark = pytest.mark.skipif(
    not SSHD.exists() or os.getuid() != 0, reason="needs root and sshd (apt install openssh-server)"
)


@dataclass
class Machine:
    """Where it is deployed to, and who deploys."""

    runner: Path
    folder: Path
    port: int
    key: str
    host_key: str

    def do(self, name: str, **given: str) -> subprocess.CompletedProcess[str]:
        """A step of the job, by its name, with these variables for those of GitHub."""
        (job,) = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())[
            "jobs"
        ].values()
        (step,) = [step for step in job["steps"] if step.get("name", "").startswith(name)]
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.runner),
            "WHERE": f"{USER}@127.0.0.1",
            "FOLDER": str(self.folder),
            "GITHUB_REPOSITORY": "Example/Video-RAG",
            **dict.fromkeys(step.get("env", ()), ""),
            **given,
        }
        return subprocess.run(
            ["/bin/bash", "-e", "-c", step["run"]],
            cwd=self.runner / "checkout",
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def meet(self, **other: str) -> None:
        known = {"KEY": self.key, "HOST_KEYS": self.host_key, "PORT": str(self.port)}
        assert self.do("who we are", **known | other).returncode == 0

    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    there, runner = tmp_path / "there", tmp_path / "runner"
    folder = there / "video-rag"
    for one in (folder, runner / "checkout" / "deploy"):
        one.mkdir(parents=True)
    (runner / "checkout" / "deploy" / "deploy.sh").write_text(STAND_IN)
    (folder / ".env").write_text("KEPT=1\n")
    for name in ("host", "client"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(there / name)]
        subprocess.run(command, check=True, timeout=30)
    shutil.copy(there / "client.pub", there / "authorized")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = there / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {there / 'host'}\nPidFile none\n"
        f"AuthorizedKeysFile {there / 'authorized'}\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nPermitRootLogin prohibit-password\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)  # where it drops its rights
    with subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            host_key = (there / "host.pub").read_text().split(" ", 2)[:2]
            known = f"[127.0.0.1]:{port} {' '.join(host_key)}"
            yield Machine(runner, folder, port, (there / "client").read_text(), known)
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("sshd does not answer")


def test_a_version_is_brought_and_started(machine: Machine) -> None:
    machine.meet()
    done = machine.do("bring it", VERSION="0.2.0", REGISTRY="ghcr.io")
    assert done.returncode == 0, done.stderr
    assert machine.calls() == ["up ghcr.io/example/video-rag:0.2.0-cpu"]
    assert (machine.folder / ".env").read_text() == "KEPT=1\n"
    assert (machine.runner / ".ssh" / "id").stat().st_mode & 0o077 == 0
    assert machine.do("the key goes").returncode == 0
    assert not (machine.runner / ".ssh").exists()


def test_a_start_that_fails_fails_the_job(machine: Machine) -> None:
    (machine.folder / "broken").touch()
    machine.meet()
    assert machine.do("bring it", VERSION="0.2.0", REGISTRY="ghcr.io").returncode != 0


def test_what_is_not_seen_from_outside_is_taken_back(machine: Machine) -> None:
    machine.meet()
    machine.do("bring it", VERSION="0.2.0", REGISTRY="ghcr.io")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        step = "it answers from outside"
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = machine.do(step, URL=url, MOST_SECONDS="1")
    assert done.returncode == 1
    assert "what ran before runs again" in done.stdout
    assert machine.calls()[-1].startswith("rollback")


@pytest.mark.parametrize("version", ["", "1.0; touch /tmp/x", "$(id)", "../x", "1 2"])
def test_a_version_that_is_none_is_refused(machine: Machine, version: str) -> None:
    machine.meet()
    done = machine.do("bring it", VERSION=version, REGISTRY="ghcr.io")
    assert done.returncode == 1
    assert "no version" in done.stdout
    assert machine.calls() == []


def test_a_machine_with_another_key_is_not_spoken_to(machine: Machine) -> None:
    machine.meet(HOST_KEYS=f"[127.0.0.1]:{machine.port} ssh-ed25519 {'A' * 68}")
    done = machine.do("bring it", VERSION="0.2.0", REGISTRY="ghcr.io")
    assert done.returncode != 0
    assert machine.calls() == []

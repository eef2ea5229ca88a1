"""A real Elasticsearch for tests, as Maven Central has it: one node on loopback, ended by its pid.

The zip (89 MB) is the server without most of its modules; it is fetched once by Maven and unpacked
once into `build/elasticsearch`. Without Maven, a JDK or the network whoever asks skips and says so.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

VERSION = "9.1.0"
ARTIFACT = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
CACHE = Path(__file__).resolve().parent.parent / "build" / "elasticsearch"
USER = "nobody"
"""Who runs it where the tests are root, since it refuses to be."""
_START_SECONDS = 120


def java() -> Path | None:
    """A JDK that is new enough: 21 or later."""
    homes = sorted(Path("/usr/lib/jvm").glob("*/release"), reverse=True)
    for release in homes:
        said = dict(line.split("=", 1) for line in release.read_text().splitlines() if "=" in line)
        major = said.get("JAVA_VERSION", "0").strip('"').split(".")[0]
        if major.isdigit() and int(major) >= 21:
            return release.parent
    return None


def unpacked() -> Path:
    """The folder of the server; fetched and unpacked where that was not done yet."""
    here = CACHE / f"elasticsearch-{VERSION}"
    if here.is_dir():
        return here
    maven = shutil.which("mvn")
    if maven is None or java() is None:
        pytest.skip("needs Maven and a JDK of version 21 or later, for Elasticsearch")
    CACHE.mkdir(parents=True, exist_ok=True)
    fetch = [maven, "-q", "dependency:copy", f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={CACHE}"]
    done = subprocess.run(fetch, capture_output=True, text=True, check=False, timeout=280)
    found = CACHE / f"elasticsearch-{VERSION}.zip"
    if done.returncode or not found.is_file():
        pytest.skip(f"Maven cannot fetch Elasticsearch {VERSION}: {done.stdout[-200:]}")
    with tempfile.TemporaryDirectory(dir=CACHE) as part:
        with zipfile.ZipFile(found) as archive:
            for one in archive.infolist():
                to = Path(archive.extract(one, part))
                if mode := one.external_attr >> 16:
                    to.chmod(mode & 0o777)
        with suppress(OSError):  # another test process was faster
            (Path(part) / f"elasticsearch-{VERSION}").rename(here)
    found.unlink(missing_ok=True)
    return here


class Server:
    """One node, with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, home = folder, folder / "es"
        shutil.copytree(unpacked(), home, symlinks=True)
        self.port, transport = _free_port(), _free_port()
        (home / "config" / "elasticsearch.yml").write_text(
            f"network.host: 127.0.0.1\nhttp.port: {self.port}\ntransport.port: {transport}\n"
            "discovery.type: single-node\nxpack.security.enabled: false\n"
            "cluster.routing.allocation.disk.threshold_enabled: false\n"
            f"path.data: {folder}/data\npath.logs: {folder}/logs\n"
        )
        (folder / "tmp").mkdir()
        command = [str(home / "bin" / "elasticsearch")]
        if os.geteuid() == 0:
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, USER)
            command = ["runuser", "-u", USER, "--", *command]
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "tmp"),
            "ES_JAVA_HOME": str(java()),
            "ES_JAVA_OPTS": "-Xms384m -Xmx384m",
            "ES_TMPDIR": str(folder / "tmp"),  # above its own files it is refused
        }
        with (folder / "out").open("wb") as out:
            self.process = subprocess.Popen(
                command, env=env, stdout=out, stderr=out, cwd=folder, start_new_session=True
            )

    def wait(self) -> None:
        """Wait until it answers."""
        for _ in range(_START_SECONDS * 4):
            with suppress(OSError):
                if self("GET", "/_cluster/health")["status"] in {"green", "yellow"}:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.25)
        raise RuntimeError((self.folder / "out").read_text()[-3000:])

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """What it answers to a request. Raises `OSError` for a refusal."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as got:
                return json.loads(got.read())
        except urllib.error.HTTPError as error:
            raise OSError(f"{method} {path}: {error.read().decode()[:500]}") from error

    def end(self) -> None:
        """The whole session of it: the server is a child of what was started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()


@contextmanager
def running() -> Iterator[Server]:
    """A server for as long as the block lasts."""
    unpacked()
    folder = Path(tempfile.mkdtemp(prefix="video-rag-elasticsearch-"))
    server: Server | None = None
    try:
        server = Server(folder)
        server.wait()
        yield server
    finally:
        if server is not None:
            server.end()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])

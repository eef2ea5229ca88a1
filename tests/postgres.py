"""A real PostgreSQL for tests: Debian's, on a free port of loopback, with a folder of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

USER = "postgres"
"""Who runs it where the tests are root, since it refuses to be."""


def programs() -> Path | None:
    """The folder of the newest `initdb` there is."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[4])
    if found:
        return found[-1].parent
    one = shutil.which("initdb")
    return Path(one).parent if one else None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


class Server:
    """One server; `stop`, `kill` and `start` it as often as a test likes."""

    def __init__(self, folder: Path) -> None:
        found = programs()
        if found is None:
            pytest.skip("needs PostgreSQL: scripts/install-test-packages.sh installs it")
        self.bin, self.folder, self.port = found, folder, _free_port()
        self.data = folder / "data"
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        self._run("initdb", "-D", self.data, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        said = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off"
        said += f" -c unix_socket_directories={self.folder} -c max_connections=200"
        log = self.folder / "log"
        self._run("pg_ctl", "-D", self.data, "-o", said, "-l", log, "-w", "-t", "60", "start")

    def stop(self, how: str = "fast") -> None:
        """Stop it; `immediate` is as if the power went."""
        self._run("pg_ctl", "-D", self.data, "-m", how, "-w", "stop")

    def end(self) -> None:
        """Whatever state it is in, it is gone afterwards."""
        with suppress(OSError, ValueError):
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGQUIT)
            for _ in range(100):
                os.kill(pid, 0)
                time.sleep(0.05)

    def url(self, database: str, user: str = USER) -> str:
        """The address of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """A new, empty database; gives its address."""
        name = f"t{secrets.token_hex(4)}"
        self.sql(f"create database {name}")
        yield self.url(name)
        self.sql(f"drop database {name} with (force)")

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement outside of a transaction; its rows, if it gives any."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as db:
            cursor = db.execute(statement)  # type: ignore[arg-type] # our own words
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self.bin / program), *map(str, arguments)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", USER, "--", *command]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            cwd="/", stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@contextmanager
def running() -> Iterator[Server]:
    """A server for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="video-rag-postgres-"))
    server: Server | None = None
    try:
        server = Server(folder)
        yield server
    finally:
        if server is not None:
            server.end()
        shutil.rmtree(folder, ignore_errors=True)

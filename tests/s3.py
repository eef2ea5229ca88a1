"""S3 servers for tests: moto, which takes every key, and s3rver, which refuses unknown ones.

Each is started when first asked for, once per test process, on a free loopback port with files of
its own, and ended by its pid.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from pydantic import SecretStr

from video_rag.settings.buckets import BlobsSettings

ROOT = Path(__file__).resolve().parent.parent
S3RVER = ROOT / "build" / "s3rver" / "node_modules" / "s3rver" / "bin" / "s3rver.js"
KEY = "S3RVER"
"""Key and secret that s3rver knows."""


@dataclass
class Server:
    """An S3 server that can go away and come back; s3rver keeps its buckets meanwhile."""

    command: Callable[[int], list[str]]
    port: int = field(default_factory=lambda: free_port())  # noqa: PLW0108 (defined below)
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command(self.port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{self.command(self.port)} does not come up")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=KEY,
        )

    def new_bucket(self) -> str:
        name = f"videos-{secrets.token_hex(6)}"
        self.client().create_bucket(Bucket=name)
        return name

    def settings(self, url: str, **more: Any) -> BlobsSettings:
        return BlobsSettings(
            **{
                "url": url,
                "endpoint": self.endpoint,
                "region": "us-east-1",
                "access_key_id": KEY,
                "secret_access_key": SecretStr(KEY),
                **more,
            }
        )

    def table(self) -> dict[str, str]:
        """The same as options of `[blobs]`."""
        return {
            "endpoint": self.endpoint,
            "region": "us-east-1",
            "access_key_id": KEY,
            "secret_access_key": KEY,
        }


def moto() -> Server:
    """A server that takes every key; its buckets are gone when it stops."""
    pytest.importorskip("moto.server", reason="needs moto, which `make setup` installs")
    return _moto()


def s3rver() -> Server:
    """A server that refuses unknown keys and keeps its buckets on the disk."""
    return _s3rver()


def new_s3rver() -> Server:
    """One that a test may stop and start."""
    if not S3RVER.is_file() or not shutil.which("node"):
        pytest.skip("needs s3rver, which `sh scripts/install-s3rver.sh` installs where npm is")
    folder = tempfile.mkdtemp(prefix="s3rver-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    server = Server(
        lambda port: [
            *(str(shutil.which("node")), str(S3RVER)),
            *("-d", folder, "-a", "127.0.0.1", "-p", str(port), "--silent"),
        ]
    )
    server.start()
    atexit.register(server.stop)
    return server


@cache
def _s3rver() -> Server:
    return new_s3rver()


@cache
def _moto() -> Server:
    os.environ.setdefault("MOTO_ALLOW_NONEXISTENT_REGION", "1")
    server = Server(
        lambda port: [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    )
    server.start()
    atexit.register(server.stop)
    return server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def refusing(status: int, code: str) -> Iterator[str]:
    """The address of a server that answers everything with one refusal, as S3 words it."""

    class Refuse(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            signed = self.headers.get("authorization", "")
            text = f"<Error><Code>{code}</Code><StringToSign>{signed}</StringToSign></Error>"
            body = b"" if self.command == "HEAD" else text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_DELETE = do_PUT  # noqa: N815 (http.server's names)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


SERVERS = {"moto": moto, "s3rver": s3rver}

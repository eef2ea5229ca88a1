"""A RabbitMQ of the tests' own: loopback ports, its data in a folder, ended by its process id.

One for each worker of the test run; each test gets a virtual host of its own in it, or names its
queues otherwise. Debian's package, its scripts called directly: the wrappers in /usr/sbin switch
the user, and leave an epmd that listens everywhere.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

SCRIPTS = Path("/usr/lib/rabbitmq/lib")
_PREFIX = "video-rag-rabbitmq-"
TICK_MS, CONSUMER_MS = 500, 6000
"""How often the broker looks for messages that are held too long, and how long that is."""


class Broker:
    """A broker that can be stopped and started again with its queues."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self._dist, self._epmd = (_free_port() for _ in range(3))
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._process: subprocess.Popen[bytes] | None = None
        found = sorted(SCRIPTS.glob("rabbitmq_server-*/sbin"))
        if not found:
            pytest.skip("needs RabbitMQ: apt install rabbitmq-server")
        self._sbin = found[-1]
        (folder / "enabled_plugins").write_text("[].\n")
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"consumer_timeout = {CONSUMER_MS}\n"
            "log.console = false\nlog.file.level = warning\n"
            "vm_memory_high_watermark.absolute = 1GB\ndisk_free_limit.absolute = 1MB\n"
        )
        (folder / "advanced.config").write_text(
            f"[{{rabbit, [{{channel_tick_interval, {TICK_MS}}}]}}].\n"
        )

    @property
    def environment(self) -> dict[str, str]:
        """What its scripts are told."""
        base = str(self.folder)
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        return {
            "PATH": os.environ["PATH"],
            "HOME": base,
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"videorag{self.port}@localhost",
            "RABBITMQ_MNESIA_BASE": f"{base}/mnesia",
            "RABBITMQ_LOG_BASE": f"{base}/log",
            "RABBITMQ_CONFIG_FILE": f"{base}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{base}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{base}/enabled_plugins",
            "RABBITMQ_PID_FILE": f"{base}/pid",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": str(self._dist),
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": loopback,
        }

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        with (self.folder / "out.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._sbin / "rabbitmq-server"],
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        until = time.monotonic() + 60
        while not _answers(self.port):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.folder / "out.log").read_text()[-2000:])
            time.sleep(0.1)

    def stop(self) -> None:
        """End it in good order, or at once when it does not."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Stop and start it; durable queues come back."""
        self.stop()
        self.start()

    def end(self) -> None:
        """Stop it and the port mapper that it started."""
        self.stop()
        if sys.platform == "linux":
            _end_of(self.folder)


def _end_of(folder: Path) -> None:
    """End what a broker of this folder left, its epmd too: known by the home it was given."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            pid = int(entry.name)
            if f"HOME={folder}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)


def _sweep() -> None:
    """End brokers whose test run was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError, ValueError):
            owner = int((folder / "owner").read_text())
            if not Path(f"/proc/{owner}").exists():
                _end_of(folder)
                shutil.rmtree(folder, ignore_errors=True)


def _answers(port: int) -> bool:
    """Whether an AMQP server speaks there."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as line:
        line.settimeout(1)
        line.sendall(b"AMQP\x00\x00\x09\x01")
        return bool(line.recv(8))
    return False


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
    return port


@contextmanager
def some_broker() -> Iterator[Broker]:
    """A broker of this process's own, for a fixture to yield."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    (folder / "owner").write_text(str(os.getpid()))
    try:
        broker = Broker(folder)
        try:
            broker.start()
            yield broker
        finally:
            broker.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""Who holds a claim, and whether that process surely died.

An owner is `place|pid|start|process|thread`. A *place* is one start of one kernel and one namespace
of process ids in it: two containers with one host name are two places, and so is a host before and
after it was started anew. Only a neighbour in the same place can see that a process is gone; all
others wait for the end of its claim.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
import uuid
from functools import cache

_PARTS = 5


def me() -> str:
    """This thread as an owner, unique for its life."""
    pid = os.getpid()
    return f"{place()}|{pid}|{_started(pid)}|{_process(pid)}|{threading.get_ident()}"


def worker() -> str:
    """This process for people: host and process id."""
    return f"{_host()}:{os.getpid()}"


@cache
def _host() -> str:
    return socket.gethostname()


def is_dead(owner: str) -> bool:
    """Whether the owner surely died: its process ran in this place and is gone."""
    parts = owner.split("|")
    if len(parts) != _PARTS or parts[0] != place():
        return False
    pid, started = int(parts[1]), parts[2]
    if pid == os.getpid():
        return parts[3] != _process(pid)  # an earlier process had our id
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    now_there = _started(pid)
    return started != now_there and "" not in (started, now_there)


@cache
def place() -> str:
    """What two processes share that can see each other: one start of one kernel, one namespace."""
    boot, namespace = _read("/proc/sys/kernel/random/boot_id"), _link("/proc/self/ns/pid")
    if boot and namespace:
        return f"{boot}:{namespace}"
    return f"{socket.gethostname()}:{uuid.getnode():x}"  # no Linux: containers are none here


@cache
def _process(_pid: int) -> str:
    """A random name of this process; a fork has another id and so another name."""
    return secrets.token_hex(4)


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot (Linux), to tell reused ids apart."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 (read on every claim)
            return file.read().strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115 (as above)
    except OSError:
        return ""


def now() -> float:
    """Seconds since the epoch, as claims and failures keep them."""
    return time.time()

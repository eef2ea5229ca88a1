"""Who holds a claim, and whether that process still lives."""

from __future__ import annotations

import os
import socket
import threading
import time


def me() -> str:
    """This thread's name as an owner: `host|pid|thread|start`, unique for its life."""
    return f"{socket.gethostname()}|{os.getpid()}|{threading.get_ident()}|{_started(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Whether the owner surely died: its process ran on this host and is gone.

    A process on another host may live; only the end of its claim tells.
    """
    host, pid, _thread, started = owner.split("|")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    now = _started(int(pid))
    return started != now and "" not in (started, now)


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot (Linux), to tell reused pids apart."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 (read on every claim)
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def now() -> float:
    """Seconds since the epoch, as claims and failures keep them."""
    return time.time()

"""`video-rag worker`: processes that take stages, kept running until they are told to end.

Each is a process of its own, started afresh and not forked: models and databases do not survive a
fork once threads run, native code that crashes takes one stage with it, and only those that listen
load a model of speech.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from video_rag.errors import UsageError, VideoRagError
from video_rag.library import Library
from video_rag.library.wiring import Parts
from video_rag.queues import CPU, GPU, LANES, NET, Shared
from video_rag.settings import Settings

log = logging.getLogger("video_rag")

_SOON = 5.0
"""Seconds within which a process that ends again waits longer before the next one is started."""
_LOOK = 0.5
"""Seconds between two looks at the processes."""
_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_SHARE = 0.8
"""Of the memory that there is."""


@dataclass(frozen=True)
class Gang:
    """Processes that do the same."""

    name: str
    routes: tuple[str, ...]
    processes: int
    threads: int
    """Stages that each works on at once."""


def plan(settings: Settings, lanes: Sequence[str], concurrency: int | None) -> list[Gang]:
    """Which processes serve these lanes on this machine.

    Downloads wait more than they work: one process, as many threads as `[pipeline] downloads`. What
    computes has a process for each stage at once, as many as there are cores. Speech recognition
    takes all cores by itself: one process, as large as its model.
    """
    most = concurrency or _cores()
    here = f"at.{settings.pipeline.machine}"
    gangs = {
        NET: Gang("net", (NET,), 1, settings.pipeline.downloads),
        CPU: Gang("cpu", (CPU, here), most, 1),
        GPU: Gang("gpu", (GPU,), 1, 1),
    }
    return [gangs[lane] for lane in dict.fromkeys(lanes)]


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_lanes(names: str) -> list[str]:
    """The lanes in `net,cpu`. Raises `UsageError` for an unknown one, and for none."""
    lanes = [name.strip() for name in names.split(",") if name.strip()]
    if not lanes:
        raise UsageError("no lane is named", hint=f"known: {', '.join(LANES)}")
    if unknown := [name for name in lanes if name not in LANES]:
        hint = f"known: {', '.join(LANES)}"
        raise UsageError(f"there is no lane {unknown[0]!r}", hint=hint)
    return lanes


def refuse_unready(parts: Parts, lanes: Iterable[str]) -> None:
    """Raise `NeedsExtra`, or what else it is, for a lane whose work cannot be done here."""
    pipeline = parts.settings.pipeline
    needs = {
        GPU: [("transcribers", name) for name in pipeline.transcribers],
        CPU: [("samplers", pipeline.sampler), ("readers", pipeline.reader)],
    }
    for lane in lanes:
        for family, name in needs.get(lane, ()):
            if name:
                parts.build(family, name)
        if lane == NET:
            list(parts.sources().values())


def memory_of(settings: Settings) -> int:
    """Bytes that stages may take together on this machine."""
    if settings.pipeline.memory_bytes:
        return settings.pipeline.memory_bytes
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in _CGROUPS:
        try:
            limit = Path(name).read_text().strip()
        except OSError:
            continue
        has = min(has, int(limit)) if limit.isdigit() else has
    return int(has * _SHARE)


class _Post:
    """A place in the crew: its process is replaced when it dies."""

    def __init__(self, settings: Settings, gang: Gang) -> None:
        self._settings = settings
        self._gang = gang
        self._begun = self._again = 0.0
        self.process = self._start()

    def look(self) -> None:
        """Start another process in place of one that died; soon, unless it died soon."""
        if self.process.is_alive():
            return
        if not self._again:
            lived = time.monotonic() - self._begun
            self._tell(lived)
            self._again = time.monotonic() + (_SOON if lived < _SOON else 0.0)
        if time.monotonic() >= self._again:
            self._again = 0.0
            self.process = self._start()

    def _start(self) -> BaseProcess:
        name = f"video-rag {self._gang.name}"
        process = get_context("spawn").Process(
            target=_serve, args=(self._settings, self._gang), name=name
        )
        process.start()
        self._begun = time.monotonic()
        return process

    def _tell(self, lived: float) -> None:
        code = self.process.exitcode or 0
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        gang = self._gang.name
        log.warning("a process of lane %s %s after %.0f s; another is started", gang, how, lived)


class Crew:
    """Processes that are kept running, and ended in good order."""

    def __init__(self, settings: Settings, gangs: Sequence[Gang]) -> None:
        self._settings = settings
        self._gangs = gangs
        self._signals = 0

    def run(self) -> None:
        """Work until SIGTERM or Ctrl-C; a second one ends it at once."""
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, self._asked_to_end)
        gangs = [gang for gang in self._gangs for _ in range(gang.processes)]
        posts = [_Post(self._settings, gang) for gang in gangs if not self._signals]
        while not self._signals:
            connection.wait([post.process.sentinel for post in posts], timeout=_LOOK)
            for post in posts if not self._signals else ():
                post.look()
        self._drain([post.process for post in posts if post.process.is_alive()])

    def _asked_to_end(self, _signal: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _drain(self, running: list[BaseProcess]) -> None:
        """Let them finish what they began, for so long as is set or until told once more."""
        for one in running:
            one.terminate()
        until = time.monotonic() + self._settings.pipeline.drain_seconds
        while running and self._signals < 2 and time.monotonic() < until:
            connection.wait([one.sentinel for one in running], timeout=_LOOK)
            running = [one for one in running if one.is_alive()]
        for one in running:
            one.kill()
        for one in running:
            one.join()


def run(settings: Settings, lanes: Sequence[str], concurrency: int | None) -> None:
    """Be a worker until told to end.

    Raises `NeedsExtra` for a lane that cannot be served here, and `Unavailable` or `Rejected` when
    the ledger or the queue cannot be used.
    """
    settings = _heard(settings)
    library = Library(settings)
    try:
        refuse_unready(library.parts, lanes)
        if isinstance(library.queue, Shared):
            library.queue.check()
    finally:
        library.close()
    Crew(settings, plan(settings, lanes, concurrency)).run()


def _heard(settings: Settings) -> Settings:
    """The settings with a log on standard error where no file is named: nobody else would tell."""
    logs = settings.section("observers", "logs")
    observers = {**settings.observers, "logs": {**logs, "file": logs.get("file") or "-"}}
    return settings.model_copy(update={"observers": observers})


def _serve(settings: Settings, gang: Gang) -> None:
    """What each process does."""
    from multiprocessing import parent_process

    stopping = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of them: the first one tells
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stopping.set())
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent, stopping), daemon=True).start()
    library = Library(settings)
    try:
        working = library.working(memory_of(settings))
        working.serve(gang.routes, gang.threads, stopping)
    except VideoRagError as error:
        log.error("lane %s: %s; %s", gang.name, error, error.hint)
        raise SystemExit(error.exit_code) from error
    finally:
        library.close()


def _follow(parent: BaseProcess, stopping: threading.Event) -> None:
    """End with the process that started this one, also when that was killed."""
    connection.wait([parent.sentinel])
    stopping.set()

from __future__ import annotations

import threading
from pathlib import Path

from video_rag.library import Library
from video_rag.library.adding import Adding
from video_rag.library.working import Working
from video_rag.observers import Event, StageFailed
from video_rag.settings import load_settings

TALK = "1\n00:00:01,000 --> 00:00:04,000\nSheep eat grass.\n"


class Failures:
    version = 1

    def __init__(self) -> None:
        self.many = 0
        self.enough = threading.Event()

    def __call__(self, event: Event) -> None:
        if isinstance(event, StageFailed) and event.stage == "save":
            self.many += 1
            self.enough.set()


def test_a_worker_pauses_where_a_disk_refuses(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").write_text(TALK)
    blocked = "/sys/video-rag"  # where nobody may make a folder, root neither
    given = {"home": str(tmp_path / "home"), "library": {"documents": blocked}}
    library = Library(load_settings(given, env={}, cwd=tmp_path))
    (added,) = library.add([str(tmp_path / "talk.srt")])
    assert added.status
    assert [failure.error for failure in added.status.failures] == ["DiskError"]
    failures = Failures()
    library.listen(failures)
    shelf = library._shelf
    working = Working(shelf, Adding(shelf, library._looking), 2**30)
    stopping = threading.Event()
    worker = threading.Thread(target=working.serve, args=(["cpu", "net", "gpu"], 1, stopping))
    worker.start()
    assert failures.enough.wait(30)
    threading.Event().wait(1.5)
    stopping.set()
    worker.join(60)
    assert failures.many <= 3
    library.close()

"""Files of ours that people read: written whole, deleted without a trace."""

from __future__ import annotations

from pathlib import Path

from video_rag import disk
from video_rag.net import guard


def write(path: Path, data: bytes) -> None:
    """Write a file so that it is never half there; unchanged content is left alone."""
    with disk.told(path):
        if path.is_file() and path.read_bytes() == data:
            return
    disk.replace(path, data, part=path.with_name(f".{path.name[:80]}.part"))


def discard(folder: Path, names: set[str]) -> None:
    """Delete files of ours below a folder, and the folders that they leave empty."""
    for name in names:
        path = guard.inside(folder, folder / name)
        with disk.told(path):
            path.unlink(missing_ok=True)
            if path.parent != folder and path.parent.is_dir() and not any(path.parent.iterdir()):
                path.parent.rmdir()

"""What a flat folder costs to be found and matched: 1,000 and 20,000 lectures, and one alone.

Seconds of the processor, which other work on the machine spoils least; medians of three.

Times discovery (with every file's digest) and, as `fetch` does, the look-up of each lecture anew.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from video_rag.digest import of_file
from video_rag.model import Video
from video_rag.net.sites import Sites
from video_rag.sources.folder import Folder

ROUNDS = 3


@dataclass
class Places:
    """This machine, with no memory of digests."""

    home: Path
    media: Path
    sites: Sites
    allow_private: bool = False

    def digest(self, path: Path) -> str:
        """The sha256 of a file."""
        return of_file(path)


def source(home: Path) -> Folder:
    """A source that has seen nothing yet."""
    return Folder(Folder.Options(), places=Places(home, home, sites=None))  # type: ignore[arg-type]


def fill(folder: Path, many: int, suffixes: tuple[str, ...]) -> None:
    """So many lectures, some time ago: a folder that has just changed is listed again."""
    folder.mkdir()
    for number in range(many):
        for suffix in suffixes:
            (folder / f"lecture {number}{suffix}").write_text(f"{number}{suffix}")
    os.utime(folder, (1e9, 1e9))


def whole(folder: Path) -> float:
    """Seconds for all lectures of a folder."""
    found = source(folder.parent)
    began = time.process_time()
    for video in found.discover(str(folder)):
        assert isinstance(video, Video)
        found._shelves.lecture_of(Path(video.url))  # noqa: SLF001 - what `fetch` begins with
    return time.process_time() - began


def one(path: Path) -> float:
    """Seconds for one file by itself."""
    found = source(path.parent.parent)
    began = time.process_time()
    list(found.discover(str(path)))
    return time.process_time() - began


def main() -> None:
    """Print a table."""
    print(
        "| files a lecture | 1,000 | 20,000 | times | one file of 20,000 |\n|---|---|---|---|---|"
    )
    for suffixes in ((".srt",), (".mp4", ".en.srt")):
        with tempfile.TemporaryDirectory() as home:
            few, many = Path(home, "few"), Path(home, "many")
            fill(few, 1_000, suffixes)
            fill(many, 20_000, suffixes)
            short = median(whole(few) for _ in range(ROUNDS))
            long = median(whole(many) for _ in range(ROUNDS))
            alone = median(one(many / f"lecture 17{suffixes[-1]}") for _ in range(ROUNDS))
        names = " + ".join(suffixes)
        print(f"| {names} | {short:.2f} s | {long:.2f} s | {long / short:.1f} | {alone:.2f} s |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

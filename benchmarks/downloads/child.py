"""One measured process: `child.py bare|ours URL FOLDER`, or `child.py queue URLS HOME`."""

from __future__ import annotations

import json
import socket
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Any

from video_rag.library import Library
from video_rag.settings import load_settings

spent: Counter[str] = Counter()


def timed(owner: Any, name: str, part: str) -> None:
    """Count the seconds of a function under a name; a call within a call counts once."""
    inner = getattr(owner, name)
    running = [0]

    def outer(*arguments: Any, **more: Any) -> Any:
        begun = perf_counter()
        running[0] += 1
        try:
            return inner(*arguments, **more)
        finally:
            running[0] -= 1
            if not running[0]:
                spent[part] += perf_counter() - begun

    setattr(owner, name, outer)


def bare(url: str, folder: str) -> dict[str, Any]:
    begun = perf_counter()
    from yt_dlp import YoutubeDL

    options = {
        "quiet": True,
        "noprogress": True,
        "outtmpl": f"{folder}/%(id)s.%(ext)s",
        "cachedir": False,
        "logger": Quiet(),
    }
    with YoutubeDL(options) as downloader:
        downloader.extract_info(url)
    return {"seconds": perf_counter() - begun, "parts": {}}


class Quiet:
    """Says nothing."""

    def debug(self, message: str) -> None:
        """Nothing."""

    info = warning = error = debug


def ours(url: str, folder: str) -> dict[str, Any]:
    """The source as a library has it, its checking proxy included.

    The proxy refuses loopback, so the server has a public name here, which leads to it.
    """
    library = Library(settings(folder, guard={"allow_private": False}))
    begun = perf_counter()
    import yt_dlp.downloader.common
    import yt_dlp.postprocessor.ffmpeg

    spent["import"] = perf_counter() - begun
    from video_rag import media
    from video_rag.library import wiring
    from video_rag.net.proxy import CheckingProxy
    from video_rag.sources.ytdlp import lists
    from video_rag.sources.ytdlp.door import Door

    def make(upstream: str | None) -> CheckingProxy:
        return CheckingProxy(upstream=upstream, lookup=lookup, connect=connect)

    def lookup(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34"]

    def connect(place: tuple[str, int], seconds: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", place[1]), timeout=seconds)

    timed(lists, "resolved", "resolve")
    timed(yt_dlp.downloader.common.FileDownloader, "download", "transfer")
    timed(yt_dlp.postprocessor.ffmpeg.FFmpegMergerPP, "run", "merge")
    timed(wiring.Places, "digest", "hash")
    timed(media, "probe", "look inside")
    source = library.parts.sources()["ytdlp"]
    kind: Any = type(source)
    door = Door(allow_private=False, lookup=lookup, make=make)
    source = kind(source.options, places=source.places, door=door)  # type: ignore[attr-defined]
    (video,) = source.discover(url.replace("127.0.0.1", "talks.example"))
    scratch = Path(folder) / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    assert not isinstance(video, Exception), video
    source.fetch(video, scratch)
    seconds = perf_counter() - begun
    library.close()
    return {"seconds": seconds, "parts": dict(spent)}


def settings(folder: str, **more: Any) -> Any:
    return load_settings({"home": folder, "guard": {"allow_private": True}} | more)


def queue(urls: str, home: str) -> dict[str, Any]:
    """Give every URL, then run until a run has nothing to do."""
    library = Library(
        settings(
            home,
            pipeline={"sampler": "none", "transcribers": ["subtitles"], "downloads": 4},
            sources={"ytdlp": {"concurrency": 4, "retries": 1, "sleep_subtitles": 0}},
        )
    )
    begun = perf_counter()
    errors = [item for item in library.add(Path(urls).read_text().split()) if item.error]
    while list(library.run()):
        pass
    seconds = perf_counter() - begun
    states = Counter(status.state for status in library.videos())
    sick = [status for status in library.videos() if status.state != "ready"]
    files = list(library.settings.library.media.rglob("video*.mp4"))
    row = {
        "seconds": round(seconds, 1),
        "states": dict(states),
        "refused when added": len(errors),
        "files": len(files),
        "explained": sum(bool(status.failures and status.failures[0].message) for status in sick),
        "why": dict(Counter(_why(s.failures[0].message) for s in sick if s.failures)),
        "why refused": dict(Counter(_why(str(item.error)) for item in errors)),
    }
    library.close()
    return row


def _why(message: str) -> str:
    """A message without the names in it."""
    return message.rpartition(": ")[2][:60]


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    print(json.dumps({"bare": bare, "ours": ours, "queue": queue}[what](*arguments)))

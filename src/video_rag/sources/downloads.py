"""What a download needs beside yt-dlp: a log, cookies, ffmpeg, a safe landing."""

from __future__ import annotations

import io
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from video_rag import disk
from video_rag.errors import BadSettings, ContentError
from video_rag.sources.weberrors import redacted

log = logging.getLogger("video_rag")


class Log:
    """yt-dlp's chatter, for debugging, without secrets; errors are raised anyway."""

    def debug(self, message: str) -> None:
        """Pass a line on."""
        log.debug("yt-dlp: %s", redacted(message))

    info = warning = error = debug


def too_large(what: str, most: int) -> ContentError:
    """The error for a download of more than `max_bytes`."""
    return ContentError(
        f"{what}: larger than {most} bytes",
        hint="raise max_bytes in [sources.ytdlp], or choose a smaller max_height",
        reason="too-large",
    )


@contextmanager
def using(downloader: Any, **parameters: Any) -> Iterator[None]:
    """A yt-dlp with other parameters for a while."""
    before = dict(downloader.params)
    downloader.params.update(parameters)
    try:
        yield
    finally:
        downloader.params.clear()
        downloader.params.update(before)


@contextmanager
def watching(downloader: Any, watch: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Have a function told how downloads go on, for a while: yt-dlp itself forgets no hook."""
    is_over = False

    def hook(progress: dict[str, Any]) -> None:
        if not is_over:
            watch(progress)

    downloader.add_progress_hook(hook)
    try:
        yield
    finally:
        is_over = True


def cookies_in(path: Path) -> io.StringIO:
    """The cookies as a copy: yt-dlp would write them back to the file."""
    try:
        return io.StringIO(path.expanduser().read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise BadSettings(
            f"[sources.ytdlp] cookies: {path} cannot be read", hint="export a cookies.txt there"
        ) from error


def ffmpeg() -> str | None:
    """The program that joins picture and sound: the system's, else the one from PyPI."""
    if found := shutil.which("ffmpeg"):
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return None


def move(source: Path, target: Path) -> Path:
    """Bring a file to its place, also from another disk, so that it is there whole or not."""
    part = target.with_name(f"{target.name}.part")
    with disk.told(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.move(source, part)
        except OSError:
            with suppress(OSError):  # half a file would keep room that is wanted
                part.unlink()
            raise
        part.replace(target)
    return target


def clear(folder: Path) -> None:
    """Delete a folder, and the two above it if they are empty then: a video's and its site's."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # one that is not empty, or not there
        for above in folder.parents[:2]:
            above.rmdir()


def write(path: Path, data: str | bytes) -> None:
    """Write a small file whole or not at all."""
    some = data.encode() if isinstance(data, str) else data
    disk.replace(path, some, part=path.with_name(f"{path.name}.part"))

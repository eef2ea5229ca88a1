"""Paths as people give them, and what lies there before it is opened."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from video_rag.errors import ContentError
from video_rag.net import guard

_KINDS = {
    stat.S_IFIFO: "FIFO",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def to_path(url: str) -> Path:
    """An absolute path from a path or a `file:` URL; links are kept as they are."""
    if url.startswith("file://"):
        url = unquote(urlsplit(url.replace("?", "%3F")).path)
    return guard.absolute(url)


def exists(path: Path) -> bool:
    """Whether there is something; no name is too odd to ask."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def shown(path: Path) -> str:
    """A path for messages: on one line, whatever bytes its name has."""
    text = str(path).encode(errors="backslashreplace").decode()
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def kind_of(mode: int) -> str:
    """What is neither file nor folder, in a word; '' for those two."""
    return _KINDS.get(stat.S_IFMT(mode), "")


def refuse_odd(path: Path) -> None:
    """Raises `ContentError` for what is neither file nor folder: to open a FIFO waits for ever."""
    try:
        kind = kind_of(path.stat().st_mode)
    except OSError:  # told by whoever opens it
        return
    if kind:
        raise ContentError(
            f"{shown(path)} is a {kind}, no file", hint="write what it gives into a file first"
        )


def size_of(path: Path) -> int:
    """The bytes of a file that can be read. Raises `OSError`.

    Raises `ContentError` for what is empty or no file, or has a name that no database keeps.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise ContentError(f"{shown(path)}: its name is not UTF-8", hint="rename it") from error
    refuse_odd(path)
    size = path.stat().st_size
    if size == 0:
        raise ContentError(f"{shown(path)} is empty", hint="copy or download it again")
    return size

"""Which yt-dlp is used: the installed one, or a newer one of `video-rag update`.

    <home>/yt-dlp/current              JSON: the versions to use, the first before the second
    <home>/yt-dlp/<version>/           yt_dlp and yt_dlp_ejs, as pip unpacked them
    <home>/yt-dlp/<version>/checked    written last, when it was seen to work

`use` puts the folder at the front of Python's search path, so it must come before the first
`import yt_dlp`. Code is run from there: a folder that another user could have written is passed
over. The installed one is used again as soon as it is the newer of the two, unless the other was
asked for by its number.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import stat
import sys
import threading
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from video_rag.sources.cookies import Row

FOLDER = "yt-dlp"
CHECKED = "checked"
_CURRENT = "current"
_VERSION = re.compile(r"\d[0-9A-Za-z.]{0,60}")
_lock = threading.Lock()


@dataclass(frozen=True)
class Choice:
    """What `current` says: versions, the one to use first; `pinned` was asked for by its number."""

    versions: tuple[str, ...] = ()
    pinned: bool = False


@dataclass(frozen=True)
class Shown:
    """Which yt-dlp a new process uses; "" for a version that there is not."""

    version: str
    installed: str
    updated: str = ""
    """The version of `video-rag update`, when that is the one in use."""
    note: str = ""
    """Why the chosen one is not the one in use."""


def folder(home: Path) -> Path:
    """Where the versions of a library lie."""
    return home / FOLDER


def number(version: str) -> tuple[int, ...]:
    """A version for comparing: `2026.08.19` equals `2026.8.19`."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def is_version(text: str) -> bool:
    """Whether this can be a version, and so the name of a folder."""
    return _VERSION.fullmatch(text) is not None and ".." not in text


def read(home: Path) -> Choice:
    """What was chosen; nothing when the file is torn or absent."""
    try:
        found = json.loads((folder(home) / _CURRENT).read_text(encoding="utf-8"))
        versions = tuple(str(version) for version in found["versions"])
        pinned = bool(found["pinned"])
    except (OSError, ValueError, TypeError, KeyError):
        return Choice()
    return Choice(tuple(filter(is_version, versions)), pinned)


def write(home: Path, choice: Choice) -> None:
    """Choose, whole or not at all, also when the machine stops meanwhile. Raises `OSError`."""
    place = folder(home)
    part = place / f".{_CURRENT}.part"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"versions": choice.versions, "pinned": choice.pinned}, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(place / _CURRENT)
    sync(place)


def sync(place: Path) -> None:
    """Bring a folder's names to the disk."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fault(home: Path, version: str) -> str:
    """Why a version's folder must not be used; "" when it may be."""
    place = folder(home)
    try:
        own = place / version
        for path in (place, place / _CURRENT, own, own / CHECKED, own / "yt_dlp"):
            if path == place / _CURRENT and not path.exists():
                continue
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid():
                return f"{path} is not this user's own"
            if found.st_mode & 0o022:
                return f"{path} can be written by other users"
        is_whole = (own / CHECKED).read_text(encoding="utf-8").strip() == version
    except (OSError, UnicodeError):
        return f"{place / version} is not whole"
    return "" if is_whole else f"{place / version} is not whole"


def installed(home: Path) -> str:
    """The version beside video-rag; "" when there is none."""
    own = str(folder(home))
    paths = [path for path in sys.path if not path.startswith(own)]
    found = metadata.distributions(name="yt-dlp", path=paths)
    return next((distribution.version for distribution in found), "")


def shown(home: Path) -> Shown:
    """Which yt-dlp a new process uses, and why not the chosen one."""
    here, choice = installed(home), read(home)
    if not choice.versions:
        return Shown(here, here)
    chosen = choice.versions[0]
    if why := fault(home, chosen):
        return Shown(here, here, note=f"{chosen} is passed over: {why}")
    if here and not choice.pinned and number(here) >= number(chosen):
        return Shown(here, here, note=f"{chosen} is passed over: the installed one is as new")
    return Shown(chosen, here, updated=chosen)


def use(home: Path) -> Shown:
    """Have `import yt_dlp` find the chosen version; says which is in use.

    Once yt-dlp is imported nothing changes in this process; `note` says so then. Again is harmless.
    """
    with _lock:
        found = shown(home)
        wanted = str(folder(home) / found.updated) if found.updated else ""
        loaded = sys.modules.get("yt_dlp")
        if loaded is None:
            if wanted and wanted not in sys.path[:1]:
                sys.path.insert(0, wanted)
                importlib.invalidate_caches()
            return found
        is_there = str(loaded.__file__ or "").startswith(wanted + os.sep) if wanted else True
        if is_there:
            return found
        note = f"{found.updated} is used from the next start on"
        return Shown(found.installed, found.installed, note=note)


def findings(home: Path) -> list[Row]:
    """The version for `doctor`, with the way to a newer one where something is amiss."""
    found = shown(home)
    if not found.version:
        return [Row("note", "yt-dlp is not installed", "pip install 'video-rag[download]'")]
    rows = [Row("ok", f"yt-dlp {found.version}{' (updated)' if found.updated else ''}")]
    if found.note:
        rows.append(Row("note", f"yt-dlp {found.note}", "run `video-rag update`"))
    return rows

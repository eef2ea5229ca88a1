"""What `doctor` says of downloads: what is installed, and how it stands with each site. No network.

yt-dlp itself is not imported: that takes half a second.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from video_rag.net.sites import SiteState
from video_rag.sources import Places, cookies, manners, versions
from video_rag.sources.cookies import Row
from video_rag.sources.downloads import ffmpeg
from video_rag.sources.walls import STATUSES, WALLS
from video_rag.sources.ytdlp.options import Options

OLD_DAYS = 60
"""Days after which a yt-dlp is old: it comes out about once a month, and after a site changed."""
Aged = tuple[str, str, float]
"""What (`cookies`, `ytdlp`), of which site, its age in seconds."""
_EXTRA = "pip install 'video-rag[download]'"
_OLDEST = {"deno": 2, "node": 22}
"""Major versions that yt-dlp 2026.08 takes (`yt_dlp.utils._jsruntime`)."""
_VERSION = re.compile(r"^(?:deno |v)(\d+)[\d.]*")


def findings(options: Options, places: Places, now: float | None = None) -> list[Row]:
    """Everything about downloads; `now` is seconds since the epoch."""
    now = time.time() if now is None else now
    rows = [*versions.findings(places.home), *_age(places.home, now)]
    if find_spec("yt_dlp") is not None:
        rows += [_javascript(), _browser_likeness(), _ffmpeg(), _proof_of_origin()]
    rows += cookies.findings(options, now)
    return rows + [_site(state, options, now) for state in places.sites.sites()]


def ages(options: Options, places: Places, now: float | None = None) -> Iterator[Aged]:
    """How old files of cookies and yt-dlp are; `now` is seconds since the epoch."""
    now = time.time() if now is None else now
    files = {"": options.cookies} | {site: one.cookies for site, one in options.sites.items()}
    for site, path in files.items():
        if path is not None:
            with suppress(OSError):  # `doctor` says what is wrong with it
                yield "cookies", site, now - path.expanduser().stat().st_mtime
    if made := _made(places.home):
        yield "ytdlp", "", now - made


def _made(home: Path) -> float | None:
    """When the yt-dlp in use was made: its version is its date."""
    year, month, day, *_ = (*versions.number(versions.shown(home).version), 0, 0, 0)
    try:
        return dt.datetime(year, month, day, tzinfo=dt.UTC).timestamp()
    except ValueError:  # no date: a version of somebody's own
        return None


def _age(home: Path, now: float) -> Iterator[Row]:
    """A note on a yt-dlp that sites have probably left behind."""
    made = _made(home)
    if made is None:
        return
    days = int((now - made) // 86_400)
    if days > OLD_DAYS:
        yield Row("note", f"yt-dlp is {days} days old", "run video-rag update")
    elif days >= 0:
        yield Row("ok", f"yt-dlp is {days} days old")


def _javascript() -> Row:
    """The program that solves YouTube's riddles, with the scripts for it (yt-dlp issue 15012)."""
    too_old = ""
    for name, oldest in _OLDEST.items():
        said = _first_line(name)
        match = _VERSION.match(said)
        if match is None:
            continue
        version = match[0].removeprefix("v").removeprefix("deno ")
        if int(match[1]) < oldest:
            too_old += f"; {name} {version} is older than {oldest}"
            continue
        if find_spec("yt_dlp_ejs") is None:
            text = f"JavaScript for YouTube: {name} {version}, but not its scripts (yt-dlp-ejs)"
            return Row("note", text, _EXTRA)
        return Row("ok", f"JavaScript for YouTube: {name} {version}, {_installed('yt-dlp-ejs')}")
    text = f"JavaScript for YouTube: neither deno nor node{too_old}; formats will be missing"
    return Row("note", text, f"{_EXTRA} brings deno")


def _browser_likeness() -> Row:
    """What lets yt-dlp look like a browser, where a site asks for it."""
    if find_spec("curl_cffi") is None:
        return Row("note", "curl_cffi is missing: some sites only talk to browsers", _EXTRA)
    return Row("ok", f"looks like a browser where needed: {_installed('curl_cffi')}")


def _ffmpeg() -> Row:
    if program := ffmpeg():
        return Row("ok", f"joins picture and sound: {program}")
    text = "no ffmpeg: only formats that come in one piece are fetched"
    return Row("note", text, f"{_EXTRA} brings one")


def _proof_of_origin() -> Row:
    """A plug-in of yt-dlp that gets YouTube's PO tokens; most people need none."""
    # Not by `find_spec`: yt-dlp's own finder of plug-ins raises where there are none.
    folders = [Path(entry) / "yt_dlp_plugins" / "extractor" for entry in sys.path]
    names = sorted({path.stem for folder in folders for path in folder.glob("getpot_*")})
    if names:
        return Row("ok", f"PO tokens for YouTube: {', '.join(names)}")
    return Row("ok", "PO tokens for YouTube: no plug-in (needed only where YouTube asks for one)")


def _site(state: SiteState, options: Options, now: float) -> Row:
    """How it stands with one site."""
    own = options.of_site(state.site)
    budget = f" of {own.per_day}" if own.per_day else ""
    used = f"{manners.visits_today(state, now)}{budget} videos fetched today (UTC)"
    strikes = f", walls in a row: {state.strikes}" if state.strikes else ""
    if told := manners.cooling(state, now):
        hint = _hint(state)
        way = f"wait; to try at once: video-rag sites forget {state.site}"
        return Row("note", f"{told}; {used}{strikes}", f"{hint}; {way}" if hint else way)
    if own.per_day and manners.visits_today(state, now) >= own.per_day:
        way = f'wait, or raise per_day in [sources.ytdlp.sites."{state.site}"]'
        return Row("note", f"{state.site}: {used}{strikes}", way)
    return Row("ok", f"{state.site}: {used}{strikes}")


def _hint(state: SiteState) -> str:
    """What to do about the wall that a site put up; Bilibili's advice is not for others."""
    everyone = [wall for wall in (*STATUSES.values(), *WALLS) if not wall.extractor]
    found = next((wall.hint for wall in everyone if wall.reason == state.reason), "")
    return found.replace("{site}", state.site).removeprefix("wait, and ").removeprefix("wait, ")


def _first_line(name: str) -> str:
    """What a program says of its version; "" if there is none that runs.

    yt-dlp, too, looks beside Python first.
    """
    program = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if program is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603 - a program that was found by its own name, no shell
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeError):
        return ""
    return done.stdout.partition("\n")[0].strip()


def _installed(name: str) -> str:
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return name

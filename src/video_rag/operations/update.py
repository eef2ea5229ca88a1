"""A newer yt-dlp without installing video-rag again; sites change more often than we do.

pip brings it into a folder below the library's home, a child process sees whether it works, and
only then is it chosen (see `sources.versions`). Killed at any point, the version before stays
in use; two at once wait for each other.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from video_rag.errors import (
    BackendError,
    NeedsExtra,
    NotFound,
    Unavailable,
    UsageError,
    VideoRagError,
)
from video_rag.sources import versions
from video_rag.sources.weberrors import redacted

KEPT = 2
"""Versions that stay in the folder: the one in use and the one before."""
_PARTS = ("yt_dlp", "yt_dlp_ejs")
_PIP_SECONDS = 900
_CHECK_SECONDS = 120
_CHECK = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", "8")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(bytes(8))
    do_HEAD = do_GET
    def log_message(self, *arguments):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
import yt_dlp
assert yt_dlp.__file__.startswith(sys.argv[1]), yt_dlp.__file__
options = {"quiet": True, "no_warnings": True, "cachedir": False, "proxy": "", "retries": 0}
with yt_dlp.YoutubeDL(options) as opened:
    url = f"http://127.0.0.1:{server.server_port}/clip.mp4"
    found = opened.extract_info(url, download=False)
assert found["direct"] and found["url"] == url
print(yt_dlp.version.__version__)
"""
"""Run with the folder as its argument: imports yt-dlp from there and has it read a page of ours."""


@dataclass(frozen=True)
class Report:
    """Which yt-dlp there is; "" where there is none or it was not looked for."""

    used: str
    """What the next process uses."""
    installed: str
    """What came with video-rag."""
    newest: str = ""
    """What can be had."""
    previous: str = ""
    """Where `--back` leads."""
    changed: bool = False
    note: str = ""


def look(home: Path, wheels: Path | None = None) -> Report:
    """What is installed, in use, and to be had. Raises `Unavailable`, `NeedsExtra`.

    `wheels` is a folder of wheels that stands for the index of packages.
    """
    newest, _ejs = _to_be_had("", wheels)
    return _report(home, newest=newest)


def update(home: Path, version: str = "", wheels: Path | None = None) -> Report:
    """Use the newest version, or the given one; keeps the one before for `back`.

    Does nothing when that is in use. Raises `NotFound` for a version that there is not,
    `Unavailable` without a network, `BackendError` for one that does not work.
    """
    if version and not versions.is_version(version):
        raise UsageError(f"{version!r} is no version", hint="give one such as 2026.8.19")
    with _alone(home):
        found, ejs = _to_be_had(version, wheels)
        before, chosen = versions.shown(home), versions.read(home)
        newest = "" if version else found
        if version and before.version == found and chosen.pinned:
            return _report(home)
        if not version and versions.number(before.version) >= versions.number(found):
            return _report(home, newest=newest)
        choice = versions.Choice()
        if version or versions.number(before.installed) < versions.number(found):
            if versions.fault(home, found):
                _bring(home, found, ejs, wheels)
            kept = [known for known in chosen.versions if known != found]
            choice = versions.Choice((found, *kept)[:KEPT], pinned=bool(version))
        versions.write(home, choice)
        _sweep(home, choice)
        return _report(home, newest=newest, changed=True)


def back(home: Path) -> Report:
    """Use the version before, or the installed one when there is none; again is harmless."""
    with _alone(home):
        chosen = versions.read(home).versions
        rest = chosen[1:]
        # Without being pinned, one that is older than the installed one would be passed over.
        is_older = bool(rest) and versions.number(rest[0]) <= versions.number(
            versions.installed(home)
        )
        versions.write(home, versions.Choice(rest, pinned=is_older))
        return _report(home, changed=bool(chosen))


def _report(home: Path, *, newest: str = "", changed: bool = False) -> Report:
    found, choice = versions.shown(home), versions.read(home)
    before = choice.versions[1] if len(choice.versions) > 1 else found.installed
    previous = before if choice.versions else ""
    return Report(found.version, found.installed, newest, previous, changed, found.note)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """The folder, held against other processes; our own troubles with it become a `UsageError`."""
    place = versions.folder(home)
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o755)
        with (place / ".lock").open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # closing the file releases it
            yield
    except OSError as error:
        raise UsageError(
            f"{place} cannot be written: {error.strerror}",
            hint="check who owns VIDEO_RAG_HOME, and the disk's space",
        ) from error


def _to_be_had(version: str, wheels: Path | None) -> tuple[str, str]:
    """The version that pip would choose, and the requirement of yt-dlp-ejs that goes with it."""
    wanted = f"yt-dlp=={version}" if version else "yt-dlp"
    told = _pip(["--dry-run", "--ignore-installed", "--report", "-", wanted], wheels)
    try:
        facts: dict[str, Any] = json.loads(told)["install"][0]["metadata"]
        found = str(facts["version"])
    except (ValueError, LookupError, TypeError) as error:
        raise BackendError(
            "pip gave no report", hint="update pip: it must be 24 or later"
        ) from error
    if not versions.is_version(found):
        raise BackendError(
            f"pip offers {found!r}, which is no version", hint="see `pip config list`"
        )
    return found, _ejs(facts.get("requires_dist") or ())


def _ejs(requirements: Sequence[str]) -> str:
    """What the extra `default` asks for to solve YouTube's JavaScript."""
    for requirement in requirements:
        what, _, marker = requirement.partition(";")
        is_ejs = re.match(r"yt[-_.]dlp[-_.]ejs\b", what.strip(), re.IGNORECASE)
        if is_ejs and (not marker or re.search(r"extra\s*==\s*['\"]default['\"]", marker)):
            return what.strip()
    return ""


def _bring(home: Path, version: str, ejs: str, wheels: Path | None) -> None:
    """Unpack a version, see it work, put it in its place."""
    place = versions.folder(home)
    scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=place))
    try:
        wanted = [f"yt-dlp=={version}", *([ejs] if ejs else [])]
        _pip(["--target", str(scratch), "--no-compile", *wanted], wheels)
        _tidy(scratch)
        _try_out(scratch, version)
        checked = scratch / versions.CHECKED
        checked.write_text(version, encoding="utf-8")
        checked.chmod(0o600)
        target = place / version
        if target.exists():
            target.rename(Path(tempfile.mkdtemp(prefix=".old-", dir=place)) / version)
        scratch.rename(target)
        versions.sync(place)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _tidy(scratch: Path) -> None:
    """Only yt-dlp's own packages stay, so that nothing else can stand before Python's."""
    for path in scratch.iterdir():
        if path.name in _PARTS or path.name.endswith(".dist-info"):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for path in scratch.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o022)


def _try_out(scratch: Path, version: str) -> None:
    """See in a process of its own that this yt-dlp can be imported and reads a page."""
    done = _run(["-P", "-B", "-c", _CHECK, str(scratch)], _CHECK_SECONDS)
    said = done.stdout.strip()
    if done.returncode or versions.number(said) != versions.number(version):
        last = (done.stderr.strip() or f"it says it is {said}").splitlines()[-1]
        raise BackendError(
            f"yt-dlp {version} does not work here: {redacted(last)}",
            hint="the version before stays in use; try another with --version",
        )


def _sweep(home: Path, choice: versions.Choice) -> None:
    """Remove versions that nobody goes back to, and what killed updates left."""
    for path in versions.folder(home).iterdir():
        if path.is_dir() and path.name not in choice.versions:
            shutil.rmtree(path, ignore_errors=True)


def _pip(arguments: Sequence[str], wheels: Path | None) -> str:
    """Run pip's `install` as it is configured on this machine; returns what it said.

    Only wheels, so that no code of a package runs; `--no-deps`, since what yt-dlp needs beside
    yt-dlp-ejs came with video-rag.
    """
    if find_spec("pip") is None:
        raise NeedsExtra("pip", "download")
    words = ["-P", "-m", "pip", "install", "--quiet", "--no-input", "--no-deps"]
    words += ["--only-binary", ":all:", "--no-cache-dir", "--disable-pip-version-check"]
    words += ["--retries", "1", "--timeout", "30"]
    words += ["--no-index", "--find-links", str(wheels)] if wheels else []
    done = _run([*words, *arguments], _PIP_SECONDS)
    if done.returncode:
        raise _of_pip(done.stderr, wheels)
    return done.stdout


def _of_pip(said: str, wheels: Path | None) -> VideoRagError:
    """What pip's errors mean."""
    if "from versions: none" in said or "ConnectionError" in said:
        if wheels:
            return NotFound(f"no yt-dlp in {wheels}", hint="put its wheels and yt-dlp-ejs's there")
        return Unavailable(
            "the index of packages cannot be reached",
            hint="check the network and `pip config list`, or give a folder of wheels: --from",
            reason="network",
        )
    if match := re.search(r"No matching distribution found for (\S+)", said):
        return NotFound(f"there is no {match[1]}", hint="see `video-rag update --check`")
    last = next((row for row in said.splitlines()[::-1] if row.startswith("ERROR")), "no reason")
    return BackendError(f"pip: {redacted(last)}", hint="see `pip config list`")


def _run(arguments: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """Run this Python with arguments, and nothing on its standard input."""
    try:
        return subprocess.run(  # noqa: S603 - our own Python with a list of words, no shell
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            f"no answer within {seconds:.0f} seconds", hint="check the network", reason="network"
        ) from error

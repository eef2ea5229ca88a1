"""Lists of paths and URLs, from arguments, files and standard input."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from video_rag.errors import UsageError

_WANTED = re.compile(r"video|audio|subtitles|[1-9][0-9]{2,3}p")
STANDARD_INPUT = "-"


def sources(names: Iterable[str], files: Iterable[Path]) -> list[str]:
    """The given paths and URLs and those in files, each once; `-` stands for standard input.

    Raises `UsageError` when a file cannot be read or when there is nothing.
    """
    found: list[str] = []
    for name in names:
        found += _lines(sys.stdin.buffer.read(), "-") if name == STANDARD_INPUT else [name]
    for file in files:
        found += _lines(_read(file), str(file))
    if not found:
        hint = "name files, folders or URLs, or give a list of them with --from FILE"
        raise UsageError("nothing was given", hint=hint)
    return list(dict.fromkeys(found))


def check_wanted(text: str | None) -> str | None:
    """What is to be fetched of a video, checked. Raises `UsageError`."""
    if text is not None and text and not _WANTED.fullmatch(text):
        raise UsageError(
            f"{text}: this cannot be fetched",
            hint="use video, audio, subtitles, or a greatest height such as 480p",
        )
    return text


def check_language(text: str | None) -> str | None:
    """The tag of a language as a person writes it: `eng`, `English`, `en-US`, `中文`.

    Nothing, or an empty text, says nothing. Raises `UsageError` for what is no language.
    """
    if text is None or not text.strip():
        return None
    from video_rag.text import languages  # the list of languages is long

    try:
        return languages.typed(text)
    except ValueError as error:
        raise UsageError(str(error), hint=languages.HINT) from error


def check_filter(text: str | None) -> str | None:
    """The same for passages, which may also be in a language that nobody could tell (`und`)."""
    return "und" if text and text.strip().lower() == "und" else check_language(text)


def _read(file: Path) -> bytes:
    if str(file) == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}", hint="name a text file with a URL per line"
        ) from error


def _lines(data: bytes, name: str) -> list[str]:
    """One path or URL a line; empty lines and those that begin with `#` are passed over."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8", hint="save it as UTF-8 text") from error
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]

"""Whether the title inside a file is this lecture's: programs and templates write their own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from video_rag import media
from video_rag.errors import VideoRagError

_OF_PROGRAMS = re.compile(
    r"""(?:microsoft\s+)?(?:powerpoint|word|keynote|impress)\b(?:\s*[-–:]\s*.*)?
      | (?:microsoft\s+)?(?:powerpoint|keynote)\s*(?:presentation|演示文稿|プレゼンテーション)
      | (?:presentation|slides?|lecture|document|演示文稿|幻灯片|プレゼンテーション)\s*\d*
      | untitled(?:\s.*|\d*)? | no\s+title | 无标题.* | 未命名.* | 無題.* | 名称未設定.*
      | (?:default|new|my)\s+(?:title|recording|video|movie|project|presentation)\s*\d*
      | (?:video|movie|audio|output|recording|sequence|timeline|project|track|title)\s*\d*
      | (?:core\s+media|lavf|handbrake|obs\s+studio|quicktime|zoom\s+meeting)\b.*
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Titles that programs and templates give; a lecture that is really called so has a file name."""


def own_title(title: str | None, beside: Iterable[Path]) -> str | None:
    """The title, unless a program wrote it or a file beside it has the same one.

    `beside` are a few files of the same folder; those that cannot be opened say nothing.
    """
    if title is None or _OF_PROGRAMS.fullmatch(title):
        return None
    return None if any(_title_of(path) == title for path in beside) else title


def _title_of(path: Path) -> str | None:
    try:
        return media.title_of(path)
    except VideoRagError:
        return None

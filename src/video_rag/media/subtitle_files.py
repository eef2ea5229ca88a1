"""Which files with a subtitle's suffix may be subtitles: many others are called .json and .sub."""

from __future__ import annotations

import re
from pathlib import Path

_HEAD = 65_536
"""Bytes that are looked at."""
_BILIBILI = re.compile(rb'"from"\s*:.*"content"\s*:|"content"\s*:.*"from"\s*:', re.DOTALL)
_YOUTUBE = re.compile(rb'"tStartMs"\s*:')
_PICTURES = b"\x00\x00\x01\xba"
"""How a DVD's subtitles begin, which are pictures."""


def may_be_subtitles(path: Path) -> bool:
    """Whether a file with a subtitle's suffix is worth reading; one that is not there may be."""
    suffix = path.suffix.lower()
    if suffix not in {".json", ".json3", ".sub"} or not path.is_file():  # a FIFO would wait
        return True
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD).replace(b"\0", b"")
            if suffix == ".sub":
                file.seek(0)
                return file.read(4) != _PICTURES
    except OSError:
        return True
    return bool(_YOUTUBE.search(head) or _BILIBILI.search(head))

"""Text of strangers, so that it gives a terminal no orders."""

from __future__ import annotations

import re

from video_rag.net import guard

_DECEPTIVE = "".join({*map(chr, guard.DECEPTIVE)} - {"\t", "\n"})
_HALVES = "\ud800-\udfff"
"""Halves of characters, which cannot be printed."""
_ORDERS = re.compile(f"[{_DECEPTIVE}{_HALVES}]")


def harmless(text: str) -> str:
    """The text with what commands or deceives a terminal written out, as `\\u001b`.

    It is also the last place at which a key or cookie of ours is cut out of what is printed.
    """
    from video_rag.settings.redaction import known  # late: settings take long to import

    text = known(text)
    return _ORDERS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)

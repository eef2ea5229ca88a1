"""Text of strangers, so that it gives a terminal no orders."""

from __future__ import annotations

import re

from video_rag.net import guard

# Halves of characters cannot be printed.
_HARMFUL = {*map(chr, guard.DECEPTIVE), *map(chr, range(0xD800, 0xE000))} - {"\t", "\n"}
_ORDERS = re.compile(f"[{''.join(sorted(_HARMFUL))}]")


def harmless(text: str) -> str:
    """The text with what commands or deceives a terminal written out, as `\\u001b`."""
    return _ORDERS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)

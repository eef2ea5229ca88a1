"""RSS, Atom and podcasts, read by feedparser from bytes; nothing here opens an address itself.

Which addresses are feeds: `addresses` · what their items are: `reading` · titles as plain text:
`plain` · what was last read: `memory` · what episodes have beside them: `transcripts`, `chapters`.
"""

from video_rag.sources.feeds.addresses import (
    LOOK_AT,
    address,
    begins_like_one,
    looks_like_one,
    proper,
)
from video_rag.sources.feeds.reading import ACCEPT, MOST_BYTES, Found, parse, seconds_of

__all__ = [
    "ACCEPT",
    "LOOK_AT",
    "MOST_BYTES",
    "Found",
    "address",
    "begins_like_one",
    "looks_like_one",
    "parse",
    "proper",
    "seconds_of",
]

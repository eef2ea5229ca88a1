"""Results as they are kept: facts in the ledger itself, all else as blobs that it names.

Facts are small, are read whenever videos are listed, and are what cannot be made again: which
video it is, which of its files are where. So nothing that happens to a blob costs them.
"""

from __future__ import annotations

from typing import TypeVar

from video_rag.digest import of_bytes
from video_rag.errors import Lost
from video_rag.model import Noun
from video_rag.stores import Blobs, Result

AnyNoun = TypeVar("AnyNoun", bound=Noun)

FACTS = frozenset({"origins", "video", "talk", "media", "page"})
"""Names of the results that the ledger keeps whole; it keeps receipts so, too, which are small."""


def kept(blobs: Blobs, name: str, noun: Noun, key: str) -> Result:
    """Keep a noun under the name of a result; equal nouns get equal digests."""
    text = noun.model_dump_json()
    if name in FACTS or name.startswith("receipt@"):
        return Result(of_bytes(text.encode()), key, text)
    return Result(blobs.put(text.encode()), key)


def load(blobs: Blobs, result: Result, noun: type[AnyNoun]) -> AnyNoun:
    """Read a stored noun. Raises `Lost` when it is missing or damaged."""
    data = blobs.get(result.digest) if result.value is None else result.value
    try:
        return noun.model_validate_json(data)
    except ValueError as error:
        raise Lost(f"a stored {noun.__name__} cannot be read: {error}", result.digest) from error


def is_there(blobs: Blobs, result: Result) -> bool:
    """Whether a noun can still be read; its bytes are not looked at."""
    return result.value is not None or blobs.exists(result.digest)

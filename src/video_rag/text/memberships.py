"""The collections of a video in one text, for stores that keep a single value for them.

One name stays as it is: `sea`. Several are framed: `|sea|zoo|`, so that looking for `|zoo|` finds
just that collection, and never `zoology`. The bar is what a person can type into the filters of
Dify, whose text fields know `is` and `contains` but no lists.
"""

from __future__ import annotations

from collections.abc import Sequence

BAR = "|"
_QUOTED_BAR = "%7C"
"""A bar inside a name, once several are framed; the way that URLs write it."""


def framed(names: Sequence[str]) -> str:
    """These collections in one text: a single name as it is, several between bars."""
    if len(names) == 1 and not names[0].startswith(BAR):
        return names[0]
    return BAR + "".join(_quoted(name) + BAR for name in names)


def frame(name: str) -> str:
    """What the text of several collections contains when this is one of them."""
    return BAR + _quoted(name) + BAR


def unframed(text: str) -> tuple[str, ...]:
    """The names that `framed` was given, in their order."""
    if not text.startswith(BAR):
        return (text,) if text else ()
    return tuple(part.replace(_QUOTED_BAR, BAR) for part in text.strip(BAR).split(BAR) if part)


def _quoted(name: str) -> str:
    return name.replace(BAR, _QUOTED_BAR)

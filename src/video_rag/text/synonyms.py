"""Names of one thing: a small list of our own, and a file of the library's owner.

One group on each line, its names apart by commas (`汉诺塔, 河内塔`); `#` begins a comment.
The names of a group find each other, however many words they have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path

from video_rag.errors import BadSettings
from video_rag.text.asking import Group, pattern
from video_rag.text.folding import fold, plain

_COMMA = re.compile("[,，、;；]")
_MOST = 8
"""So many groups of one question are looked at."""


class Synonyms:
    """Groups of names, found by any of their names."""

    def __init__(self, groups: Iterable[Group]) -> None:
        self._by_name = [(fold(name).split(), name, group) for group in groups for name in group]

    def of(self, text: str) -> tuple[Group, ...]:
        """The groups of which a text has a name; those with the longest name first."""
        folded, clean = fold(text), plain(text)
        found = [
            (len(name), group)
            for words, name, group in self._by_name
            if words and all(word in folded for word in words) and pattern(name).search(clean)
        ]
        groups = (group for _, group in sorted(found, key=lambda one: -one[0]))
        return tuple(dict.fromkeys(groups))[:_MOST]


def load(path: Path | None) -> Synonyms:
    """Our own list and the one at `path`. Raises `BadSettings` naming a line that is none."""
    if path is None:
        return Synonyms(_built_in())
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(
            f"[search] synonyms: {path} cannot be read: {error}",
            hint="name a text file in UTF-8, with a group of names on each line: 汉诺塔, 河内塔",
        ) from error
    return Synonyms((*parse(text, str(path)), *_built_in()))


@cache
def _built_in() -> tuple[Group, ...]:
    text = resources.files("video_rag.text").joinpath("synonyms.txt").read_text("utf-8")
    return tuple(parse(text, "synonyms.txt"))


def parse(text: str, name: str) -> Iterator[Group]:
    """The groups of a list. Raises `BadSettings` naming a line that is none."""
    for number, line in enumerate(text.splitlines(), start=1):
        said = line if line.lstrip().startswith("#") else line.partition(" #")[0]
        if not said.strip() or said.lstrip().startswith("#"):
            continue
        names = tuple(dict.fromkeys(one.strip() for one in _COMMA.split(said) if one.strip()))
        if len(names) < 2 or "=>" in said:
            raise BadSettings(
                f"[search] synonyms: line {number} of {name} is no group of names: {line.strip()}",
                hint="write at least two names of one thing, apart by commas: 汉诺塔, 河内塔",
            )
        yield names

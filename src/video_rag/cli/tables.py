"""Tables of text: one row a line where there is room, else one column over the others.

Into a pipe or file a row is always one line, for `grep` and `cut`, unless `COLUMNS` says how wide.
Drawn without rich, which takes longer to import than most tables to compute.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells

from video_rag.cli.harmless import harmless

Row = Sequence[str]
_GAP = "  "
_LEAST = 24
"""Columns of a terminal that the last column of a table needs to be read; else it goes above."""


def terminal_width() -> int | None:
    """Columns of the terminal (or as `COLUMNS` says); none into a pipe or file."""
    return shutil.get_terminal_size(fallback=(0, 0)).columns or None


def lines_of(
    columns: Row, rows: Sequence[Row], width: int | None = None, *, above: int = -1
) -> Iterator[list[str]]:
    """The lines of the columns' names, then those of each row, at most `width` columns wide.

    Column `above` stands over the others where there is no room for all. Where even those are wider
    than the terminal, their lines are left to it.
    """
    cells = [[harmless(" ".join(cell.split())) for cell in row] for row in (columns, *rows)]
    sizes = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    left = sum(size + len(_GAP) for size in sizes[:-1])
    if width is None:
        return (_side_by_side(row, sizes, None) for row in cells)
    if width - left >= min(sizes[-1], _LEAST):
        return (_side_by_side(row, sizes, width - left) for row in cells)
    return (_one_over_the_other(row, sizes, width, above % len(sizes)) for row in cells)


def _side_by_side(row: Row, sizes: Sequence[int], room: int | None) -> list[str]:
    start = _padded(row[:-1], sizes) + _GAP if len(row) > 1 else ""
    first, *more = _folded(row[-1], room)
    under = " " * cell_len(start)
    return [(start + first).rstrip(), *((under + line).rstrip() for line in more)]


def _one_over_the_other(row: Row, sizes: Sequence[int], width: int, above: int) -> list[str]:
    others, sizes = ([*given[:above], *given[above + 1 :]] for given in (row, sizes))
    return [*_folded(row[above], width), (_GAP + _padded(others, sizes)).rstrip()]


def _padded(row: Row, sizes: Sequence[int]) -> str:
    pairs = zip(row, sizes, strict=False)
    return _GAP.join(cell + " " * (size - cell_len(cell)) for cell, size in pairs)


def _folded(text: str, room: int | None) -> Iterator[str]:
    """The text in lines of so many columns, between words where it has some."""
    if room is None or cell_len(text) <= room:
        yield text
        return
    line = ""
    for word in re.findall(r"\S+\s*", text):
        if line and cell_len(line + word.rstrip()) > room:
            yield line.rstrip()
            line = ""
        *full, line = chop_cells(line + word, room)
        yield from full
        line = line.lstrip()  # the gap behind a word that just fits
    yield line.rstrip()

"""How tables fold to the width of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from video_rag.cli.tables import lines_of

COLUMNS = ("id", "state", "title")
LONG = "Sheep on a hill at sunset, and what the grass 湖水在这里有七米深 has to do with it"
ROWS = [("file:e9e5b3e0aa1ff2b3", "ready", LONG), ("file:98", "failed", "Stars")]


def shown(width: int | None, rows: list[tuple[str, ...]] = ROWS) -> str:
    return "\n".join(line for lines in lines_of(COLUMNS, rows, width) for line in lines)


def test_into_a_pipe_a_row_is_a_line() -> None:
    assert shown(None).splitlines() == [
        "id                     state   title",
        f"file:e9e5b3e0aa1ff2b3  ready   {LONG}",
        "file:98                failed  Stars",
    ]


def test_where_there_is_room_the_last_column_folds_under_itself() -> None:
    assert shown(60).splitlines() == [
        "id                     state   title",
        "file:e9e5b3e0aa1ff2b3  ready   Sheep on a hill at sunset,",
        "                               and what the grass",
        "                               湖水在这里有七米深 has to do",
        "                               with it",
        "file:98                failed  Stars",
    ]


def test_on_a_narrow_terminal_it_stands_over_the_others() -> None:
    assert shown(50).splitlines() == [
        "title",
        "  id                     state",
        "Sheep on a hill at sunset, and what the grass",
        "湖水在这里有七米深 has to do with it",
        "  file:e9e5b3e0aa1ff2b3  ready",
        "Stars",
        "  file:98                failed",
    ]


def test_a_table_of_short_rows_is_no_narrower_than_it_must_be() -> None:
    assert shown(36, [("1", "ready", "Stars"), ("2", "ready", "Sheep")]).splitlines() == [
        "id  state  title",
        "1   ready  Stars",
        "2   ready  Sheep",
    ]


def test_a_cell_gives_a_terminal_no_orders_and_makes_no_lines() -> None:
    assert "a b c  \\u001b[2J [bold]x[/] :cat:" in shown(
        None, [("1", "a\nb\tc", "\x1b[2J [bold]x[/] :cat:")]
    )


@given(
    st.lists(st.tuples(*[st.text("abc 湖é\u0301🐱", max_size=60)] * 3), max_size=4),
    st.integers(4, 120),
)
def test_every_word_is_shown_and_no_title_is_wider_than_the_terminal(
    rows: list[tuple[str, ...]], width: int
) -> None:
    text = shown(width, rows)
    for row in rows:
        for cell in row:
            assert "".join(cell.split()) in "".join(text.split()) or width < 40
    fixed = max(
        (cell_len(" ".join(row[0].split())) + cell_len(" ".join(row[1].split())) for row in rows),
        default=0,
    )
    if fixed + 12 <= width:
        assert all(cell_len(line) <= width for line in text.splitlines())


@pytest.mark.parametrize("width", [30, 60, 200])
def test_nothing_but_names_is_a_table(width: int) -> None:
    assert shown(width, []).split() == ["id", "state", "title"]


def test_a_line_that_goes_on_begins_with_a_word() -> None:
    (_, lines) = lines_of(("name", "what"), [("a", "one two three four, five six seven 8")], 30)
    assert lines == ["a     one two three four, five", "      six seven 8"]


def test_another_column_than_the_last_can_stand_over_the_others() -> None:
    rows = lines_of(("setting", "value", "from"), [("home", "x" * 30, "default")], 30, above=0)
    assert list(rows) == [
        ["setting", "  value                           from"],
        ["home", f"  {'x' * 30}  default"],
    ]

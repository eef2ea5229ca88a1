"""The reference pages say what the code says."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from loading import loaded
from video_rag import errors, plugins
from video_rag.settings import ALIASES, variable
from video_rag.settings.schema import named
from video_rag.sources import cookies, walls, weberrors
from video_rag.sources.ytdlp import lists, series

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "video_rag"
FUNCTIONS = {"_absent": "ContentError", "Entry": "", "replace": ""}
"""What makes an error, or (`""`) what a subscription remembers, beside the classes of errors."""
CARRIED = {
    ("errors.py", "reason"),
    ("sources/ytdlp/lists.py", "reason"),  # from its tables, and by assignment
    ("sources/ytdlp/series.py", "reason"),  # `_absent`, whose callers name it
    ("sources/manners.py", "_wall(error)"),
    ("sources/weberrors.py", "wall.reason"),
    ("sources/weberrors.py", "empty"),
    ("library/watching/news.py", "reason"),
    ("library/watching/news.py", "error.reason"),
}
"""Reasons that are handed on: their words are found where they are first written."""


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """scripts/reference.py, which is no part of a package."""
    return loaded(ROOT / "scripts" / "reference.py", "reference")


def test_the_pages_are_current(reference: ModuleType) -> None:
    found = sorted(reference.stale(ROOT / "docs" / "reference"))
    assert found == [], "run: python scripts/reference.py"


def test_every_setting_variable_and_alias_is_on_the_page(reference: ModuleType) -> None:
    page = reference.settings_page()
    names = [
        *named(),
        *map(variable, named()),
        *ALIASES,
        "VIDEO_RAG_CONFIG",
        "VIDEO_RAG_SECRETS_DIR",
    ]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_every_option_of_every_plug_in_has_a_description(reference: ModuleType) -> None:
    bare = [
        f"{family}.{name}.{option}"
        for family in plugins.FAMILIES
        for name, plugin in reference.installed(family)
        for option, info in plugin.Options.model_fields.items()
        if not info.description
    ]
    assert bare == []


def test_every_error_has_its_exit_code(reference: ModuleType) -> None:
    page = reference.errors_page()
    assert "| `ContentError` | 3 | 422 |" in page
    assert "| `NotFound` | 2 | 404 |" in page
    assert "VideoRagError" not in page


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield path.relative_to(SOURCE).as_posix(), tree


def texts(node: ast.AST) -> set[str]:
    """The texts that an expression may give: not those that it only tests or looks up."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) and node.value else set()
    if isinstance(node, ast.IfExp):
        return texts(node.body) | texts(node.orelse)
    if isinstance(node, ast.BoolOp):
        return set().union(*map(texts, node.values))
    return set()


def said(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(word, class of the error) of what a module writes itself; "" for what is no error."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from said_to(node)
        elif isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                target, value = target.elts[0], value.elts[0]
            if ast.unparse(target) in {"reason", "empty"}:
                yield from ((word, "ContentError") for word in texts(value))


def said_to(call: ast.Call) -> Iterator[tuple[str, str]]:
    name = ast.unparse(call.func).rpartition(".")[2]
    given = [keyword.value for keyword in call.keywords if keyword.arg == "reason"]
    if name == "_absent":
        given += call.args[1:2]
    for value in given:
        yield from ((word, FUNCTIONS.get(name, name)) for word in texts(value))


def in_tables() -> Iterator[tuple[str, str]]:
    """(word, class of the error) of the tables of walls."""
    known = [*walls.WALLS, *walls.STATUSES.values(), *walls.SPECIAL.values()]
    for wall in [*known, walls.BUSY, walls.FORBIDDEN, walls.SUBTITLES_429]:
        yield wall.reason, wall.kind.__name__
    told = [*lists._TITLES.values(), *lists._BADGES.values()]
    for reason in [*told, *(row[0] for row in series._CODES.values())]:
        yield reason, "ContentError"


def used() -> tuple[dict[str, set[str]], set[str]]:
    """The words of errors with their classes, and those that only subscriptions know."""
    words: dict[str, set[str]] = defaultdict(set)
    others: set[str] = set()
    for name, tree in trees():
        if not name.startswith(("sources/", "net/", "operations/", "library/watching/")):
            continue
        for word, kind in said(tree):
            if name.startswith("library/watching/") or not kind:
                others.add(word)
            else:
                words[word].add(kind)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == "against":
                returned = [one.value for one in ast.walk(node) if isinstance(one, ast.Return)]
                others |= set().union(*(texts(value) for value in returned if value))
    for word, kind in in_tables():
        words[word].add(kind)
    return dict(words), others - words.keys()


def described(page: str, columns: int) -> dict[str, list[str]]:
    """The rows of the table of reasons with so many columns, by word."""
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in rows if len(row) == columns}


def part(reference: ModuleType, heading: str) -> str:
    page: str = reference.errors_page()
    assert page.count(f"\n{heading}\n") == 1
    return page.partition(f"\n{heading}\n")[2].partition("\n##")[0]


def test_every_reason_is_on_the_page_and_no_other(reference: ModuleType) -> None:
    words, others = used()
    assert described(part(reference, "## Reasons"), 7).keys() == words.keys()
    assert described(part(reference, "### In subscriptions"), 2).keys() == others


def test_reasons_have_the_class_and_exit_code_of_the_page(reference: ModuleType) -> None:
    words, _others = used()
    for word, (kind, code, *_rest) in described(part(reference, "## Reasons"), 7).items():
        assert words[word] == {kind.strip("`")}, word
        assert str(getattr(errors, kind.strip("`")).exit_code) == code, word


def test_the_page_says_which_sites_cool_down_and_what_is_tried_again(
    reference: ModuleType,
) -> None:
    rows = described(part(reference, "## Reasons"), 7)
    assert {word for word, row in rows.items() if row[4].startswith("yes")} == walls.COOLING
    for word, row in rows.items():
        if row[0] == "`Unavailable`" or word in walls.COOLING:
            assert not row[5].startswith("no"), word


def test_where_a_reason_comes_from_is_known() -> None:
    """A new way to hand a reason on would hide words from the tests above."""
    found = {
        (name, ast.unparse(keyword.value))
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "reason" and not isinstance(keyword.value, ast.Constant | ast.IfExp)
    }
    assert found == CARRIED


def test_reasons_that_are_asked_for_exist() -> None:
    words, others = used()
    known = words.keys() | others
    asked = set[str]()
    for _name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and re.search(r"\breason$", ast.unparse(node.left)):
                asked |= set().union(*map(texts, node.comparators))
    tables = (walls._NOTES, weberrors._EXPLAIN, weberrors._BY_CLASS.values(), cookies.WALLS)
    for table in (*tables, lists._WALLS, lists._WORDS, walls.COOLING):
        asked |= set(table)
    assert {"deleted", "cooling-down", "members-only"} <= asked
    assert asked - known == set()


def test_a_stale_page_is_told_and_then_written(
    reference: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reference.main(["--check"], tmp_path) == 1
    assert "settings.md is out of date" in capsys.readouterr().out
    assert reference.main([], tmp_path) == 0
    assert reference.main(["--check"], tmp_path) == 0
    (tmp_path / "errors.md").write_text("old", encoding="utf-8")
    assert list(reference.stale(tmp_path)) == ["errors.md"]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (str, "text"),
        (Path | None, "path or none"),
        (tuple[str, ...], "list of text"),
        (dict[str, int], "table of whole number"),
        (SecretStr, "secret"),
    ],
)
def test_types_are_written_in_plain_words(
    reference: ModuleType, annotation: object, words: str
) -> None:
    assert reference.kind(annotation) == words


def test_a_default_that_is_a_secret_is_no_riddle(reference: ModuleType) -> None:
    assert reference.default(FieldInfo(default=SecretStr(""))) == "none"
    assert reference.default(FieldInfo()) == "required"


def test_a_bar_does_not_break_a_table(reference: ModuleType) -> None:
    assert reference.rows(("a",), [("x|y",)]).endswith("| x\\|y |")

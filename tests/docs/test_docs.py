"""The documents tell the truth: links lead somewhere, names exist, examples are the real files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from typer.main import get_command

from video_rag import plugins
from video_rag.cli import app

ROOT = Path(__file__).resolve().parent.parent.parent
TOP = ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md"]
PAGES = sorted(
    [ROOT / name for name in TOP]
    + [*(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    + [*(ROOT / "benchmarks").glob("*.md")]
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
INCLUDED = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose_of(path: Path) -> str:
    """Without code, in which brackets are no links."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", text_of(path), flags=re.DOTALL)


def names_of(pages: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in pages]


def anchors_of(path: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(
        r"^#+ +(.+)$", re.sub(r"```.*?```", "", text_of(path), flags=re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands() -> Iterator[str]:
    """Every command with the group that it is in, such as `keys add`."""

    def walk(command: Any, prefix: str) -> Iterator[str]:
        for name, below in command.commands.items():
            if hasattr(below, "commands"):
                yield from walk(below, f"{prefix}{name} ")
            else:
                yield f"{prefix}{name}"

    return walk(get_command(app), "")


@pytest.mark.parametrize("path", PAGES, ids=names_of(PAGES))
def test_every_link_leads_somewhere(path: Path) -> None:
    broken = []
    for found in LINK.finditer(prose_of(path)):
        target = found.group(1) or found.group(2)
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / unquote(name)).resolve() if name else path
        is_known = there.exists() and (
            not anchor or there.suffix != ".md" or anchor in anchors_of(there)
        )
        if not is_known:
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", ["docs/reference/cli.md", "README.md", "README.zh-CN.md"])
def test_every_command_is_described(page: str) -> None:
    text = text_of(ROOT / page)
    missing = [name for name in commands() if not re.search(rf"`(video-rag )?{name}[ `]", text)]
    assert missing == []


def test_every_plugin_is_described() -> None:
    text = text_of(ROOT / "docs" / "reference" / "plugins.md")
    known = [f"{family}.{name}" for family in plugins.FAMILIES for name in plugins.table(family)]
    assert [name for name in known if f"`[{name}]`" not in text] == []


def test_both_readmes_have_the_same_parts() -> None:
    english, chinese = (
        [line.split()[0] for line in text_of(ROOT / name).splitlines() if re.match(r"#+ ", line)]
        for name in ("README.md", "README.zh-CN.md")
    )
    assert english == chinese


def test_included_files_are_the_real_ones() -> None:
    included = [
        (path, *match.groups()) for path in PAGES for match in INCLUDED.finditer(text_of(path))
    ]
    assert included
    assert [name for _page, name, text in included if text != text_of(ROOT / name)] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    waiting, reached = [ROOT / "README.md"], set[Path]()
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        for found in LINK.finditer(prose_of(page)):
            target = (found.group(1) or found.group(2)).partition("#")[0]
            if target and not re.match(r"[a-z]+:", target):
                waiting.append((page.parent / unquote(target)).resolve())
    assert [page.relative_to(ROOT).as_posix() for page in PAGES if page not in reached] == []

"""Hooks of MkDocs: the menu of the site, and the pages of it that do not lie in docs/.

The documents are written to be read where they lie, in the repository: they link to the README,
to benchmarks and to code. Markdown that is linked to becomes a page of the site under `project/`;
what else lies outside docs/ is named and not linked, since the site does not have it.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PROJECT = "project"
CHINESE = ".zh-CN.md"
LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<to>[^)\s]+)\)")
CODE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the menu from the folders: a new page is in it without a line here."""
    config.nav = [
        {"Start": ["index.md", "tutorial.md", _outside("README.md")]},
        {"How to": _pages("how-to")},
        {"Run-books": ["runbooks/README.md", *_pages("runbooks")]},
        {"Reference": _pages("reference")},
        {"Explanation": _pages("explanation")},
        {"Decisions": ["adr/README.md", *_pages("adr")]},
        {"中文": [_outside("README.zh-CN.md"), "tutorial.zh-CN.md", *_pages("how-to", "zh")]},
        {"Project": _project()},
    ]
    return config


def _project() -> list[str]:
    """What lies outside docs/ but for the two READMEs: from the top down, by name."""
    names = (name for name in _wanted() if name not in {"README.md", "README.zh-CN.md"})
    return [_outside(name) for name in sorted(names, key=lambda name: (name.count("/"), name))]


def _pages(folder: str, language: str = "en") -> list[str]:
    """The pages of a folder, by name, in one of the two languages."""
    found = sorted(path.relative_to(DOCS).as_posix() for path in (DOCS / folder).glob("*.md"))
    chosen = [one for one in found if one.endswith(CHINESE) == (language == "zh")]
    return [one for one in chosen if not one.endswith("README.md")]


def _outside(name: str) -> str:
    """Where a file outside docs/ stands in the site."""
    return f"{PROJECT}/{name.replace('README', 'readme')}"


def _source(uri: str) -> Path:
    """The file that a page was made of."""
    if uri.startswith(f"{PROJECT}/"):
        return ROOT / uri.removeprefix(f"{PROJECT}/").replace("readme", "README")
    return DOCS / uri


def _wanted() -> list[str]:
    """Markdown outside docs/ that some page links to, near or far."""
    found: dict[str, None] = {"README.md": None, "README.zh-CN.md": None}
    waiting = [*DOCS.rglob("*.md"), *(ROOT / name for name in found)]
    while waiting:
        page = waiting.pop()
        for match in LINK.finditer(CODE.sub("", page.read_text("utf-8"))):
            target = _target(page, match["to"])
            if target is None or target.is_relative_to(DOCS) or target.suffix != ".md":
                continue
            name = target.relative_to(ROOT).as_posix()
            if name not in found and target.is_file():
                found[name] = None
                waiting.append(target)
    return list(found)


def _target(page: Path, link: str) -> Path | None:
    """The file of this project that a link leads to; None for the web and for the page itself."""
    path = link.partition("#")[0]
    if not path or "://" in path or path.startswith("mailto:"):
        return None
    target = Path(os.path.normpath(page.parent / path))
    return target if target.is_relative_to(ROOT) else None


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what the pages outside docs/ are made of, and the pictures in them."""
    for name in _wanted():
        content = (ROOT / name).read_text("utf-8")
        files.append(File.generated(config, _outside(name), content=content))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    """Lead links to where things are in the site."""
    source = _source(page.file.src_uri)
    here = posixpath.dirname(page.file.src_uri)

    def led(match: re.Match[str]) -> str:
        target = _target(source, match["to"])
        if target is None:
            return match[0]
        name = target.relative_to(ROOT).as_posix()
        uri = name.removeprefix("docs/") if target.is_relative_to(DOCS) else _outside(name)
        if files.get_file_from_path(uri) is None and not target.is_relative_to(DOCS):
            return match["text"] if target.exists() else match[0]
        _, mark, anchor = match["to"].partition("#")
        to = posixpath.relpath(uri, here or ".")
        return f"{match['image']}[{match['text']}]({to}{mark}{anchor})"

    parts, at = [], 0
    for code in CODE.finditer(markdown):
        parts += [LINK.sub(led, markdown[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*parts, LINK.sub(led, markdown[at:])])

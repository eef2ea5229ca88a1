"""The site of the documentation: built as `make site` does, and followed link by link."""

from __future__ import annotations

import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


class Links(HTMLParser):
    """What a page points at, and the names in it that others may point at."""

    def __init__(self) -> None:
        super().__init__()
        self.to: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.to += [one for key in ("href", "src") if (one := given.get(key))]
        if name := given.get("id"):
            self.names.add(name)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("site")
    command = ["sh", "scripts/site.sh", str(where / "site")]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return where / "site"


def test_every_document_is_a_page_and_every_link_leads_to_one(site: Path) -> None:
    pages = {}
    for file in site.rglob("*.html"):
        if file.name != "404.html":  # its links are absolute, since it is shown anywhere
            pages[file] = Links()
            pages[file].feed(file.read_text("utf-8"))
    menu = {link.partition("#")[0] for link in pages[site / "index.html"].to} | {"index.html"}
    for document in (ROOT / "docs").rglob("*.md"):
        name = document.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        name = name.replace("README.html", "index.html")
        assert site / name in pages, name
        assert name in menu, f"{name} is in no menu: see scripts/site_pages.py"
    broken = []
    for file, page in pages.items():
        for link in page.to:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            there = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            there = there / "index.html" if there.is_dir() else there
            named = pages[there].names if there in pages else set()
            if not there.is_file() or (
                parts.fragment
                and there in pages
                and unquote(parts.fragment) not in named | {"__skip"}
            ):
                broken.append(f"{file.relative_to(site)}: {link}")
    assert broken == []


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    page = Links()
    page.feed((site / "index.html").read_text("utf-8"))
    assert [one for one in page.to if one.startswith(("http:", "https:", "//"))] == [
        "https://squidfunk.github.io/mkdocs-material/"  # who made the theme: a link
    ]

"""What only the owner of a home may read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from talks import SHEEP, write_talk
from video_rag.backups import copy_before
from video_rag.dify.state import State
from video_rag.library import Library
from video_rag.model import Query
from video_rag.settings import load_settings


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """As most systems have it: everybody may read what is made."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(home: Path) -> set[str]:
    """What in a home another user could open, by name; not below a folder that is shut."""
    found = set()
    for folder, folders, files in os.walk(home):
        shut = [name for name in folders if not mode_of(Path(folder, name)) & 0o077]
        folders[:] = [name for name in folders if name not in shut]
        rows = [Path(folder, name) for name in (*folders, *files)]
        found |= {str(row.relative_to(home)) for row in rows if mode_of(row) & 0o077}
    return found


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def filled(tmp_path: Path) -> Path:
    """A library that holds a talk, is searched and knows a Dify, while it is open."""
    write_talk(tmp_path / "talks" / "sheep.srt", SHEEP)
    settings = load_settings()
    library = Library(settings)
    list(library.add([str(tmp_path / "talks")]))
    library.search(Query(text="sheep"))
    State(settings.home / "dify.json").keep("http://dify", "dataset", "1")
    copy_before(settings.home / "library.db", 9)
    assert {"library.db-wal", "library.db-shm"} <= {path.name for path in settings.home.iterdir()}
    return settings.home


def test_a_home_is_made_for_its_owner_alone_but_for_documents_and_media(tmp_path: Path) -> None:
    home = filled(tmp_path)
    made = open_to_others(home)
    assert {name.partition("/")[0] for name in made} == {"documents"}
    assert any(name.endswith(".md") for name in made)


def test_a_home_that_was_open_is_shut_when_it_is_opened(tmp_path: Path) -> None:
    home = filled(tmp_path)
    for path in home.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert "library.db" in open_to_others(home)
    Library(load_settings()).close()
    assert {name.partition("/")[0] for name in open_to_others(home)} == {"documents"}


def test_a_link_in_a_home_leads_to_rights_that_are_not_ours_to_change(tmp_path: Path) -> None:
    home = filled(tmp_path)
    elsewhere = tmp_path / "elsewhere.db"
    elsewhere.write_bytes(b"")
    elsewhere.chmod(0o644)
    (home / "knowledge.db.old").symlink_to(elsewhere)
    Library(load_settings()).close()
    assert mode_of(elsewhere) == 0o644

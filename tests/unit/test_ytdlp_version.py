"""Which yt-dlp is used: the chosen one, unless it is broken, foreign or older."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.sources import versions

pytest.importorskip("yt_dlp")
HERE = metadata.version("yt-dlp")
NEWER, OLDER = "2099.1.1", "2001.1.1"


def put(home: Path, version: str) -> Path:
    """A version's folder as an update leaves it, with a yt-dlp that only knows its version."""
    own = versions.folder(home) / version
    (own / "yt_dlp").mkdir(parents=True, mode=0o755)
    (own / "yt_dlp" / "__init__.py").write_text(f"__version__ = {version!r}\n")
    (own / versions.CHECKED).write_text(version)
    for path in (versions.folder(home), own, own / "yt_dlp", own / versions.CHECKED):
        path.chmod(path.stat().st_mode & ~0o022)
    return own


def choose(home: Path, *given: str, pinned: bool = False) -> None:
    versions.folder(home).mkdir(parents=True, exist_ok=True)
    versions.write(home, versions.Choice(given, pinned))


def imported(home: Path, before: str = "") -> list[str]:
    """What a fresh process imports after `use`: where from, and the note."""
    code = (
        f"import sys; from pathlib import Path; {before}\n"
        "from video_rag.sources import versions as v\n"
        "v.use(Path(sys.argv[1])); told = v.use(Path(sys.argv[1]))\n"
        "import yt_dlp; print(Path(yt_dlp.__file__).parent.parent); print(told.version)\n"
        "print(told.note); print(sum('yt-dlp' in path for path in sys.path))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, home], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_without_an_update_the_installed_one_is_used(tmp_path: Path) -> None:
    assert versions.shown(tmp_path) == versions.Shown(HERE, HERE)
    assert [row.state for row in versions.findings(tmp_path)] == ["ok"]


def test_a_chosen_version_stands_before_the_installed_one(tmp_path: Path) -> None:
    own = put(tmp_path, NEWER)
    choose(tmp_path, NEWER)
    assert imported(tmp_path) == [str(own), NEWER, "", "1"]
    assert f"{NEWER} (updated)" in versions.findings(tmp_path)[0].text


def test_what_is_imported_already_stays_until_the_next_start(tmp_path: Path) -> None:
    put(tmp_path, NEWER)
    choose(tmp_path, NEWER)
    where, version, note, _count = imported(tmp_path, before="import yt_dlp")
    assert (str(tmp_path) in where, version) == (False, HERE)
    assert "next start" in note


def test_an_older_version_is_used_only_when_asked_for(tmp_path: Path) -> None:
    put(tmp_path, OLDER)
    choose(tmp_path, OLDER)
    found = versions.shown(tmp_path)
    assert (found.version, "as new" in found.note) == (HERE, True)
    choose(tmp_path, OLDER, pinned=True)
    assert versions.shown(tmp_path) == versions.Shown(OLDER, HERE, OLDER)


@pytest.mark.parametrize("part", ["", NEWER, f"{NEWER}/yt_dlp", f"{NEWER}/checked", "current"])
def test_what_others_may_write_is_passed_over(part: str, tmp_path: Path) -> None:
    put(tmp_path, NEWER)
    choose(tmp_path, NEWER)
    path = versions.folder(tmp_path) / part
    path.chmod(path.stat().st_mode | 0o020)
    found = versions.shown(tmp_path)
    assert (found.version, "other users" in found.note) == (HERE, True)
    assert [row.state for row in versions.findings(tmp_path)] == ["ok", "note"]
    assert imported(tmp_path)[1] == HERE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
@pytest.mark.parametrize("part", ["", NEWER, f"{NEWER}/yt_dlp", "current"])
def test_what_belongs_to_another_user_is_passed_over(part: str, tmp_path: Path) -> None:
    put(tmp_path, NEWER)
    choose(tmp_path, NEWER)
    os.chown(versions.folder(tmp_path) / part, 12345, 12345)
    found = versions.shown(tmp_path)
    assert (found.version, "not this user's own" in found.note) == (HERE, True)


def test_a_link_to_elsewhere_is_passed_over(tmp_path: Path) -> None:
    real = put(tmp_path / "else", NEWER)
    choose(tmp_path, NEWER)
    (versions.folder(tmp_path) / NEWER).symlink_to(real)
    assert versions.shown(tmp_path).version == HERE


def test_a_folder_that_was_not_finished_is_passed_over(tmp_path: Path) -> None:
    own = put(tmp_path, NEWER)
    choose(tmp_path, NEWER)
    (own / versions.CHECKED).write_text("20")
    assert "not whole" in versions.shown(tmp_path).note
    (own / versions.CHECKED).unlink()
    assert "not whole" in versions.shown(tmp_path).note


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b'{"versions": 3, "pinned": false}',
        b'{"versions": ["../../tmp/x", "/etc", "1..2"], "pinned": true}',
        b"\xff\xfe",
    ],
)
def test_a_torn_or_hostile_choice_is_none(text: bytes, tmp_path: Path) -> None:
    versions.folder(tmp_path).mkdir()
    (versions.folder(tmp_path) / "current").write_bytes(text)
    assert versions.shown(tmp_path) == versions.Shown(HERE, HERE)


@given(st.text(max_size=30))
def test_no_version_leads_out_of_the_folder(text: str) -> None:
    if versions.is_version(text):
        assert Path(text).name == text
        assert text.strip(".") == text.lstrip(".") or not text.startswith(".")


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=4))
def test_a_version_is_the_same_with_leading_zeros(parts: list[int]) -> None:
    plain = ".".join(str(part) for part in parts)
    padded = ".".join(f"{part:02}" for part in parts)
    assert versions.number(plain) == versions.number(padded) == tuple(parts)


def test_a_later_version_is_the_greater_one() -> None:
    rising = ["2026.8.19", "2026.08.20", "2026.10.2", "2026.10.2.232715.dev0", "2027.1.1"]
    assert sorted(rising, key=versions.number) == rising

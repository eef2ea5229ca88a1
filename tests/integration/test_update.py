"""`video-rag update`: real pip, real wheels, real processes."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import pytest

from video_rag.errors import BackendError, NotFound, Unavailable, UsageError
from video_rag.operations import update
from video_rag.sources import versions

pytest.importorskip("pip")
yt_dlp = pytest.importorskip("yt_dlp")
HERE = metadata.version("yt-dlp")
NEW, NEWER, BROKEN = "2098.1.1", "2099.1.1", "2097.1.1"
KEPT = (
    "__init__",
    "adobepass",
    "afreecatv",
    "common",
    "extractors",
    "generic",
    "openload",
    "youtube",
)
"""Names in yt_dlp/extractor, or how they begin, that the wheels made here have."""
EJS = "Requires-Dist: yt-dlp-ejs==0.8.77; extra == 'default'\n"


def wheel(folder: Path, name: str, version: str, files: dict[str, bytes], more: str = "") -> None:
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    extra = "Provides-Extra: default\n" if more else ""
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as made:
        for path, body in files.items():
            made.writestr(path, body)
        made.writestr(f"{info}/METADATA", about + extra + more)
        made.writestr(f"{info}/WHEEL", tags)
        made.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in files))


def package(name: str) -> dict[str, bytes]:
    """The files of an installed package."""
    root = Path(str(importlib.import_module(name).__file__)).parent
    return {
        f"{name}/{path.relative_to(root).as_posix()}": path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.suffix in {".py", ".js"}
    }


def ytdlp(version: str) -> dict[str, bytes]:
    """The real package, which says that it is another version, and would hide Python's json.

    Of its thousand extractors it has the one that the update is tried out with, and those that
    yt-dlp cannot do without: the whole is in `test_the_newest_of_the_real_index_works`.
    """
    files = package("yt_dlp")
    for path in [path for path in files if path.startswith("yt_dlp/extractor/")]:
        if not path.removeprefix("yt_dlp/extractor/").startswith(KEPT):
            del files[path]
    files["yt_dlp/extractor/_extractors.py"] = b"from .generic import GenericIE\n"
    files["yt_dlp/version.py"] += f"\n__version__ = {version!r}\n".encode()
    files["json.py"] = b"raise SystemExit('this must never be imported')"
    return files


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for version in (NEW, NEWER):
        wheel(folder, "yt-dlp", version, ytdlp(version), EJS)
    wheel(folder, "yt-dlp-ejs", "0.8.77", package("yt_dlp_ejs"))
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "video_rag", "update", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def used(home: Path) -> Sequence[str]:
    """The versions of yt-dlp and its scripts that a library in a new process really loads."""
    code = (
        "import sys; from video_rag.library import Library\n"
        "from video_rag.settings import load_settings\n"
        "given = {'home': sys.argv[1], 'guard': {'allow_private': True}}\n"
        "library = Library(load_settings(given))\n"
        "list(library.add(['http://127.0.0.1:9/v.mp4'])); library.close()\n"
        "import yt_dlp, importlib.metadata as m\n"
        "print(yt_dlp.version.__version__, m.version('yt-dlp'), m.version('yt-dlp-ejs'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, home], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def left(home: Path) -> set[str]:
    return {path.name for path in versions.folder(home).iterdir()} - {".lock", "current"}


def test_a_library_in_a_new_process_uses_the_update_and_goes_back(wheels: Path, home: Path) -> None:
    done = update.update(home, wheels=wheels)
    assert done == update.Report(NEWER, HERE, NEWER, previous=HERE, changed=True)
    assert used(home) == [NEWER, NEWER, "0.8.77"]
    assert not (versions.folder(home) / NEWER / "json.py").exists()
    assert update.back(home).used == HERE
    assert versions.number(used(home)[0]) == versions.number(HERE)


def test_two_versions_are_kept_and_gone_back_through(wheels: Path, home: Path) -> None:
    (versions.folder(home) / ".new-killed").mkdir(parents=True)
    update.update(home, NEW, wheels)
    assert update.update(home, wheels=wheels).previous == NEW
    assert left(home) == {NEW, NEWER}
    assert not update.update(home, wheels=wheels).changed
    assert [update.back(home).used for _ in range(3)] == [NEW, HERE, HERE]
    assert update.update(home, wheels=wheels).used == NEWER


def test_a_broken_folder_is_made_anew(wheels: Path, home: Path) -> None:
    update.update(home, wheels=wheels)
    (versions.folder(home) / NEWER / versions.CHECKED).unlink()
    assert update.look(home, wheels).used == HERE
    assert update.update(home, wheels=wheels).used == NEWER
    assert left(home) == {NEWER}


def test_a_version_that_does_not_work_is_not_used(tmp_path: Path, home: Path) -> None:
    text = b"raise RuntimeError('torn')"
    wheel(tmp_path, "yt-dlp", BROKEN, {"yt_dlp/__init__.py": text})
    with pytest.raises(BackendError, match="torn"):
        update.update(home, wheels=tmp_path)
    assert versions.shown(home).version == HERE
    assert left(home) == set()


def test_a_version_that_cannot_read_a_page_is_not_used(tmp_path: Path, home: Path) -> None:
    text = b"class version: __version__ = '2097.1.1'\nclass YoutubeDL:\n    pass\n"
    wheel(tmp_path, "yt-dlp", BROKEN, {"yt_dlp/__init__.py": text})
    with pytest.raises(BackendError, match="does not work here"):
        update.update(home, wheels=tmp_path)
    assert versions.shown(home).version == HERE


def test_killed_in_the_middle_nothing_changes(wheels: Path, home: Path) -> None:
    words = [sys.executable, "-m", "video_rag", "update", "--from", str(wheels)]
    running = subprocess.Popen(words, env=_environment(home), stdout=subprocess.DEVNULL)
    while not list(versions.folder(home).glob(".new-*/*")) and running.poll() is None:
        time.sleep(0.01)
    running.kill()
    running.wait()
    assert versions.shown(home).version == HERE
    assert update.update(home, wheels=wheels).used == NEWER
    assert left(home) == {NEWER}


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "VIDEO_RAG_HOME": str(home)}


def test_two_at_once_both_end_well(wheels: Path, home: Path) -> None:
    words = [sys.executable, "-m", "video_rag", "update", "--from", str(wheels), "--json"]
    both = [
        subprocess.Popen(words, env=_environment(home), stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    reports = [json.loads(running.communicate()[0]) for running in both]
    assert [running.returncode for running in both] == [0, 0]
    assert [report["used"] for report in reports] == [NEWER, NEWER]
    assert sorted(report["changed"] for report in reports) == [False, True]
    assert left(home) == {NEWER}


def test_what_there_is_not_is_told(wheels: Path, tmp_path: Path, home: Path) -> None:
    with pytest.raises(NotFound, match=r"1\.2\.3"):
        update.update(home, "1.2.3", wheels)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(NotFound, match="no yt-dlp in"):
        update.update(home, wheels=empty)
    with pytest.raises(UsageError, match="no version"):
        update.update(home, "../../etc", wheels)


def test_a_home_that_cannot_be_written_is_told(wheels: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        update.update(tmp_path / "file", wheels=wheels)


def test_without_a_network_it_says_so_in_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:s3cr3t@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    done = command("--check")
    assert done.returncode == 4
    assert "cannot be reached" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert "s3cr3t" not in done.stderr


def test_the_command_takes_one_wish_at_a_time() -> None:
    done = command("--back", "--check")
    assert (done.returncode, "exclude" in done.stderr) == (2, True)


def test_the_command_says_what_is_in_use_and_what_is_to_be_had(wheels: Path) -> None:
    done = command("--check", "--json", "--from", wheels)
    assert json.loads(done.stdout) == {
        "used": HERE,
        "installed": HERE,
        "newest": NEWER,
        "previous": "",
        "changed": False,
        "note": "",
    }


def test_the_newest_of_the_real_index_works(home: Path) -> None:
    try:
        newest = update.look(home).newest
    except Unavailable as error:
        pytest.skip(f"needs an index of packages: {error}")
    report = update.update(home)
    assert versions.number(report.used) == max(versions.number(newest), versions.number(HERE))
    found = used(home)
    assert versions.number(found[0]) == versions.number(report.used)

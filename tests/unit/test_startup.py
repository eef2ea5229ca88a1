"""What a command imports: help, version and completion load typer, a command what it needs.

What that saves is measured in `benchmarks/startup`.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from video_rag import __version__
from video_rag.cli.commands import COMMANDS, load
from video_rag.cli.watch import EVERY
from video_rag.library.watching import rules

LIGHT = {"choices", "cli", "errors", "net.guard", "operations.codes", "operations.inputs"}
LIGHT |= {"text.timecode"}
"""Modules of ours that cost next to nothing; with `cli` all below it."""
COMPLETED = {"": "publish", "a": "add", "watch ": "pause", "dify chatflow --v": "--variant"}
"""What is on the line already, and one of the words that Tab then brings."""
BARE = """
import typer
app = typer.Typer()
@app.callback()
def whole(): "Does something."
@app.command()
def one(wanted: bool = False): "Does one thing."
main = lambda given: app(given, standalone_mode=False)
"""
OURS = "from video_rag.cli import main"


def run(code: str, *commands: Sequence[str], env: Mapping[str, str] | None = None) -> Any:
    """What the commands print, and the modules that are there at the end of their process."""
    script = f"""
import atexit, json, os, sys
atexit.register(lambda: os.write(2, json.dumps(sorted(sys.modules)).encode()))
{code}
for given in {list(map(list, commands))!r}:
    main(given)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **(env or {})},
    )
    return done.stdout, set(json.loads(done.stderr))


def foreign(modules: set[str]) -> set[str]:
    """The libraries among the modules, neither ours nor Python's."""
    tops = {name.partition(".")[0].lstrip("_") for name in modules}
    known = sys.stdlib_module_names | {"video_rag", "main__"}
    return {top for top in tops if top not in known and not top.startswith("cython_")}


def ours(modules: set[str]) -> set[str]:
    """The modules of the house, without the packages that only hold others."""
    names = {name.removeprefix("video_rag.") for name in modules if name.startswith("video_rag.")}
    return {name for name in names if not any(one.startswith(f"{name}.") for one in names)}


def heavy(modules: set[str]) -> set[str]:
    return {name for name in ours(modules) if not any(name.startswith(one) for one in LIGHT)}


@pytest.fixture(scope="module")
def typer_alone() -> set[str]:
    """What typer and Python's start bring along where a bare command shows its help."""
    return foreign(run(BARE, ["--help"], ["one", "--help"])[1])


@pytest.mark.parametrize(
    "commands",
    [[["--version"]], [["--help"]], [[name, "--help"] for name in COMMANDS]],
    ids=["version", "help", "help of every command"],
)
def test_help_and_version_load_typer_and_nothing_else(
    typer_alone: set[str], commands: list[list[str]]
) -> None:
    printed, modules = run(OURS, *commands)

    assert printed
    assert foreign(modules) - typer_alone == set()
    assert heavy(modules) == set()


@pytest.mark.parametrize("line", COMPLETED)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_loads_typer_and_nothing_else(
    typer_alone: set[str], shell: str, line: str
) -> None:
    env = {
        "_VIDEO_RAG_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": f"video-rag {line}",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "COMP_WORDS": f"video-rag {line}",
        "COMP_CWORD": str(len(f"video-rag {line}.".split()) - 1),
    }
    printed, modules = run(OURS, [], env=env)

    assert COMPLETED[line] in printed
    assert foreign(modules) - typer_alone == set()
    assert heavy(modules) == set()


def test_a_command_imports_no_other_command() -> None:
    _, modules = run(OURS, ["update", "--help"])

    assert not {f"video_rag.cli.{name}" for name in ("ask", "watch", "dify", "publish")} & modules


WORKERS = {
    *("numpy", "av", "PIL", "rapidocr", "onnxruntime", "faster_whisper", "ctranslate2"),
    *("httpx2", "stamina", "yt_dlp", "feedparser", "fastembed", "openai", "fastapi"),
    *("rjieba", "opencc", "snowballstemmer", "yaml", "rich.progress", "rich.markdown"),
}
"""What reads, recognises, downloads, indexes and serves."""
LOOKING = """
answerers backups causes choices chunking cli composers composers._slides composers.timeline
databases digest disk embedders errors identity knowledge.embedded.base
knowledge.embedded.database library.counting library.facade library.listing library.looking
library.naming library.remembering library.removing library.shelf library.sourcing
library.status library.storing library.wiring media model net.guard net.sites observers.logs
observers.rotating once operations.codes operations.inputs operations.rows pipeline.before
pipeline.engine pipeline.judging pipeline.plan pipeline.publish pipeline.reading
pipeline.results pipeline.stages pipeline.tools pipeline.work plugins private processors._ahead
processors.rapidocr processors.slides processors.subtitles.transcriber
processors.whisper.options processors.whisper.transcriber queues.inline renderers.markdown
rerankers settings sources.folder.paths sources.folder.source sources.ytdlp.options
sources.ytdlp.source stores.activity stores.agenda stores.claims stores.due stores.files
stores.forward stores.hold stores.kept stores.listing stores.local stores.media stores.owner
stores.prepared stores.questions stores.records stores.remembered stores.sql stores.sqlite
stores.tables stores.transactions tallies text.addresses text.languages text.timecode
"""
"""Of ours, with all below them: the library, how its stages are wired, and what plug-ins say of
themselves. What fetches, reads, hears, judges and finds is imported by the methods that do so."""
SEARCHING = """
evidence knowledge.ranking knowledge.embedded library.asking library.evaluate library.mending
library.publishing pipeline.publishing stores.activity_sql stores.questions_sql text
"""
LIBRARIES = {
    "sqlalchemy",
    "pydantic",
    "pydantic_core",
    "typing_inspection",
    "annotated_types",
    "rich",
}
OFTEN_THERE = {"typing_extensions", "greenlet"}
"""What those bring along."""


def unexpected(modules: set[str], expected: Iterable[str]) -> set[str]:
    """The modules of ours that are neither among these nor below one."""
    return {
        name
        for name in ours(modules)
        if not any(name == one or name.startswith(f"{one}.") for one in expected)
    }


@pytest.fixture
def home(tmp_path: Path) -> Mapping[str, str]:
    """A library of one lecture, as the environment that names it."""
    env = {"VIDEO_RAG_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    talk = tmp_path / "sheep.srt"
    talk.write_text("1\n00:00:01,000 --> 00:00:04,000\nSheep eat grass.\n", encoding="utf-8")
    run(OURS, ["add", str(talk)], env=env)
    return env


def test_a_list_of_videos_loads_nothing_that_works_on_them(
    home: Mapping[str, str], typer_alone: set[str]
) -> None:
    printed, modules = run(OURS, ["list"], env=home)

    assert "ready" in printed
    assert WORKERS & modules == set()
    assert unexpected(modules, LOOKING.split()) == set()
    assert foreign(modules) - typer_alone - OFTEN_THERE <= LIBRARIES


@pytest.mark.parametrize("embedder", ["fastembed", "openai"])
def test_an_embedder_loads_what_it_needs_when_it_embeds(
    home: Mapping[str, str], embedder: str
) -> None:
    _, modules = run(OURS, ["list"], env={**home, "VIDEO_RAG_SEARCH__EMBEDDER": embedder})

    assert WORKERS & modules == set()
    assert unexpected(modules, [*LOOKING.split(), f"embedders.{embedder}", "onnx_models"]) == set()


def test_showing_a_video_loads_no_more_than_a_list(home: Mapping[str, str]) -> None:
    printed, modules = run(OURS, ["show", "sheep"], env=home)

    assert "Sheep eat grass" in printed
    assert WORKERS & modules == set()
    assert unexpected(modules, LOOKING.split()) == set()


def test_a_search_loads_nothing_that_fetches_reads_and_recognises(home: Mapping[str, str]) -> None:
    printed, modules = run(OURS, ["search", "sheep"], env=home)

    assert "Sheep eat grass" in printed
    assert (WORKERS - {"opencc", "rjieba", "snowballstemmer"}) & modules == set()
    assert unexpected(modules, (LOOKING + SEARCHING).split()) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    first = inspect.cleandoc(load(name).help).partition("\n\n")[0]

    assert COMMANDS[name].help == " ".join(first.split())


def test_the_version_is_told() -> None:
    printed, _ = run(OURS, ["--version"])

    assert printed == f"video-rag {__version__}\n"


def test_help_tells_the_time_at_which_lists_are_looked_at() -> None:
    """Said twice, since the rules are not imported to show help."""
    assert rules.EVERY == EVERY

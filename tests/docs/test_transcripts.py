"""What the documents show is what the commands print."""

from __future__ import annotations

from pathlib import Path

import pytest
import transcripts

ROOT = Path(__file__).resolve().parent.parent.parent

DOCUMENT = """\
before
<!-- run -->
```console
$ echo hello
something else
$ cat missing
```
after
```console
$ echo untouched
```
"""


@pytest.fixture
def place(tmp_path: Path) -> transcripts.Place:
    return transcripts.Place(tmp_path)


def test_commands_of_marked_blocks_are_run_and_their_output_is_written(
    place: transcripts.Place,
) -> None:
    assert transcripts.rewritten(DOCUMENT, place) == DOCUMENT.replace(
        "something else\n$ cat missing\n",
        "hello\n\n$ cat missing\ncat: missing: No such file or directory\n",
    )


def test_only_scores_may_differ() -> None:
    shown = "1. A lecture 0:04–0:06  1.25\n"
    assert not transcripts.differs(shown, shown.replace("1.25", "7.00"))
    assert transcripts.differs(shown, shown.replace("0:04", "0:05"))


def test_places_have_plain_names(place: transcripts.Place) -> None:
    assert place.run("pwd") == "/home/you/video-rag"


def test_each_document_begins_with_an_empty_library(place: transcripts.Place) -> None:
    place.run("touch left-behind")
    place.clear()
    assert place.run("ls") == "examples"


def test_a_remembered_first_command_leaves_what_it_made(place: transcripts.Place) -> None:
    place.run("cp -r examples/plugin-renderer ../home/made")
    place.clear()
    place.run("cp -r examples/plugin-renderer ../home/made")
    assert "README.md" in place.run("ls ../home/made")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_documents_show_what_their_commands_print() -> None:
    assert [path.name for path in transcripts.outdated()] == []

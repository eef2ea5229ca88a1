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


def test_commands_of_marked_blocks_are_run_and_their_output_is_written() -> None:
    assert transcripts.rewritten(DOCUMENT) == DOCUMENT.replace(
        "something else\n$ cat missing\n",
        "hello\n\n$ cat missing\ncat: missing: No such file or directory\n",
    )


def test_only_scores_may_differ() -> None:
    assert not transcripts.differs(
        "1. A lecture 0:04–0:06  1.25\n", "1. A lecture 0:04–0:06  7.00\n"
    )
    assert transcripts.differs("1. A lecture 0:04–0:06  1.25\n", "1. A lecture 0:05–0:06  1.25\n")


def test_places_have_plain_names(tmp_path: Path) -> None:
    place = transcripts.Place(tmp_path)
    assert place.run("pwd") == "/home/you/video-rag"


@pytest.mark.slow
@pytest.mark.parametrize("name", transcripts.DOCUMENTS)
def test_documents_show_what_the_commands_print(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    now = transcripts.rewritten(text)
    assert transcripts.SCORE.sub("", now) == transcripts.SCORE.sub("", text)

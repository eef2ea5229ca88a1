"""`make quickstart`: a real lecture becomes a knowledge base, which answers two questions.

Everything goes through the command line, as a person would type it. It lies in `.quickstart`, a
library of its own: no setting, `.env` or library of the person who runs it takes part.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

from video_rag.cli import main as video_rag
from video_rag.settings import ALIASES
from video_rag.settings.places import PREFIX

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".quickstart"
LECTURE = "../examples/lecture.mp4"
QUESTIONS = (
    "Where should a passage be cut?",
    "关键词检索最擅长找什么？",
)

NEXT = """\
What next?
  .venv/bin/video-rag --help                     every command
  .venv/bin/video-rag add talk.mp4 ~/Lectures    your own videos (library: ~/.video-rag)
  .venv/bin/video-rag ask "…"                    and questions about them
  .venv/bin/video-rag serve                      the same as a page in the browser
  docs/tutorial.md · docs/tutorial.zh-CN.md      ten minutes, step by step
This sample lies in .quickstart alone; `rm -r .quickstart` takes it away."""


def step_inside() -> None:
    """Go to `.quickstart` and forget every setting of video-rag but that library."""
    HOME.mkdir(exist_ok=True)
    os.chdir(HOME)
    for name in list(os.environ):
        if name.upper().startswith(PREFIX) or name in ALIASES:
            del os.environ[name]
    os.environ |= {"VIDEO_RAG_HOME": str(HOME), "VIDEO_RAG_SECRETS_DIR": str(HOME)}


def run(*arguments: str) -> None:
    """Show a command and run it; stop when it fails."""
    shown = " ".join(w if re.fullmatch(r"[\w./-]+", w) else f'"{w}"' for w in arguments)
    print(f"\n$ video-rag {shown}", flush=True)
    if code := video_rag(arguments):
        sys.exit(code)


def tell_what_was_made() -> None:
    """Name the files that a person may want to open."""
    pages = sorted((HOME / "documents").glob("*.md"))
    size = sum(path.stat().st_size for path in HOME.rglob("*") if path.is_file())
    print(f"\nMade in {HOME.relative_to(ROOT)}/ ({size / 1e6:.1f} MB):")
    for page in pages:
        print(f"  {page.relative_to(ROOT)}   the lecture to read, with its slides")
    print(f"  {(HOME / 'library.db').relative_to(ROOT)}   what is known and done")


def main() -> None:
    """Add, list, ask twice."""
    begun = time.monotonic()
    step_inside()
    print(f"The sample lecture goes into a library of its own, {HOME.relative_to(ROOT)}/.")
    run("add", LECTURE)
    run("list")
    tell_what_was_made()
    for question in QUESTIONS:
        run("ask", question)
    print(f"\nDone in {time.monotonic() - begun:.1f} s.\n\n{NEXT}")


if __name__ == "__main__":
    main()

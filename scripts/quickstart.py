"""`make quickstart`: a real lecture becomes a knowledge base, which answers two questions.

Everything goes through the command line, as a person would type it. It lies in `.quickstart`, a
library of its own: no setting, `.env` or library of the person who runs it takes part.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from video_rag.settings import ALIASES, PREFIX

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".quickstart"
COMMAND = Path(sys.executable).with_name("video-rag")
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


def environment() -> dict[str, str]:
    """The environment without settings of video-rag, and with this library."""
    names = {name for name in os.environ if name.upper().startswith(PREFIX)} | set(ALIASES)
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return {**kept, "VIDEO_RAG_HOME": str(HOME), "VIDEO_RAG_SECRETS_DIR": str(HOME / "none")}


def run(*arguments: str) -> None:
    """Show a command and run it in `.quickstart`; stop when it fails."""
    shown = " ".join(f'"{word}"' if " " in word or "?" in word else word for word in arguments)
    print(f"\n$ video-rag {shown}", flush=True)
    done = subprocess.run([COMMAND, *arguments], cwd=HOME, env=environment(), check=False)
    if done.returncode:
        sys.exit(done.returncode)


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
    HOME.mkdir(exist_ok=True)
    print(f"The sample lecture goes into a library of its own, {HOME.relative_to(ROOT)}/.")
    run("add", LECTURE)
    run("list")
    tell_what_was_made()
    for question in QUESTIONS:
        run("ask", question)
    print(f"\nDone in {time.monotonic() - begun:.1f} s.\n\n{NEXT}")


if __name__ == "__main__":
    main()

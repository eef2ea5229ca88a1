"""Runs the commands shown in the documents: `python scripts/transcripts.py [--check]`.

In a `console` block after `<!-- run -->` every line `$ command` is run, and what it prints is
written below it. With `--check` nothing is written, and the exit code is 1 when a document shows
something else. Each document begins with an empty library and a folder in which `examples/` lies;
both have plain names in what is shown.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("README.md", "README.zh-CN.md", "docs/tutorial.md", "docs/tutorial.zh-CN.md")
BLOCK = re.compile(r"(<!-- run -->\n```console\n)(.*?)(```)", re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)$", re.MULTILINE)
SCORE = re.compile(r"  \d+\.\d\d$", re.MULTILINE)
"""Scores move with every improvement of the ranking; a check leaves them out."""
PLACE = "/home/you/video-rag"


class Place:
    """A folder to run commands in, as a person with nothing but a checkout would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "video-rag"
        self.folder.mkdir()
        (self.folder / "examples").symlink_to(ROOT / "examples")
        self.home = folder / "home"
        self.home.mkdir()

    def run(self, command: str) -> str:
        """What a command prints, errors included."""
        words = shlex.split(command)
        if words[0] == "video-rag":
            words = [sys.executable, "-m", "video_rag", *words[1:]]
        done = subprocess.run(
            words,
            cwd=self.folder,
            env={"HOME": str(self.home), "PATH": os.environ["PATH"], "COLUMNS": "100"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        shown = done.stdout.replace(str(self.folder), PLACE).replace(str(self.home), "/home/you")
        return "\n".join(line.rstrip() for line in shown.strip("\n").splitlines())


def rewritten(text: str) -> str:
    """A document with the output that its commands have now."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder).resolve())

        def block(match: re.Match[str]) -> str:
            commands = COMMAND.findall(match.group(2))
            shown = [f"$ {command}\n{place.run(command)}".rstrip() for command in commands]
            return match.group(1) + "\n\n".join(shown) + "\n" + match.group(3)

        return BLOCK.sub(block, text)


def differs(old: str, new: str) -> bool:
    """Whether two documents show something else, scores aside."""
    return SCORE.sub("", old) != SCORE.sub("", new)


def main(arguments: list[str]) -> int:
    """Write or check the documents; the exit code."""
    code = 0
    for path in [ROOT / name for name in DOCUMENTS]:
        old = path.read_text(encoding="utf-8")
        new = rewritten(old)
        if not differs(old, new):
            continue
        name = path.relative_to(ROOT)
        if "--check" in arguments:
            print(f"{name} shows other output than its commands have: run make docs")
            code = 1
        else:
            path.write_text(new, encoding="utf-8")
            print(f"wrote {name}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

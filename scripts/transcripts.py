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
import shutil
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
        self.home = folder / "home"
        self._first: dict[str, tuple[str, Path]] = {}
        """What a command prints in an empty place, and a copy of the home that it leaves."""
        self.clear()

    def clear(self) -> None:
        """Begin anew: an empty library, and nothing but `examples/` in the folder."""
        for folder in (self.folder, self.home):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        (self.folder / "examples").symlink_to(ROOT / "examples")
        self._is_empty = True

    def run(self, command: str) -> str:
        """What a command prints, errors included. The first one is slow, so it is remembered."""
        was_empty, self._is_empty = self._is_empty, False
        if was_empty and command in self._first:
            shown, copy = self._first[command]
            shutil.copytree(copy, self.home, dirs_exist_ok=True, symlinks=True)
            return shown
        shown = self._run(command)
        if was_empty:
            copy = self.home.with_name(f"home-{len(self._first)}")
            shutil.copytree(self.home, copy, symlinks=True)
            self._first[command] = (shown, copy)
        return shown

    def _run(self, command: str) -> str:
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


def rewritten(text: str, place: Place) -> str:
    """A document with the output that its commands have now."""

    def block(match: re.Match[str]) -> str:
        commands = COMMAND.findall(match.group(2))
        shown = [f"$ {command}\n{place.run(command)}".rstrip() for command in commands]
        return match.group(1) + "\n\n".join(shown) + "\n" + match.group(3)

    place.clear()
    return BLOCK.sub(block, text)


def differs(old: str, new: str) -> bool:
    """Whether two documents show something else, scores aside."""
    return SCORE.sub("", old) != SCORE.sub("", new)


def outdated() -> dict[Path, str]:
    """The documents that show something else than their commands print, as they should be."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder).resolve())
        for path in [ROOT / name for name in DOCUMENTS]:
            old = path.read_text(encoding="utf-8")
            new = rewritten(old, place)
            if differs(old, new):
                found[path] = new
    return found


def main(arguments: list[str]) -> int:
    """Write or check the documents; the exit code."""
    found = outdated()
    for path, text in found.items():
        name = path.relative_to(ROOT)
        if "--check" in arguments:
            print(f"{name} shows other output than its commands have: run make docs")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return 1 if found and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

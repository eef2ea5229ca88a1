"""Fails when a file has grown too long to be one idea.

The limit is 400 lines, and 320 in the wings; a file there that is longer says why in its docstring,
with the word "lines".
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "scripts", "benchmarks", "examples")
LIMIT = 400
WING_LIMIT = 320
WINGS = (
    "model",
    "text",
    "evidence",
    "net",
    "settings",
    "library",
    "sources/ytdlp",
    "knowledge/dify",
)
WINGS += ("knowledge/embedded",)


def too_long(root: Path = ROOT) -> list[str]:
    """The Python files over their limit, each with its length."""
    files = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))
    found = []
    for path in files:
        text = path.read_text(encoding="utf-8")
        length, limit = len(text.splitlines()), _limit(path, text, root)
        if length > limit:
            found.append(f"{path.relative_to(root)}: {length} lines, {limit} are allowed")
    return found


def _limit(path: Path, text: str, root: Path) -> int:
    wings = [root / "src" / "video_rag" / wing for wing in WINGS]
    is_in_wing = any(path.is_relative_to(wing) for wing in wings)
    says_why = is_in_wing and "lines" in (ast.get_docstring(ast.parse(text)) or "").split()
    return WING_LIMIT if is_in_wing and not says_why else LIMIT


if __name__ == "__main__":
    found = too_long()
    print("\n".join([*found, f"{len(found)} files are too long"]))
    sys.exit(1 if found else 0)

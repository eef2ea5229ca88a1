"""Fails when a file has grown too long to be one idea: the limit is 400 lines."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "scripts", "benchmarks", "examples")
LIMIT = 400


def too_long(root: Path = ROOT) -> list[str]:
    """The Python files over the limit, each with its length."""
    files = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    return [f"{p.relative_to(root)}: {n} lines" for p, n in lengths.items() if n > LIMIT]


if __name__ == "__main__":
    found = too_long()
    print("\n".join([*found, f"{len(found)} files over {LIMIT} lines"]))
    sys.exit(1 if found else 0)

"""Which library this is: an id that its documents carry where several libraries publish.

It stands in a file of the home, and in the ledger beside it: who loses one still has the other.
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path

from video_rag import private

FILE = "library.id"
_ID = re.compile(r"[0-9a-f]{32}")


def known(home: Path) -> str:
    """The id in the file; empty when there is none, or no longer one."""
    try:
        found = (home / FILE).read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""
    return found if _ID.fullmatch(found) else ""


def keep(home: Path, library_id: str) -> None:
    """Write the file. Raises as `disk.told` does."""
    private.write(home / FILE, f"{library_id}\n".encode())


def make(home: Path) -> str:
    """The id; a new one in a home that has none. Of several processes one's counts for all.

    Raises as `disk.told` does.
    """
    if found := known(home):
        return found
    private.make(home / FILE, f"{(library_id := uuid.uuid4().hex)}\n".encode())
    if not known(home):  # what is there is no id
        keep(home, library_id)
    return known(home)

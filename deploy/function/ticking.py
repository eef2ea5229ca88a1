"""What the functions of every cloud do: one `tick` that works nothing off itself.

It looks at lists that are due and hands over to the workers what is; they do the rest. Settings
come from the environment of the function: README.md beside this file.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from typing import Any

from video_rag import Library, load_settings
from video_rag.errors import VideoRagError
from video_rag.operations.tick import tick
from video_rag.settings.redaction import redact, redact_urls

MARGIN_SECONDS = 15.0
"""A list is still read to its end when the time is over: so long before that nothing is begun."""


class Failed(RuntimeError):
    """The tick could not be done: the cloud counts an error, and calls again at the next time."""


def tick_within(seconds: float) -> dict[str, Any]:
    """Do one tick in at most about so many seconds; returns what it did, ready for JSON.

    What there was no time for stays due. Raises `Failed` with one line of what happened and what
    to do.
    """
    end = time.monotonic() + max(seconds - MARGIN_SECONDS, 0.0)
    try:
        with closing(Library(load_settings())) as library:
            ticked = tick(library, works=False, is_over=lambda: time.monotonic() >= end)
    except VideoRagError as error:
        hint = f" ({redact_urls(error.hint)})" if error.hint else ""
        raise Failed(f"{redact(str(error))}{hint}") from None
    told: dict[str, Any] = {"summary": str(ticked), **ticked.row}
    print(json.dumps(told, ensure_ascii=False))  # the function's log
    return told

"""Server-sent events: what is known is sent at once, as lines of JSON."""

from __future__ import annotations

import json
from typing import Any

EVENTS = "text/event-stream"
AT_ONCE = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""No proxy keeps a piece back until there are more."""


def event_of(name: str, data: Any) -> str:
    """One event; JSON has no line breaks, which would end the data."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"

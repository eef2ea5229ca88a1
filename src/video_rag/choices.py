"""What videos are chosen and sorted by, without importing what knows it."""

from __future__ import annotations

from typing import Literal

State = Literal["ready", "working", "waiting", "failed", "queued"]
"""How far a video is."""

Sort = Literal[
    "added", "-added", "title", "-title", "duration", "-duration", "published", "-published"
]
"""What videos are sorted by; `-` puts the greatest first."""

RequestKind = Literal[
    "add",
    "retry",
    "check",
    "publish",
    "export",
    "discover",
    "process",
    "verify",
    "report",
    "doctor",
    "sweep",
]
"""What can be asked for; those from `discover` on are the steps of a schedule."""

Change = Literal["", "new", "updated"]
"""What working on a video brought: it is in the knowledge bases for the first time, or with other
content than before."""

RequestState = Literal["queued", "working", "done", "failed", "cancelled"]
"""How far a request is."""

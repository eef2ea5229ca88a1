"""The ids of backups, which are moments in UTC, and moments as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from video_rag.errors import UsageError

_DAY = re.compile(r"\d{4}-?\d\d-?\d\d")


def new_id(now: datetime) -> str:
    """The id of a backup that is made now; ids sort by time."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z"


def moment(text: str) -> str:
    """The id up to which backups are as old as a date or time, by this machine's clock.

    A day counts to its end. Raises `UsageError`.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{text!r} is no date", hint="write 2026-11-27, 2026-11-27T18:30, or a backup's id"
        ) from None
    if _DAY.fullmatch(text.strip()):
        return new_id(found + timedelta(days=1))
    return new_id(found if found.microsecond else found.replace(microsecond=999_000))

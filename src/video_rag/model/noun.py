"""What every noun is made of: a frozen value, and fields that came later."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Noun(BaseModel):
    """A frozen value; equal content means equal value."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Later = Annotated[str, Field(exclude_if=lambda text: not text)]
"""A field that came later: an empty one is not stored, so what was stored keeps its digest."""


Told = Annotated[str | None, Field(exclude_if=lambda text: text is None)]
"""The same, for what may be unknown."""


Share = Annotated[float | None, Field(exclude_if=lambda share: share is None)]
"""The same, for a part of a whole."""


IsSo = Annotated[bool, Field(exclude_if=lambda is_so: not is_so)]
"""The same, for what is mostly not so."""


Others = Annotated[tuple[str, ...], Field(exclude_if=lambda names: not names)]
"""Further names, sorted. None are not stored, so that what was stored before keeps its digest."""

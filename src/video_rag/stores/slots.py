"""What a clock remembers: when each thing of a schedule was last begun, and whether it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Slot:
    """The last time that one thing of a schedule was begun."""

    name: str
    at: float
    """When (epoch seconds, the ledger's clock)."""
    is_done: bool = True
    """Whether it ended; else its clock is at it, or died."""
    attempts: int = 0
    """How often it was begun without coming to an end."""


class Slots(Protocol):
    """The slots of a ledger. Every method is one transaction."""

    def get(self, name: str) -> Slot | None:
        """The last slot of this name; None before the first."""

    def all(self) -> list[Slot]:
        """The last slot of every name."""

    def keep(self, seen: Slot | None, new: Slot) -> bool:
        """Put a slot in the place of the one that was seen; false when that is another now."""

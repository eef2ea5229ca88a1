"""What was searched for and asked, for `report retrieval`: kept for some days, then forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["search", "ask"]
Outcome = Literal["found", "nothing", "refused", "failed"]
"""`refused`: the answerer found no support; `failed`: an error ended it."""


@dataclass(frozen=True)
class Asked:
    """One search or question. Who asked is told by no more than the name of an API key."""

    at: float
    """Seconds since the epoch."""
    kind: Kind
    text: str
    """Without secrets, and no longer than a few sentences."""
    collection: str
    """"": the whole library."""
    base: str
    """The knowledge base that was searched."""
    outcome: Outcome
    found: int
    """Passages of a search, citations of an answer."""
    seconds: float
    asked_by: str = ""
    request_id: str = ""


class Questions(Protocol):
    """The questions of a ledger. Every method is one transaction."""

    def keep(self, asked: Sequence[Asked], not_before: float) -> None:
        """Keep some, and forget those from before that time (epoch), and all but the latest."""

    def since(self, at: float) -> Iterator[Asked]:
        """Those that were asked at that time or later, the latest first."""

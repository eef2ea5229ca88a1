"""`report retrieval`: what was searched for and asked, what was found and what was not."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import get_args

from video_rag.library import Library
from video_rag.operations.rows import Row
from video_rag.stores.owner import now
from video_rag.stores.questions import Asked, Outcome

MOST = 20
"""Questions that each list names."""
_DAY = 86_400.0
_KINDS = ("search", "ask")
_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_SLOW = 0.95
"""The share of questions that took no longer than what is called slow."""


@dataclass
class _Alike:
    """One question, however often and with whichever capitals it was asked."""

    text: str
    last: Asked
    outcomes: Counter[str] = field(default_factory=Counter)

    def row(self) -> Row:
        """A line of the report; the time is ISO 8601 in UTC."""
        moment = dt.datetime.fromtimestamp(self.last.at, dt.UTC)
        return {
            "text": self.text,
            "times": self.outcomes.total(),
            "not_found": self.outcomes.total() - self.outcomes["found"],
            "last": moment.isoformat(timespec="seconds"),
            "last_outcome": self.last.outcome,
            "collection": self.last.collection or None,
        }


def retrieval(library: Library, days: int) -> Row:
    """What was asked in the last so many days, as a JSON value; times are seconds."""
    asked = list(library.ledger.questions.since(now() - days * _DAY))
    alike = _alike(asked)
    often = sorted(alike, key=lambda one: -one.outcomes.total())
    lost = [one for one in alike if one.last.outcome != "found"]
    lost.sort(key=lambda one: one.row()["not_found"], reverse=True)
    return {
        "days": days,
        "kept_days": library.settings.ask.keep_days,
        "total": len(asked),
        "questions": {kind: _counted(asked, kind) for kind in _KINDS},
        "seconds": {kind: _seconds([one for one in asked if one.kind == kind]) for kind in _KINDS},
        "by_collection": _many(one.collection or "(all)" for one in asked),
        "by_key": _many(one.asked_by or "(none)" for one in asked),
        "not_found": [one.row() for one in lost[:MOST]],
        "most_asked": [one.row() for one in often[:MOST]],
        "advice": _advice(library, asked, lost),
    }


def _alike(asked: Iterable[Asked]) -> list[_Alike]:
    """Questions that differ in no more than capitals, spaces and marks at the end, together."""
    found: dict[tuple[str, str], _Alike] = {}
    for one in asked:
        name = " ".join(one.text.casefold().split()).rstrip("?？!！.。 "), one.collection
        found.setdefault(name, _Alike(one.text, one)).outcomes[one.outcome] += 1
    return list(found.values())


def _counted(asked: Sequence[Asked], kind: str) -> Row:
    many = Counter(one.outcome for one in asked if one.kind == kind)
    return {outcome: many[outcome] for outcome in _OUTCOMES}


def _seconds(asked: Sequence[Asked]) -> Row:
    """The middle and the slow end of how long it took; None where nothing was asked."""
    taken = sorted(one.seconds for one in asked)
    if not taken:
        return {"median": None, "slow": None}
    slow = taken[min(len(taken) - 1, int(len(taken) * _SLOW))]
    return {"median": taken[len(taken) // 2], "slow": slow}


def _many(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common(MOST))


def _advice(library: Library, asked: Sequence[Asked], lost: Sequence[_Alike]) -> list[str]:
    if not library.settings.ask.keep_days:
        return ["nothing is kept: set [ask] keep_days to more than 0"]
    if not asked:
        return []
    said = []
    failed = sum(one.outcome == "failed" for one in asked)
    if failed:
        said.append(f"{failed} failed: `video-rag doctor` looks whether all that is needed is up")
    share = 1 - sum(one.outcome == "found" for one in asked) / len(asked)
    if lost and share > 0.2:
        said.append(
            f"{share:.0%} found nothing: add videos about what is listed, or names of the same "
            "thing in [search] synonyms"
        )
    return said

"""What stages leave: results, and failures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """A named result of a video: what it is (`digest`) and what it was made from (`key`)."""

    digest: str
    key: str
    value: str | None = None
    """A fact, as JSON: small, and kept by the ledger itself. None for what is a blob."""


@dataclass(frozen=True)
class Failure:
    """Why a stage failed for the inputs named by `key`; `due` is when to try again (epoch)."""

    stage: str
    key: str
    error: str
    message: str
    hint: str
    attempts: int
    due: float | None
    reason: str = ""
    """One word, of errors about web sites: see docs/reference/errors.md."""

"""What is published where, and what would change: rows for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from video_rag.errors import BadSettings
from video_rag.knowledge import INDEXED, Holding
from video_rag.library import Library
from video_rag.operations.rows import Row
from video_rag.pipeline.publishing import UNKNOWN, Change, Outcome
from video_rag.settings import Settings
from video_rag.settings.redaction import redact, redact_urls

ORPHANS = {
    "ours": ("orphan", "the library does not have it: publish --prune removes it"),
    "another's": ("other", "another library published it: it is left alone"),
    "unknown": ("unknown", UNKNOWN),
}
"""State and words of what is there and not in the library, by whose it is."""


def default_base(settings: Settings) -> str:
    """Where `publish` goes without `--to`: the only base beside the embedded one.

    Raises `BadSettings` when there is none, or several.
    """
    names = [name for name in settings.knowledge if name != "embedded"]
    if len(names) == 1:
        return names[0]
    if not names:
        raise BadSettings(
            "no knowledge base to publish to; the embedded one is always kept up to date",
            hint="set up [knowledge.dify] (base_url, api_key), or name one with --to",
        )
    raise BadSettings("several knowledge bases to choose from", hint="--to " + ", ".join(names))


def ready(library: Library) -> list[str]:
    """The videos that have a document."""
    rows = library.ledger.all_results().items()
    return [video_id for video_id, results in rows if "document" in results]


def changes(
    library: Library, base: str, video_ids: Sequence[str], *, prune: bool, force: bool
) -> Iterator[Change]:
    """What publishing these videos would do."""
    known = set(library.ledger.video_ids())
    work = library.publishing(base)
    return work.changes(video_ids, known=known, prune=prune, force=force)


def outcome_row(outcome: Outcome) -> Row:
    """One document of a bulk."""
    error = outcome.error
    return {
        "video_id": outcome.change.document_id,
        "action": outcome.change.action,
        "reason": outcome.change.reason,
        "error": redact(str(error)) if error else None,
        "hint": redact_urls(error.hint) if error else None,
    }


def status_rows(library: Library, base: str) -> list[Row]:
    """Every video of the library or of the base, each once: how it is there, and what is wrong."""
    held = {
        found.document_id: found for found in library.parts.knowledge(base).holdings(thorough=True)
    }
    wanted = ready(library)
    rows = [
        _row(video_id, held.get(video_id), _outdated(library, base, video_id, held))
        for video_id in wanted
    ]
    orphans = sorted(held.keys() - set(library.ledger.video_ids()))
    return rows + [_row(id_, held[id_], ORPHANS[held[id_].whose]) for id_ in orphans]


def _outdated(
    library: Library, base: str, video_id: str, held: dict[str, Holding]
) -> tuple[str, str] | None:
    """Whether the base has another version than the library."""
    found = held.get(video_id)
    if found is None or found.state != INDEXED or not found.revision:
        return None
    document, chunks = library.passages(video_id)
    if library.parts.knowledge(base).revision(document, chunks) == found.revision:
        return None
    return "outdated", "the library has another version: publish again"


def _row(video_id: str, found: Holding | None, other: tuple[str, str] | None) -> dict[str, Any]:
    if found is None:
        problem = "it is not there: publish it"
        return _fields(video_id, (), "missing", None, "", problem)
    state, problem = other if other and found.state == INDEXED else (found.state, found.problem)
    return _fields(video_id, found.remote_ids, state, found.segments, found.revision, problem)


def _fields(
    video_id: str,
    remote_ids: Sequence[str],
    state: str,
    segments: int | None,
    revision: str,
    problem: str,
) -> Row:
    return {
        "video_id": video_id,
        "document_ids": list(remote_ids),
        "state": state,
        "segments": segments,
        "revision": revision,
        "problem": problem,
    }

"""What a question looks for, as an expression of FTS5."""

from __future__ import annotations

from collections.abc import Iterable

from video_rag.knowledge import ranking

_FREQUENT = 0.2
"""A term that stands in more than this share of the passages finds no candidates on its own."""


def match_expression(wanted: ranking.Wanted) -> str:
    """The FTS5 expression that finds candidates: every term quoted, frequent ones left out.

    Stop-words beside words that say more find none either.
    """
    strong = [wish for wish in wanted.words if wish.weight == 1] or wanted.words
    words = dict.fromkeys(term for wish in strong for term in wish.terms)
    parts = []
    for columns, terms_, column in (
        ("{words near}", list(words), wanted.word_field),
        ("characters", wanted.characters, wanted.character_field),
    ):
        seen, most = column.frequencies, _FREQUENT * column.texts
        rare = [term for term in terms_ if seen[term] <= most]
        chosen = rare if any(seen[term] for term in rare) else terms_
        if chosen:
            parts.append(f"{columns} : ({any_of(chosen)})")
    return " OR ".join(parts)


def any_of(terms: Iterable[str]) -> str:
    """Any of these terms, each quoted."""
    return " OR ".join(f'"{term}"' for term in terms)

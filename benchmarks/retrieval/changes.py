# ruff: noqa: ARG001, SLF001 — leaving a rule out reaches inside
"""Measures what each rule about words does: each left out in turn, in index and question.

.venv/bin/python benchmarks/retrieval/changes.py
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from corpus import CORPUS, SETS, documents
from run import base, figures

from video_rag import Library
from video_rag.answerers import Done
from video_rag.library.evaluate import evaluate
from video_rag.model import Question
from video_rag.settings import load_settings
from video_rag.text import asking, numbers, reading, synonyms, tokens
from video_rag.text.reading import Token

CASES = CORPUS.parent / "cases" / "questions"
CACHES = (tokens._indexed, reading._word)


def main() -> None:
    print("| left out | corpus en | corpus zh | q1, of 67 | q3, of 11 |\n|---|---|---|---|---|")
    for name, patches in changes():
        with ExitStack() as stack:
            for patched in patches:
                stack.enter_context(patched)
            for cache in CACHES:
                cache.cache_clear()
            made = list(documents())
            with base(made) as ours:
                videos = [document.video for document in made]
                score = evaluate(SETS["corpus"], ours.search, videos)["by_language"]
            cells = [figures(score["en"]), figures(score["zh"]), *answered("q1", "q3")]
            print(f"| {name} | {' | '.join(map(str, cells))} |", flush=True)


def changes() -> Iterator[tuple[str, list[Any]]]:
    """What is left out, and how that is done."""
    yield "nothing", []
    yield "stop-words in the question", [patch.object(asking, "_named", telling)]
    yield "their small weight: they count as any word", [patch.object(asking, "WEAK", 1.0)]
    yield "capitals that make a name of a stop-word", [patch.object(reading, "name_of", same)]
    yield "words as a whole beside their parts", [patch.object(reading, "_joined", parted)]
    yield "numbers apart from units", [patch.object(reading, "_RUN", re.compile(".+"))]
    yield "numbers that are words", [patch.object(reading, "_counted", uncounted)]
    yield "一二三 as digits", [patch.object(numbers, "CHINESE_NUMBER", re.compile("(?!)"))]
    yield "synonyms", [patch.object(synonyms, "_built_in", tuple)]


def same(token: Token) -> Token:
    return token


def parted(run: list[str], is_camel: bool) -> Any:
    return tuple(token for part in run for token in reading._one_word(part))


def uncounted(found: Any) -> Iterator[Token]:
    return (one if isinstance(one, Token) else Token((one,)) for one in found)


def telling(text: str, found: list[Token]) -> list[Token]:
    return [token for token in found if not token.stop]


@contextmanager
def library() -> Iterator[Library]:
    with tempfile.TemporaryDirectory() as home:
        found = Library(load_settings({"home": home, "pipeline": {"transcribers": ["subtitles"]}}))
        list(found.add([str(CASES / file) for file in ("facts.srt", "units.srt")]))
        yield found
        found.close()


def answered(*names: str) -> list[int]:
    """How many questions of each set have the right words in their first quote."""
    with library() as found:
        return [sum(holds(found, *row.split("\t")) for row in rows(name)) for name in names]


def rows(name: str) -> list[str]:
    text = (CASES / f"{name}.txt").read_text(encoding="utf-8")
    return [row for row in text.splitlines() if "\t" in row]


def holds(found: Library, question: str, words: str) -> bool:
    *_, last = found.ask(Question(text=question))
    citations = last.answer.citations if isinstance(last, Done) else ()
    first = citations[0].quote if citations else ""
    return words.casefold() in first.casefold()


if __name__ == "__main__":
    main()

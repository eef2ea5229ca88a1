"""Judges answers against the places that are right, and against the subtitle files themselves.

.venv/bin/python benchmarks/answers/judge.py build/answers/extractive.jsonl [--each]

No model judges. `--each` adds a line for every question that was not answered as it should be.
"""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

HERE = Path(__file__).resolve().parent
CORPUS = HERE.parents[2] / "shared" / "corpus"
QUESTIONS = HERE / "questions.jsonl"

TOLERANCE = 2.0
"""Seconds by which a citation may miss a place: the languages of a lecture differ by so much."""
WORD_FOR_WORD = 12
"""A sentence has at least so many letters, a Chinese character being three, to be one that is
found word for word by more than chance."""

Line = Mapping[str, Any]
Lines = Sequence[tuple[float, float, str]]


@dataclass(frozen=True)
class Verdict:
    """How one question was answered."""

    language: str
    answerable: bool
    is_answered: bool
    """There is a line for it."""
    refused: bool = True
    right_among: bool = False
    right_first: bool = False
    error: float | None = None
    """Seconds from the start of the nearest place to that of the first citation, when that is of
    the right video."""
    citations: int = 0
    holding: int = 0
    """Citations whose words stand in the subtitle file at that time."""
    thrown_away: tuple[str, ...] = ()
    """Sentences that the check took out though a lecture says them word for word."""
    seconds: float = 0.0


def verdict(question: Line, result: Line | None, corpus: Corpus) -> Verdict:
    """Judge one answer; without a line for it, an answerable question counts as missed."""
    language, answerable = question["language"], question["answerable"]
    if result is None:
        return Verdict(language, answerable, is_answered=False)
    places, cited = question["places"], result["citations"]
    right = [any(is_right(one, place) for place in places) for one in cited]
    starts = (
        [abs(cited[0]["start"] - p["start"]) for p in places if _same(cited[0], p)] if cited else []
    )
    return Verdict(
        language,
        answerable,
        is_answered=True,
        refused=result["refused"] or not cited,
        right_among=not result["refused"] and any(right),
        right_first=not result["refused"] and right[:1] == [True],
        error=min(starts, default=None),
        citations=len(cited),
        holding=sum(corpus.holds(one) for one in cited),
        thrown_away=tuple(filter(corpus.says, gone(result["said"], result["answer"]))),
        seconds=result["seconds"],
    )


def is_right(citation: Line, place: Line) -> bool:
    """Whether a citation shows a place: it overlaps it, give or take the tolerance."""
    within = (
        citation["start"] - TOLERANCE < place["end"]
        and place["start"] < citation["end"] + TOLERANCE
    )
    return _same(citation, place) and within


def _same(citation: Line, place: Line) -> bool:
    track = place.get("track", citation["track"])
    return bool(citation["video"] == place["video"] and citation["track"] == track)


def gone(said: str, answer: str) -> list[str]:
    """The sentences of a reply that are not in the answer."""
    kept = letters(answer)
    sentences = re.split(r"(?<=[。！？])|(?<=[.!?])\s+|\n+", _MARK.sub("", said))
    return [one.strip() for one in sentences if letters(one) and letters(one) not in kept]


_MARK = re.compile(r"[\[［【]\s*\d+(?:\s*[,，、]\s*\d+)*\s*[\]］】]")


def letters(text: str) -> str:
    """Letters and digits alone."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


class Corpus:
    """The subtitle files, read here by a reader of their own: the library's may be wrong."""

    def __init__(self, files: Mapping[tuple[str, str], Lines]) -> None:
        """`files`: (video, track) → lines as (start, end, text)."""
        self._files = files
        self._whole = [letters("".join(text for _, _, text in lines)) for lines in files.values()]

    def holds(self, citation: Line) -> bool:
        """Whether the quoted words stand in that file between these times."""
        lines = self._files.get((citation["video"], citation["track"]), ())
        first, last = citation["start"] - 0.5, citation["end"] + 0.5
        there = "".join(text for start, end, text in lines if start >= first and end <= last)
        return bool(letters(citation["quote"])) and letters(citation["quote"]) in letters(there)

    def says(self, sentence: str) -> bool:
        """Whether a file has the sentence word for word."""
        bare = letters(sentence)
        width = sum(3 if "\u3400" <= character <= "\u9fff" else 1 for character in bare)
        return width >= WORD_FOR_WORD and any(bare in whole for whole in self._whole)


def read_corpus(folder: Path) -> Corpus:
    """All files of a folder, or of its folders for languages."""
    files = {(path.stem, path.parent.name): read(path) for path in sorted(folder.glob("*/*.srt"))}
    return Corpus(files)


_CUE = re.compile(r"(\S+) --> (\S+)[^\n]*\n(.*?)(?=\n\s*\n|\Z)", re.DOTALL)


def read(path: Path) -> Lines:
    """The lines of an SRT file, in the plain form that all files of the corpus have."""
    text = path.read_text("utf-8-sig").replace("\r", "")
    return [(_seconds(cue[1]), _seconds(cue[2]), cue[3]) for cue in _CUE.finditer(text)]


def _seconds(clock: str) -> float:
    """Of 00:01:04,560; some files have parts of a millisecond after that."""
    hours, minutes, seconds = clock.split(":")
    whole, _, milliseconds = seconds.partition(",")
    return int(hours) * 3600 + int(minutes) * 60 + int(whole) + float(milliseconds or 0) / 1000


Row = tuple[str, Callable[[Sequence[Verdict]], str]]


def _of(verdicts: Iterable[Verdict], answerable: bool) -> list[Verdict]:
    return [one for one in verdicts if one.answerable is answerable]


def _share(count: int, whole: int) -> str:
    return f"{count} of {whole} ({count / whole:.0%})" if whole else "–"


def _figure(values: Sequence[float], form: Callable[[Sequence[float]], float]) -> str:
    return f"{form(values):.1f}" if values else "–"


ROWS: tuple[Row, ...] = (
    (
        "first citation answers (answerable ones; a refusal is a miss)",
        lambda all_: _share(sum(v.right_first for v in _of(all_, True)), len(_of(all_, True))),
    ),
    (
        "right place among the citations",
        lambda all_: _share(sum(v.right_among for v in _of(all_, True)), len(_of(all_, True))),
    ),
    (
        "wrongly refused",
        lambda all_: _share(
            sum(v.is_answered and v.refused for v in _of(all_, True)), len(_of(all_, True))
        ),
    ),
    (
        "rightly refused (unanswerable ones)",
        lambda all_: _share(
            sum(v.is_answered and v.refused for v in _of(all_, False)), len(_of(all_, False))
        ),
    ),
    (
        "citations that hold",
        lambda all_: _share(sum(v.holding for v in all_), sum(v.citations for v in all_)),
    ),
    (
        "time error of the first citation, median seconds (right video)",
        lambda all_: _figure(
            [v.error for v in _of(all_, True) if v.error is not None and not v.refused], median
        ),
    ),
    (
        "sentences taken out that a lecture says word for word",
        lambda all_: str(sum(len(v.thrown_away) for v in all_)),
    ),
    (
        "seconds per question",
        lambda all_: _figure([v.seconds for v in all_ if v.is_answered], mean),
    ),
    ("without an answer yet", lambda all_: str(sum(not v.is_answered for v in all_))),
)


def table(verdicts: Sequence[Verdict]) -> str:
    """The figures by language and together, as Markdown."""
    languages = sorted({one.language for one in verdicts})
    columns = [[one for one in verdicts if one.language == name] for name in languages]
    lines = [f"| | {' | '.join([*languages, 'all'])} |", "|---" * (len(columns) + 2) + "|"]
    for name, form in ROWS:
        lines.append(f"| {name} | {' | '.join(form(part) for part in [*columns, verdicts])} |")
    return "\n".join(lines)


def wrong(question: Line, one: Verdict, result: Line | None) -> str:
    """What is wrong with an answer; empty when it is as it should be."""
    first = (result or {}).get("citations") or [{}]
    said = f"{question['id']} {question['question']}"
    if not one.is_answered:
        return ""
    if one.thrown_away:
        return f"{said}: thrown away: {' '.join(one.thrown_away)}"
    if not one.answerable:
        return "" if one.refused else f"{said}: answered: {first[0]['quote'][:100]}"
    if one.refused:
        return f"{said}: refused"
    if one.right_first:
        return ""
    where = f"{first[0]['video']} {first[0]['start']:.0f}"
    return (
        f"{said}: {'not first' if one.right_among else 'missed'}: {where} {first[0]['quote'][:100]}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--questions", type=Path, default=QUESTIONS)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--each", action="store_true")
    given = parser.parse_args()
    corpus = read_corpus(given.corpus)
    results = {
        one["id"]: one for one in map(json.loads, given.results.read_text("utf-8").splitlines())
    }
    questions = [json.loads(line) for line in given.questions.read_text("utf-8").splitlines()]
    verdicts = [verdict(one, results.get(one["id"]), corpus) for one in questions]
    print(table(verdicts))
    if given.each:
        said = (
            wrong(question, one, results.get(question["id"]))
            for question, one in zip(questions, verdicts, strict=True)
        )
        print("", *filter(None, said), sep="\n")


if __name__ == "__main__":
    main()

"""Measures search on ../shared/corpus; with `--stability` also what each parameter does.

.venv/bin/python benchmarks/retrieval/run.py [--stability]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path

from corpus import SETS, documents, publish
from plain import Plain

from video_rag.chunking import ChunkOptions
from video_rag.composers.timeline import Timeline
from video_rag.knowledge import ranking
from video_rag.knowledge.embedded import Embedded
from video_rag.library.evaluate import Score, evaluate
from video_rag.model import Document, Hit, Query

Search = Callable[[Query], list[Hit]]
FIGURES = ("hit@1", "hit@5", "mrr")


def main() -> None:
    made = list(documents())
    columns = [f"{name} {language}" for name in SETS for language in ("en", "zh")]
    print(f"| | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
    print(row("plain BM25, 45 s", Plain(made).search, made))
    with base(made) as ours:
        begun = time.perf_counter()
        print(row("video-rag", ours.search, made))
        spent = (time.perf_counter() - begun) / questions()
        if "--stability" in sys.argv:
            for name, weights in perturbed():
                ours.passages().weights = weights
                print(row(name, ours.search, made))
    print(f"\n{spent * 1000:.0f} ms per question")
    if "--stability" in sys.argv:
        other_indexes(made)


def row(name: str, search: Search, made: list[Document]) -> str:
    """One line of the table: hit@1 / hit@5 / MRR@10 for every set in both languages."""
    videos = [document.video for document in made]
    scores = [evaluate(path, search, videos) for path in SETS.values()]
    cells = [figures(score["by_language"][lang]) for score in scores for lang in ("en", "zh")]
    return f"| {name} | " + " | ".join(cells) + " |"


def questions() -> int:
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in SETS.values())


def figures(score: Score) -> str:
    return " / ".join(f"{score[name]:.2f}" for name in FIGURES)


@contextmanager
def base(made: list[Document], options: ChunkOptions | None = None) -> Iterator[Embedded]:
    with tempfile.TemporaryDirectory() as folder:
        found = Embedded(Embedded.Options(), home=Path(folder))
        begun = time.perf_counter()
        passages = publish(found, made, options or ChunkOptions())
        print(f"{passages} passages in {time.perf_counter() - begun:.1f} s", file=sys.stderr)
        yield found


def perturbed() -> Iterator[tuple[str, ranking.Weights]]:
    """Each weight off, halved and doubled."""
    chosen = ranking.Weights()
    for field in fields(ranking.Weights):
        value = getattr(chosen, field.name)
        factors = (0.5, 2) if field.name == "k1" else (0, 0.5, 2)
        for factor in factors:
            changed = min(value * factor, 1.0) if field.name == "b" else value * factor
            yield f"{field.name} {changed:g}", replace(chosen, **{field.name: changed})


def other_indexes(made: list[Document]) -> None:
    """What needs another index: length and overlap of passages, context, sections."""
    for seconds, overlap in ((45, 0.5), (60, 0.5), (75, 0.5), (90, 0.33), (90, 0.67)):
        with base(made, ChunkOptions(max_seconds=seconds, overlap=overlap)) as found:
            print(row(f"passages {seconds} s, overlap {overlap:g}", found.search, made))
    chosen = ranking.NEAR_SECONDS
    for seconds in (15.0, 30.0, 60.0, 90.0):
        ranking.NEAR_SECONDS = seconds
        with base(made) as found:
            print(row(f"context {seconds:g} s", found.search, made))
    ranking.NEAR_SECONDS = chosen
    for seconds in (30.0, 45.0, 90.0):
        cut = list(documents(Timeline(Timeline.Options(topic_seconds=seconds))))
        with base(cut) as found:
            print(row(f"sections of {seconds:g} s or more", found.search, cut))


if __name__ == "__main__":
    main()

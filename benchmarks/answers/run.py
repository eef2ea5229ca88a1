"""Asks the questions of this benchmark and keeps every answer as one line.

.venv/bin/python benchmarks/answers/run.py --results build/answers/extractive.jsonl

Killed and started again with the same results, it goes on with what is not yet answered. A model's
run takes hours: `setsid nohup … >build/answers/run.log 2>&1 &`. `judge.py` makes the table.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from video_rag.answerers import Delta, Done
from video_rag.errors import BackendError
from video_rag.library import Library
from video_rag.model import Answer, Question
from video_rag.settings import load_settings

HERE = Path(__file__).resolve().parent
CORPUS = HERE.parents[2] / "shared" / "corpus"
QUESTIONS = HERE / "questions.jsonl"


def main() -> None:
    given = arguments()
    results: Path = given.results
    results.parent.mkdir(parents=True, exist_ok=True)
    done = answered(results)
    asked = [json.loads(line) for line in given.questions.read_text("utf-8").splitlines()]
    due = [one for one in asked if one["id"] not in done]
    if given.only:
        due = [one for one in due if one["id"] in given.only.split(",")]
    print(f"{len(asked)} questions, {len(done)} answered before, {len(due)} due", flush=True)
    failed = 0
    with library(given.home, given.corpus, overrides(given)) as filled:
        names = tracks(filled)
        for question in due:
            try:
                line = answer(filled, question, given, names)
            except BackendError as error:
                failed += 1
                print(f"{question['id']}: {error}", file=sys.stderr, flush=True)
                continue
            keep(results, line)
            print(f"{question['id']} {line['seconds']:.1f} s", flush=True)
    if failed:
        sys.exit(f"{failed} questions have no answer; run the same command again")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="file that answers go to")
    parser.add_argument("--answerer", default="extractive")
    parser.add_argument(
        "--option", action="append", default=[], help="NAME=VALUE of the answerer, such as model=x"
    )
    parser.add_argument("--embedder", help="search by meaning, too, such as openai")
    parser.add_argument(
        "--embedder-option", action="append", default=[], help="NAME=VALUE, such as model=x"
    )
    parser.add_argument("--home", type=Path, help="library to keep; else one for this run alone")
    parser.add_argument(
        "--limit", type=int, default=5, help="most citations; a model is given at least so many"
    )
    parser.add_argument("--only", help="ids of questions, with commas between")
    parser.add_argument("--questions", type=Path, default=QUESTIONS)
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="what is published")
    return parser.parse_args()


def overrides(given: argparse.Namespace) -> dict[str, Any]:
    options = _pairs(given.option)
    meaning = {given.embedder: _pairs(given.embedder_option)} if given.embedder else {}
    return {
        "pipeline": {"transcribers": ["subtitles"], "observers": []},
        "search": {"embedder": given.embedder, "reranker": None},
        "embedders": meaning,
        "answerers": {given.answerer: options} if options else {},
    }


def _pairs(given: Sequence[str]) -> dict[str, str]:
    return dict(option.split("=", 1) for option in given)


@contextmanager
def library(home: Path | None, corpus: Path, settings: Mapping[str, Any]) -> Iterator[Library]:
    """A library that holds the corpus. One in a home of one's own is filled once."""
    with tempfile.TemporaryDirectory() as scratch:
        place = (home or Path(scratch)).resolve()
        # what the person who runs this has set elsewhere must not count
        loaded = load_settings({"home": str(place), **settings}, env={}, cwd=Path(scratch))
        filled = Library(loaded)
        try:
            fill(filled, corpus, place / "corpus")
            yield filled
        finally:
            filled.close()


def fill(library: Library, corpus: Path, copy: Path) -> None:
    """Add the corpus, a folder for each language as one lecture is in both."""
    if not (copy.parent / "filled").is_file():
        begun = time.perf_counter()
        if corpus.is_dir():
            shutil.copytree(corpus, copy, dirs_exist_ok=True)  # it may be read-only
        else:
            copy.mkdir(exist_ok=True)
            shutil.copy(corpus, copy)
        folders = [path for path in sorted(copy.iterdir()) if path.is_dir()] or [copy]
        for item in library.add([str(folder) for folder in folders]):
            if item.status is None or item.status.state != "ready":
                sys.exit(f"{item.url}: {item.error or item.status}")
        (copy.parent / "filled").touch()
        print(f"published in {time.perf_counter() - begun:.0f} s", flush=True)


def tracks(library: Library) -> dict[str, tuple[str, str]]:
    """Each video's stem and its language."""
    found = {}
    for status in library.videos():
        video = status.video
        main = library.transcripts(video.video_id).main
        found[video.video_id] = (video.stem or video.title, main.language if main else "")
    return found


def answer(
    library: Library,
    question: Mapping[str, Any],
    given: argparse.Namespace,
    names: Mapping[str, tuple[str, str]],
) -> dict[str, Any]:
    """The line of one question. `said` is what came before the check."""
    asked = Question(text=question["question"], limit=given.limit)
    begun = time.perf_counter()
    said, last = "", Answer(answer="", refused=True)
    for event in library.ask(asked, given.answerer):
        if isinstance(event, Delta):
            said += event.text
        elif isinstance(event, Done):
            last = event.answer
    return {
        "id": question["id"],
        "answerer": given.answerer,
        "model": last.model,
        "seconds": round(time.perf_counter() - begun, 2),
        "refused": last.refused,
        "answer": last.answer,
        "said": said,
        "citations": [
            {
                "number": one.number,
                "video": names[one.video_id][0],
                "track": names[one.video_id][1],
                "start": one.start,
                "end": one.end,
                "quote": one.quote,
            }
            for one in last.citations
        ],
    }


def answered(results: Path) -> set[str]:
    """The ids in a file of results. A line that a kill cut off is taken away: it is asked again."""
    if not results.is_file():
        return set()
    text = results.read_text("utf-8", errors="replace")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        results.write_text(whole, encoding="utf-8")
    return {json.loads(line)["id"] for line in whole.splitlines()}


def keep(results: Path, line: Mapping[str, Any]) -> None:
    """Append one answer; it is on the disk before the next question is asked."""
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


if __name__ == "__main__":
    main()

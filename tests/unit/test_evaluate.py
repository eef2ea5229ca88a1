"""The scorer, before anybody trusts the score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from video_rag.errors import UsageError
from video_rag.library.evaluate import evaluate
from video_rag.model import Chunk, Hit, Query, Video


def video(video_id: str, stem: str = "", title: str = "") -> Video:
    return Video(video_id=video_id, source="folder", url="/x", title=title or stem, stem=stem)


def hit(video_id: str, start: float, end: float) -> Hit:
    chunk = Chunk(
        chunk_id=f"{video_id}{start}",
        video_id=video_id,
        title="",
        heading="",
        start=start,
        end=end,
        text="",
        language="en",
        origin="sidecar",
        lines=(),
    )
    return Hit(chunk=chunk, score=1.0)


def line(**update: Any) -> dict[str, Any]:
    return {"question": "q", "language": "en", "video": "a", "start": 10, "end": 20} | update


def write(folder: Path, *lines: object) -> Path:
    path = folder / "questions.jsonl"
    texts = [text if isinstance(text, str) else json.dumps(text) for text in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def score(path: Path, *hits: Hit) -> Any:
    videos = [video("a"), video("b", "stem"), video("c", "stem"), video("d", title="A title")]
    return evaluate(path, lambda query: list(hits), videos)


def test_the_rank_of_the_first_right_passage_counts(tmp_path: Path) -> None:
    path = write(tmp_path, line())
    wrong = hit("a", 0, 10)
    found = score(path, wrong, hit("b", 10, 20), hit("a", 19, 40), hit("a", 12, 13))
    assert found["n"] == 1
    assert (found["hit@1"], found["hit@5"], found["hit@10"]) == (0, 1, 1)
    assert found["mrr"] == pytest.approx(1 / 3)


def test_touching_is_not_overlapping(tmp_path: Path) -> None:
    path = write(tmp_path, line())
    assert score(path, hit("a", 0, 10), hit("a", 20, 30))["hit@10"] == 0
    assert score(path, hit("a", 0, 10.01))["hit@1"] == 1


def test_no_end_means_to_the_end(tmp_path: Path) -> None:
    assert score(write(tmp_path, line(end=None)), hit("a", 1e6, 1e6 + 1))["hit@1"] == 1


@pytest.mark.parametrize(("name", "right"), [("stem", "b"), ("stem", "c"), ("A title", "d")])
def test_any_video_of_that_name_counts(tmp_path: Path, name: str, right: str) -> None:
    assert score(write(tmp_path, line(video=name)), hit(right, 10, 20))["hit@1"] == 1
    assert score(write(tmp_path, line(video=name)), hit("a", 10, 20))["hit@1"] == 0


def test_languages_are_scored_apart(tmp_path: Path) -> None:
    path = write(tmp_path, line(), line(language="zh", video="b"), "", line(language="zh"))
    found = score(path, hit("a", 10, 20))
    assert found["n"] == 3
    assert found["mrr"] == pytest.approx(2 / 3)
    assert found["by_language"]["en"] == {
        "n": 1,
        "hit@1": 1.0,
        "hit@5": 1.0,
        "hit@10": 1.0,
        "mrr": 1.0,
    }
    assert found["by_language"]["zh"]["hit@1"] == 0.5


def test_only_ten_passages_count_and_no_filter_helps(tmp_path: Path) -> None:
    asked: list[Query] = []

    def search(query: Query) -> list[Hit]:
        asked.append(query)
        return [hit("b", n, n + 1) for n in range(10)] + [hit("a", 10, 20)]

    found = evaluate(write(tmp_path, line(question="Why?")), search, [video("a"), video("b")])
    assert found["mrr"] == 0
    assert asked == [Query(text="Why?", limit=10)]


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ("{", "Invalid JSON"),
        ("[]", "the line"),
        (line(question=""), "question"),
        (line(start=-1), "start"),
        (line(start=20), "end must be after start"),
        ({"question": "q"}, "Field required"),
        (line(end="soon"), "end"),
        (line(video="nobody"), "no video is called 'nobody'"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, bad: object, what: str) -> None:
    with pytest.raises(UsageError, match=r"questions\.jsonl:2: ") as caught:
        score(write(tmp_path, line(), bad))
    assert what in str(caught.value)
    assert caught.value.hint


def test_a_file_without_questions_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no questions"):
        score(write(tmp_path, "", " "))
    with pytest.raises(UsageError, match="cannot be read"):
        score(tmp_path / "missing.jsonl")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(UsageError, match="cannot be read"):
        score(tmp_path / "binary")

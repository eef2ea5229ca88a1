from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from video_rag import digest
from video_rag.model import Segment, Transcript, Video, join_lines


def test_nouns_are_frozen_and_refuse_unknown_fields() -> None:
    segment = Segment(start=0, end=1, text="hi")
    with pytest.raises(ValidationError):
        segment.text = "ho"  # type: ignore[misc]  # the point of the test
    with pytest.raises(ValidationError):
        Segment.model_validate({"start": 0, "end": 1, "text": "hi", "colour": "red"})


@given(st.lists(st.text(max_size=20), max_size=5))
def test_a_transcript_survives_storing(texts: list[str]) -> None:
    segments = tuple(Segment(start=i, end=i + 0.5, text=text) for i, text in enumerate(texts))
    transcript = Transcript(language="zh", origin="sidecar", segments=segments)
    assert Transcript.model_validate_json(transcript.model_dump_json()) == transcript


def test_only_what_decides_the_download_is_in_the_origins() -> None:
    video = Video(video_id="file:1", source="folder", url="/a.mp4", title="A")
    renamed = video.model_copy(update={"title": "B", "collection": "other", "language": "zh"})
    moved = video.model_copy(update={"fingerprint": "sidecar came"})
    assert renamed.origins == video.origins
    assert moved.origins != video.origins


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (["hello", "world"], "hello world"),
        (["你好", "世界"], "你好世界"),
        (["你好，", "世界"], "你好，世界"),
        (["使用", "Python", "编程"], "使用 Python 编程"),
        ([], ""),
        (["", "a"], "a"),
    ],
)
def test_lines_join_as_people_write_them(lines: list[str], joined: str) -> None:
    assert join_lines(lines) == joined


def test_a_value_has_one_digest_whatever_the_order_of_its_keys() -> None:
    assert digest.of_value({"a": 1, "b": [2]}) == digest.of_value({"b": [2], "a": 1})
    assert digest.of_value({"a": 1}) != digest.of_value({"a": "1"})

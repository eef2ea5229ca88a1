"""A small model forgets the marks: what it says right, from the sample lecture, stays."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from real_models import NotHad
from video_rag.answerers import Done
from video_rag.library import Library
from video_rag.model import Answer, Question
from video_rag.settings import load_settings
from video_rag.testing.llm import LlmServer

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "examples"))

from lecture_text import SLIDES  # noqa: E402 - beside the sample lecture

QUESTION = "关键词检索最擅长找什么？"
SAID = "关键词检索最擅长找编号、缩写和函数名。"
"""What the real model with 1.5 billion parameters replied: right, word for word, without a mark."""
EACH = 6
"""Seconds of a line."""


@pytest.fixture
def lecture(tmp_path: Path) -> Path:
    """The Chinese lines of the sample lecture as subtitles: no picture need be read."""
    lines = [said.chinese for slide in SLIDES for said in slide.lines]
    cues = (f"{n + 1}\n{_clock(n)} --> {_clock(n + 1)}\n{line}\n" for n, line in enumerate(lines))
    file = tmp_path / "lecture.zh.srt"
    file.write_text("\n".join(cues), encoding="utf-8")
    return file


def _clock(line: int) -> str:
    return f"00:{line * EACH // 60:02}:{line * EACH % 60:02},000"


def ask(base_url: str, lecture: Path, **options: object) -> Answer:
    answerer = {"base_url": base_url, "model": "test", **options}
    library = Library(load_settings({"answerers": {"openai": answerer}}))
    try:
        assert [item.status.state for item in library.add([str(lecture)]) if item.status] == [
            "ready"
        ]
        *_, done = library.ask(Question(text=QUESTION), "openai")
    finally:
        library.close()
    assert isinstance(done, Done)
    return done.answer


def test_a_right_reply_without_a_mark_stays_with_the_mark_of_its_passage(lecture: Path) -> None:
    with LlmServer([SAID]) as server:
        answer = ask(server.base_url, lecture)
    assert answer.answer == "关键词检索最擅长找编号、缩写和函数名[1]。"
    assert [one.number for one in answer.citations] == [1]
    assert "编号、缩写和函数名" in answer.citations[0].quote
    assert not answer.refused


@pytest.fixture
def small_model() -> Iterator[str]:
    """The address of a real model with 1.5 billion parameters."""
    sys.path.insert(0, str(ROOT / "benchmarks" / "answers"))
    from server import xllamacpp

    from real_models import QWEN_CODER, fetched

    try:
        fetched(QWEN_CODER)
        xllamacpp()
    except NotHad as why:
        pytest.skip(f"needs the real model: {why}")
    command = [sys.executable, str(ROOT / "benchmarks" / "answers" / "server.py"), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout
        yield server.stdout.readline().decode().strip()
        server.terminate()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_real_small_model_answers_with_the_lines_that_say_it(
    lecture: Path, small_model: str
) -> None:
    answer = ask(small_model, lecture, timeout=900, max_tokens=120)
    assert not answer.refused
    assert any("编号、缩写和函数名" in one.quote for one in answer.citations)

"""Logs: one line per event, without secrets, and no handler that nobody asked for."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from video_rag import plugins
from video_rag.errors import BadSettings
from video_rag.observers import (
    Asked,
    Event,
    StageDone,
    StageFailed,
    StageProgress,
    StageStarted,
    emit,
)
from video_rag.observers.logs import HumanLines, JsonLines, Logs, log

DONE = StageDone("youtube:abc", "listen", "whisper", 1.23456)
FAILED = StageFailed(
    "youtube:abc",
    "fetch",
    "ytdlp",
    "Unavailable",
    "GET http://me:pw123@host/?token=tk456 failed\nCookie: SESSDATA=ck789",
    "try again",
    True,
)


@pytest.fixture(autouse=True)
def quiet_logger() -> Iterator[None]:
    """The logger as it was before."""
    handlers, level = log.handlers[:], log.level
    log.handlers.clear()
    yield
    for handler in log.handlers:
        handler.close()
    log.handlers[:] = handlers
    log.setLevel(level)


def written(tmp_path: Path, *events: Event, **options: Any) -> list[str]:
    file = tmp_path / "logs" / "video-rag.log"
    emit([Logs(Logs.Options(file=str(file), **options))], events[0])
    for event in events[1:]:
        emit([Logs(Logs.Options(file=str(file), **options))], event)
    return file.read_text(encoding="utf-8").splitlines()


def test_a_line_for_people_has_the_four_names(tmp_path: Path) -> None:
    (line,) = written(tmp_path, DONE, format="human")
    moment, rest = line.split(" ", 1)
    assert datetime.fromisoformat(moment).tzinfo is not None
    expected = "INFO stage done video=youtube:abc stage=listen plugin=whisper seconds=1.235"
    assert rest == expected


def test_a_json_line_has_the_four_names_always(tmp_path: Path) -> None:
    asked = Asked("x", 2, False, 0.5)
    lines = [json.loads(line) for line in written(tmp_path, DONE, asked, format="json")]
    assert {"video", "stage", "plugin", "seconds"} <= lines[0].keys() & lines[1].keys()
    assert lines[0]["seconds"] == 1.235
    assert lines[1] | {"time": ""} == {
        "time": "",
        "level": "info",
        "logger": "video_rag",
        "message": "asked",
        "video": None,
        "stage": None,
        "plugin": "x",
        "seconds": 0.5,
        "citations": 2,
        "refused": False,
        "request_id": None,
        "trace_id": None,
    }


@pytest.mark.parametrize("form", ["human", "json"])
def test_no_secret_of_a_failure_is_written(tmp_path: Path, form: str) -> None:
    (line,) = written(tmp_path, FAILED, format=form)
    assert "Unavailable" in line
    assert "try again" in line
    assert not [secret for secret in ("pw123", "tk456", "ck789") if secret in line]


def test_failures_that_are_retried_are_warnings_and_others_errors(tmp_path: Path) -> None:
    final = StageFailed("v", "fetch", "folder", "ContentError", "no sound", "", False)
    lines = written(tmp_path, FAILED, final, format="json")
    assert [json.loads(line)["level"] for line in lines] == ["warning", "error"]


@pytest.mark.parametrize(
    ("level", "count"), [("debug", 4), ("info", 3), ("warning", 1), ("ERROR", 0)]
)
def test_the_level_decides_what_is_written(tmp_path: Path, level: str, count: int) -> None:
    events = (
        StageProgress("v", "look", 0.5, "half"),
        StageStarted("v", "look", "slides"),
        DONE,
        FAILED,
    )
    assert len(written(tmp_path, *events, level=level)) == count


def test_two_libraries_share_one_handler(tmp_path: Path) -> None:
    assert len(written(tmp_path, DONE, DONE)) == 2
    assert len(log.handlers) == 1


def test_without_a_file_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    Logs(Logs.Options())(FAILED)
    assert capfd.readouterr() == ("", "")
    assert [type(handler) for handler in log.handlers] == [logging.NullHandler]


def test_a_dash_is_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    Logs(Logs.Options(file="-", format="human"))(DONE)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.endswith("seconds=1.235\n")


def test_an_application_hears_events_with_its_own_handlers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, logger="video_rag"):
        Logs(Logs.Options())(FAILED)
    (record,) = caplog.records
    assert vars(record)["video"] == "youtube:abc"
    assert vars(record)["seconds"] is None
    assert "pw123" not in str(vars(record))


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadSettings, match=r"\[observers\.logs\] file"):
        Logs(Logs.Options(file=str(tmp_path / "file" / "x.log")))


def test_importing_installs_no_handler() -> None:
    code = (
        "import logging, video_rag.observers.logs\n"
        "assert not logging.getLogger('video_rag').handlers\n"
        "assert not logging.getLogger().handlers"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_is_registered_under_its_name() -> None:
    assert plugins.load("observers", "logs") is Logs


@pytest.mark.parametrize("form", [HumanLines(), JsonLines()])
def test_records_of_others_and_tracebacks_hold_no_secret(form: logging.Formatter) -> None:
    try:
        raise ValueError("token=tk456")
    except ValueError:
        record = log.makeRecord(
            "video_rag", 40, __file__, 1, "password=%s", ("pw123",), sys.exc_info()
        )
    line = form.format(record)
    assert "ValueError" in line
    assert "tk456" not in line
    assert "pw123" not in line


def test_a_name_that_is_no_utf_8_is_written_all_the_same(tmp_path: Path) -> None:
    for form in ("human", "json"):
        event = StageDone("file:\udc80", "listen", "subtitles", 1.0)
        assert "\\udc80" in written(tmp_path / form, event, format=form)[0]


@given(note=st.text(max_size=60), video=st.text(max_size=20))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_event_is_one_line_whatever_it_says(note: str, video: str) -> None:
    event = StageProgress(video, "look", 0.5, note)
    facts = {"video": video, "stage": "look", "plugin": None, "seconds": None, "event": vars(event)}
    record = log.makeRecord("video_rag", 10, __file__, 1, "stage progress", (), None, extra=facts)
    assert len(HumanLines().format(record).splitlines()) == 1
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["note"] == note

"""Reports: failures by site and cause, what was not found, and the machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from shell import Shell
from talks import SHEEP, write_talk
from video_rag.observers.logs import log
from video_rag.settings.redaction import redact
from video_rag.stores import Failure, Result
from video_rag.stores.activity import Ended
from video_rag.stores.activity import Outcome as Timed
from video_rag.stores.questions import Asked, Kind, Outcome
from video_rag.stores.sql import Sql
from video_rag.stores.tables import timings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDEO_RAG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def fail(ledger: Sql, video_id: str, reason: str, due: float | None, stage: str = "fetch") -> None:
    ledger.commit(video_id, "give", {"video": Result("d", ""), "origins": Result("e", "")})
    hint = "give the cookies of an account" if due is None else ""
    told = f"{video_id} is closed: https://a.example/x?token=abcdefgh1234"
    ledger.fail(video_id, Failure(stage, "k", "Rejected", told, hint, 2, due, reason))


def _fetched(ledger: Sql, site: str, outcome: Timed, many: int, days_ago: int = 0) -> None:
    one = Ended(f"{site}:1", "fetch", "ytdlp", outcome, 1.0)
    ledger.activity.keep("w:1", [one] * many, {})
    if days_ago:
        with ledger._writer.begin() as db:
            last = sa.select(sa.func.max(timings.c.day)).scalar_subquery()
            is_new = sa.and_(timings.c.day == last, timings.c.site == site)
            db.execute(sa.update(timings).where(is_new).values(day=timings.c.day - days_ago))


def test_downloads_of_a_week_are_held_against_the_week_before(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Sql(home / "library.db")
    _fetched(ledger, "youtube", "failed", 1, days_ago=20)
    _fetched(ledger, "youtube", "done", 5, days_ago=10)
    _fetched(ledger, "youtube", "retried", 1, days_ago=9)
    _fetched(ledger, "youtube", "done", 2)
    _fetched(ledger, "youtube", "failed", 3)
    _fetched(ledger, "youtube", "retried", 1)
    _fetched(ledger, "bilibili", "done", 4, days_ago=6)
    ledger.close()
    shell = Shell(capsys)
    trend = shell.json("report", "downloads")["trend"]
    assert [tuple(row.values()) for row in trend] == [
        ("bilibili", 4, 0, 0, 0),
        ("youtube", 2, 4, 5, 1),
    ]
    assert "in the 7 before" in shell("report", "downloads")


def test_downloads_are_summed_up_by_site_and_cause(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Sql(home / "library.db")
    for number in range(3):
        fail(ledger, f"youtube:{number}", "bot-check", 9e9)
    fail(ledger, "youtube:7", "private", None)
    fail(ledger, "bilibili:1", "", None)
    fail(ledger, "bilibili:2", "", None, stage="listen")
    ledger.close()
    shell = Shell(capsys)
    row = shell.json("report", "downloads")
    assert row["failed"] == 5
    found = [(one["site"], one["cause"], one["videos"], one["retried"]) for one in row["failures"]]
    assert found == [
        ("youtube", "bot-check", 3, 3),
        ("bilibili", "Rejected", 1, 0),
        ("youtube", "private", 1, 0),
    ]
    assert row["advice"] == [
        "youtube, bot-check: nothing to do, `run` tries again by itself",
        "bilibili, Rejected: give the cookies of an account",
        "youtube, private: give the cookies of an account",
    ]
    assert "abcdefgh1234" not in json.dumps(row)
    shown = shell("report", "downloads")
    assert "bot-check" in shown
    assert "give the cookies" in shown
    assert "abcdefgh1234" not in shown


def question(
    text: str, outcome: Outcome, kind: Kind = "search", at: float = 9e9, key: str = ""
) -> Asked:
    return Asked(at, kind, text, "", "embedded", outcome, 1, 0.5, key)


def test_what_was_not_found_comes_first_and_like_questions_are_one(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Sql(home / "library.db")
    asked = [
        question("Sheep", "found", key="reader"),
        question("quarks?", "nothing"),
        question("What are [bold]quarks[/]?", "refused", "ask"),
        question("QUARKS", "nothing"),
        question("stars", "nothing"),
        question("stars", "found"),  # since then there is a video about them
        question("long ago", "nothing", at=1000.0),
    ]
    ledger.questions.keep(asked, 0)
    ledger.close()
    shell = Shell(capsys)
    row = shell.json("report", "retrieval", "--days", "7")
    assert row["total"] == 6
    assert row["questions"]["search"] == {"found": 2, "nothing": 3, "refused": 0, "failed": 0}
    assert row["questions"]["ask"]["refused"] == 1
    assert row["by_key"] == {"(none)": 5, "reader": 1}
    assert row["seconds"]["ask"] == {"median": 0.5, "slow": 0.5}
    lost = [(one["text"], one["times"], one["not_found"]) for one in row["not_found"]]
    assert lost == [("QUARKS", 2, 2), ("What are [bold]quarks[/]?", 1, 1)]
    assert {one["text"]: one["times"] for one in row["most_asked"]}["stars"] == 2
    assert row["advice"]
    shown = shell("report", "retrieval", "--days", "7")
    assert "What are [bold]quarks[/]?" in shown
    assert "synonyms" in shown


def test_an_empty_library_has_reports_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell(capsys)
    assert "Nothing was asked" in shell("report", "retrieval")
    assert "is here" in shell("report", "downloads")
    assert "home" in shell("report", "system")
    assert shell.json("report", "retrieval")["seconds"]["ask"]["median"] is None
    shell("report", "retrieval", "--days", "0", code=2)


def test_the_machine_and_the_log_are_looked_at(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        f'[observers.logs]\nfile = "{tmp_path / "log"}"\n'
        '[pipeline]\ntranscribers = ["subtitles"]\nsampler = "none"\n'
    )
    monkeypatch.setenv("VIDEO_RAG_CONFIG", str(settings))
    before = log.handlers[:]
    shell = Shell(capsys)
    write_talk(tmp_path / "sheep.srt", SHEEP)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    shell("add", tmp_path / "sheep.srt")
    shell("add", tmp_path / "broken.mp4", code=None)
    with (tmp_path / "log").open("a") as file:
        file.write('not JSON\n{"level": "error", "message": "stage failed", "stage": "fetch"}\n')
    row = shell.json("report", "system")
    assert row["disk"][0]["holds"][0] == "home"
    assert row["disk"][0]["total"] > row["disk"][0]["free"] > 0
    assert row["disk"][0]["databases"]["library.db"] > 0
    assert row["load"]["cores"] >= 1
    assert row["errors"]["log"]["file"] == str(tmp_path / "log")
    assert {"level": "error", "what": "fetch stage failed", "times": 1} in row["errors"]["log"][
        "most"
    ]
    assert "fetch stage failed" in shell("report", "system")
    assert redact(json.dumps(row)) == json.dumps(row)
    for handler in set(log.handlers) - set(before):
        log.removeHandler(handler)
        handler.close()

"""What the DAGs are made of beside Airflow: the client of the requests API, messages, passwords."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_place import DAGS, DEPLOY
from answering import answering
from serving import served
from talks import MOON, SHEEP, write_talk
from video_rag.library import Library
from video_rag.operations import keys
from video_rag.settings import load_settings

sys.path.insert(0, str(DAGS))
import video_rag_client as api
import video_rag_messages as messages


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(load_settings({"home": str(tmp_path / "home")}, env={}))
    yield opened
    opened.close()


def test_the_client_asks_waits_and_asks_again_without_doing_it_twice(
    library: Library, tmp_path: Path
) -> None:
    write_talk(tmp_path / "talks" / "sheep.srt", SHEEP)
    write_talk(tmp_path / "talks" / "moon.srt", MOON)
    _, key = keys.make(library.ledger, "airflow", "admin")
    with served(library, keys_required=True) as server:
        client = api.Client(server.url, key)
        wish = {"kind": "discover", "urls": [str(tmp_path / "talks")]}
        asked = client.ask(wish, "run/discover")
        found = client.look(asked["request_id"], wait=30)
        assert (found["state"], found["result"]["taken"]) == ("done", 2)
        assert client.ask(wish, "run/discover") == found
        for number, video_id in enumerate(found["video_ids"]):
            one = client.ask({"kind": "process", "video_ids": [video_id]}, f"run/{number}")
            assert client.look(one["request_id"], wait=30)["state"] == "done"
            assert client.video(video_id)["state"] == "ready"
        again = client.again(found["request_id"])
        assert client.look(again["request_id"], wait=30)["video_ids"] == []
        assert client.page("file:1") == f"{server.url}/#/video/file%3A1"


def test_refusals_say_what_happened_and_what_to_do(library: Library) -> None:
    _, key = keys.make(library.ledger, "airflow", "read")
    with served(library, keys_required=True) as server:
        for known, wish in ((key, {"kind": "verify"}), ("vr_wrong", {"kind": "verify"})):
            with pytest.raises(api.ApiError, match="hint: ") as refused:
                api.Client(server.url, known).ask(wish, "1")
            assert not refused.value.is_passing
            assert known not in str(refused.value)
        with pytest.raises(api.ApiError, match="no such request"):
            api.Client(server.url, key).look("rnone")
    with pytest.raises(api.ApiError, match="does not answer at") as away:
        api.Client(server.url, key).look("rnone")
    assert away.value.is_passing


@pytest.mark.parametrize(
    ("status", "body", "is_passing"),
    [
        (200, "<html>welcome</html>", False),
        (200, "[]", False),
        (200, '{"request_id', False),
        (404, "nothing here", False),
        (502, "<html>bad gateway</html>", True),
        (503, '{"error": "the disk is full", "hint": "make room"}', True),
        (429, '{"error": "too many requests", "hint": "wait"}', True),
        (500, "{}", False),
        (400, '{"error": 3}', False),
    ],
)
def test_whatever_answers_is_one_line(status: int, body: str, *, is_passing: bool) -> None:
    with answering(status, body) as (url, _), pytest.raises(api.ApiError) as refused:
        api.Client(url, "vr_key").ask({"kind": "verify"}, "1")
    assert refused.value.is_passing is is_passing
    assert "\n" not in str(refused.value)
    assert "vr_key" not in str(refused.value)


def test_a_key_follows_no_redirect() -> None:
    with (
        answering(200, "{}") as (other, sent),
        answering(302, "", Location=f"{other}/api") as (url, _),
    ):
        with pytest.raises(api.ApiError):
            api.Client(url, "vr_key").look("r1")
        assert sent == []
    assert "vr_key" not in repr(api.Client(url, "vr_key"))


@pytest.mark.parametrize(
    ("scheme", "host", "port", "url"),
    [
        ("http", "127.0.0.1", 8420, "http://127.0.0.1:8420"),
        ("", "video-rag", None, "http://video-rag"),
        ("http", "https://video-rag.example", None, "https://video-rag.example"),
        ("https", "video-rag.example", None, "https://video-rag.example"),
        ("http", "http://a.example:81/rag/", None, "http://a.example:81/rag"),
        ("http", "http://a.example", 81, "http://a.example:81"),
        ("http", "http://[::1]:8420", None, "http://[::1]:8420"),
    ],
)
def test_a_connection_is_a_url(scheme: str, host: str, port: int | None, url: str) -> None:
    assert api.place(scheme, host, port) == url


@pytest.mark.parametrize("host", ["", "ftp://a.example", "file:///etc/passwd", "http://"])
def test_a_connection_that_is_none_is_told(host: str) -> None:
    with pytest.raises(api.ApiError, match="no http address"):
        api.place("http", host, None)


def test_only_what_may_pass_is_tried_again() -> None:
    def row(*errors: str) -> dict[str, Any]:
        told = [{"error": one, "message": "m", "hint": "h", "about": "v"} for one in errors]
        return {"failures": told}

    assert api.may_help(row("Unavailable", "DiskError"))
    assert not api.may_help(row("Unavailable", "ContentError"))
    assert api.why(row("Rejected", "Bug")) == "v: m (hint: h); v: m (hint: h)"


# --- messages ---------------------------------------------------------------------------------


def result(**counts: int) -> dict[str, Any]:
    names = ("requests", "new", "updated", "waiting", "cancelled", "failed", "open", "forgotten")
    failed = [
        {"kind": "process", "about": f"v{number}", "message": "it is private", "hint": ""}
        for number in range(min(counts.get("failed", 0), 100))
    ]
    return {"counts": {name: counts.get(name, 0) for name in names}, "failed": failed}


def test_a_summary_is_a_line_of_numbers_and_the_reasons() -> None:
    assert messages.summary(result(new=3)) == "3 new, 0 updated, 0 failed"
    told = messages.summary(result(new=1, waiting=2, cancelled=1, failed=250)).splitlines()
    assert told[0] == "1 new, 0 updated, 2 waiting, 1 cancelled, 250 failed"
    assert told[1] == "- process v0: it is private"
    assert told[-1] == "- and 240 more"


@pytest.mark.parametrize("kind", messages.KINDS)
def test_each_chat_gets_its_own_json(kind: str) -> None:
    text = json.dumps(messages.message(kind, "讲座 failed"), ensure_ascii=False)
    assert "讲座 failed" in text
    keys_of = {"feishu": "msg_type", "wecom": "msgtype", "dingtalk": "msgtype", "slack": "text"}
    assert keys_of.get(kind, "source") in messages.message(kind, "x")


@given(st.text(min_size=0, max_size=3000), st.sampled_from(messages.KINDS))
def test_no_message_is_longer_than_a_chat_takes(text: str, kind: str) -> None:
    said = messages.message(kind, text)
    told = said.get("content") or said.get("text")
    inner = told if isinstance(told, str) else next(iter(told.values()))
    assert len(inner.encode()) <= 2048
    json.dumps(said).encode()


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://open.feishu.cn/open-apis/bot/v2/hook/x", "feishu"),
        ("https://open.larksuite.com/open-apis/bot/v2/hook/x", "feishu"),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x", "wecom"),
        ("https://oapi.dingtalk.com/robot/send?access_token=x", "dingtalk"),
        ("https://hooks.slack.com/services/T/B/x", "slack"),
        ("https://ops.example/hook", "json"),
    ],
)
def test_a_chat_is_known_by_its_host(url: str, kind: str) -> None:
    assert messages.kind_of(url) == kind


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, '{"code": 0, "msg": "success"}', ""),
        (200, "ok", ""),
        (200, '{"errcode": 0, "errmsg": "ok"}', ""),
        (200, '{"errcode": 310000, "errmsg": "keywords not in content"}', "code 310000"),
        (200, '{"code": 19024, "msg": "Key Words Not Found"}', "code 19024"),
        (404, "no such hook", "answered 404"),
    ],
)
def test_what_a_chat_refuses_is_told_without_its_address(status: int, body: str, told: str) -> None:
    with answering(status, body) as (url, sent):
        problem = messages.send(f"{url}/hook/SECRET", "feishu", "2 failed")
    assert json.loads(sent[1])["content"]["text"] == "2 failed"
    assert (told in problem) if told else problem == ""
    assert "SECRET" not in problem


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/SECRET", "SECRET", "file:///SECRET"])
def test_a_webhook_that_is_none_is_told_without_its_address(url: str) -> None:
    problem = messages.send(url, "slack", "x")
    assert problem
    assert "SECRET" not in problem


def test_an_unknown_chat_is_told() -> None:
    assert "ValueError" in messages.send("http://127.0.0.1:9/x", "icq", "x")


# --- the admin --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        *("", "  ", "airflow", "Airflow", "admin", "ADMIN", "123456", "password", "Password1!"),
        *("airflow123", "Admin@2026", "12345678901234", "aaaaaaaaaaaaaaa", "ada", "ada123456789"),
        *("short", "qwerty!!!!", "密码123"),
    ],
)
def test_a_password_that_everybody_tries_is_refused_before_anything_is_done(
    tmp_path: Path, password: str
) -> None:
    """Without Airflow: were it asked for before that, this would fail otherwise."""
    ended = subprocess.run(
        [sys.executable, str(DEPLOY / "prepare.py")],
        env={"AIRFLOW_USERNAME": "ada", "AIRFLOW_PASSWORD": password, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ")
    assert "\nhint:  " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []

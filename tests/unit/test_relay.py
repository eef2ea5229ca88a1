"""The relay to Feishu and DingTalk, run as a process, before robots that check what they get."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from robots import RELAY, Robot

SECRET = "SECplanted-secret"
GROUP = {
    "status": "firing",
    "commonLabels": {"alertname": "VideoRagDown"},
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "VideoRagDown"},
            "annotations": {
                "summary": "视频服务没有回答",
                "runbook": "docs/runbooks/server-down.md",
            },
        }
    ]
    * 30,
}


@contextmanager
def relaying(secrets: Path) -> Iterator[tuple[str, list[str]]]:
    """A relay's address, and what it printed, once it ended."""
    printed: list[str] = []
    process = subprocess.Popen(
        [sys.executable, RELAY, "--listen", "127.0.0.1:0", "--secrets", secrets],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    try:
        port = process.stdout.readline().rpartition(":")[2].strip()
        yield f"http://127.0.0.1:{port}", printed
    finally:
        process.terminate()
        printed.append(process.communicate(timeout=10)[0])


@pytest.fixture
def robot() -> Iterator[Robot]:
    with Robot().listening() as one:
        yield one


def send(url: str, body: bytes | None = None) -> tuple[int, str]:
    data = json.dumps(GROUP).encode() if body is None else body
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_feishu_gets_text_with_its_signature(tmp_path: Path, robot: Robot) -> None:
    (tmp_path / "feishu_url").write_text(f"{robot.url}/open-apis/bot/v2/hook/planted\n")
    (tmp_path / "feishu_secret").write_text(SECRET)
    with relaying(tmp_path) as (url, _):
        assert send(f"{url}/feishu") == (200, "sent\n")
    [(path, body)] = robot.came
    assert path == "/open-apis/bot/v2/hook/planted"
    key = f"{body['timestamp']}\n{SECRET}".encode()
    assert body["sign"] == base64.b64encode(hmac.digest(key, b"", hashlib.sha256)).decode()
    assert abs(int(body["timestamp"]) - time.time()) < 60
    assert body["msg_type"] == "text"
    text = body["content"]["text"]
    assert text.startswith("[firing] VideoRagDown\n- firing: 视频服务没有回答 (docs/runbooks/")
    assert text.endswith("- and 10 more")


def test_dingtalk_gets_markdown_with_its_signature_in_the_address(
    tmp_path: Path, robot: Robot
) -> None:
    (tmp_path / "dingtalk_url").write_text(f"{robot.url}/robot/send?access_token=planted")
    (tmp_path / "dingtalk_secret").write_text(SECRET)
    with relaying(tmp_path) as (url, _):
        assert send(f"{url}/dingtalk")[0] == 200
    [(path, body)] = robot.came
    query = {name: value for name, [value] in parse_qs(urlsplit(path).query).items()}
    assert query["access_token"] == "planted"
    said = f"{query['timestamp']}\n{SECRET}".encode()
    signed = hmac.digest(SECRET.encode(), said, hashlib.sha256)
    assert query["sign"] == base64.b64encode(signed).decode()
    assert abs(int(query["timestamp"]) / 1000 - time.time()) < 60
    assert body["msgtype"] == "markdown"
    assert "视频服务没有回答" in body["markdown"]["text"]


def test_what_is_refused_is_told_and_no_secret_is_printed(tmp_path: Path, robot: Robot) -> None:
    (tmp_path / "feishu_url").write_text(f"{robot.url}/hook/planted")
    (tmp_path / "feishu_secret").write_text(SECRET)
    (tmp_path / "dingtalk_url").write_text("http://127.0.0.1:1/planted")
    with relaying(tmp_path) as (url, printed):
        robot.answer = (200, {"code": 19021, "msg": "sign match fail"})
        assert send(f"{url}/feishu") == (502, "Feishu says 19021: sign match fail\n")
        robot.answer = (500, {})
        assert send(f"{url}/feishu")[0] == 502
        assert send(f"{url}/dingtalk")[0] == 502
        assert send(f"{url}/feishu", b"no json")[0] == 400
        assert send(f"{url}/elsewhere")[0] == 404
        (tmp_path / "dingtalk_url").unlink()
        assert send(f"{url}/dingtalk") == (404, "there is no file dingtalk_url\n")
    assert "502 Feishu says 19021" in printed[0]
    assert "planted" not in printed[0]
    assert SECRET not in printed[0]

"""The relay to Feishu and DingTalk, run as a process, before robots that check what they get."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

RELAY = Path(__file__).resolve().parents[2] / "deploy" / "relay" / "relay.py"
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


class Robot:
    """Says `answer` to whoever posts, and keeps what came."""

    def __init__(self) -> None:
        self.came: list[tuple[str, dict[str, Any]]] = []
        self.answer: tuple[int, Any] = (200, {"code": 0, "errcode": 0})
        robot = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                robot.came.append((self.path, json.loads(body)))
                data = json.dumps(robot.answer[1]).encode()
                self.send_response(robot.answer[0])
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @contextmanager
    def listening(self) -> Iterator[Robot]:
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            thread.join()
            self.server.server_close()


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

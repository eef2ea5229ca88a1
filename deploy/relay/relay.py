"""Hands alerts of Alertmanager on to group robots of Feishu and DingTalk, in the form they want.

    python relay.py [--listen 0.0.0.0:9095] [--secrets /run/secrets]

Alertmanager posts to `/feishu` or `/dingtalk`. The secrets are files, read anew for each alert:
`feishu_url` and `dingtalk_url` hold the address of the robot's webhook, `feishu_secret` and
`dingtalk_secret` the key of its signature (none: the robot asks for none). Nothing but Python is
needed. What is refused is answered 502, so that Alertmanager tries again; addresses and secrets are
never printed.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MAX_BODY = 1_000_000
MOST_ALERTS = 20
"""Alerts that one message names; a group may hold hundreds."""
SECONDS = 10.0
"""Time for a robot to answer."""


class Refused(Exception):
    """The robot did not take the message; the text says why, without its address."""


def text_of(group: dict[str, Any]) -> tuple[str, str]:
    """A title, and a line for each alert with its run-book."""
    alerts = group.get("alerts") or []
    name = (group.get("commonLabels") or {}).get("alertname") or f"{len(alerts)} alerts"
    lines = []
    for alert in alerts[:MOST_ALERTS]:
        told = alert.get("annotations") or {}
        summary = told.get("summary") or (alert.get("labels") or {}).get("alertname", "")
        book = f" ({told['runbook']})" if told.get("runbook") else ""
        lines.append(f"- {alert.get('status', '')}: {summary}{book}")
    if more := len(alerts) - MOST_ALERTS:
        lines += [f"- and {more} more"] if more > 0 else []
    return f"[{group.get('status', 'firing')}] {name}", "\n".join(lines)


def feishu_sign(secret: str, seconds: int) -> str:
    """The signature of Feishu: time and secret are the key, the message is empty."""
    key = f"{seconds}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


def dingtalk_sign(secret: str, milliseconds: int) -> str:
    """The signature of DingTalk: the secret is the key, time and secret are the message."""
    said = f"{milliseconds}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), said, hashlib.sha256).digest()).decode()


def to_feishu(group: dict[str, Any], url: str, secret: str) -> None:
    """Send to a Feishu (Lark) robot. Raises `Refused`."""
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": "\n".join(text_of(group))}}
    if secret:
        now = int(time.time())
        body |= {"timestamp": str(now), "sign": feishu_sign(secret, now)}
    answer = post(url, body)
    if answer.get("code", answer.get("StatusCode", 0)) != 0:
        raise Refused(f"Feishu says {answer.get('code')}: {answer.get('msg')}")


def to_dingtalk(group: dict[str, Any], url: str, secret: str) -> None:
    """Send to a DingTalk robot. Raises `Refused`."""
    title, lines = text_of(group)
    body = {"msgtype": "markdown", "markdown": {"title": title, "text": f"#### {title}\n{lines}"}}
    if secret:
        now = round(time.time() * 1000)
        query = urllib.parse.urlencode({"timestamp": now, "sign": dingtalk_sign(secret, now)})
        url += ("&" if "?" in url else "?") + query
    answer = post(url, body)
    if answer.get("errcode", 0) != 0:
        raise Refused(f"DingTalk says {answer.get('errcode')}: {answer.get('errmsg')}")


ROBOTS = {"feishu": to_feishu, "dingtalk": to_dingtalk}


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send JSON; the JSON of the answer. Raises `Refused`."""
    if not url.startswith(("http://", "https://")):
        raise Refused("the file with the robot's address holds none")
    data = json.dumps(body, ensure_ascii=False).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 (see above)
            found = json.loads(answer.read(MAX_BODY))
    except urllib.error.HTTPError as error:
        raise Refused(f"the robot answered {error.code}") from None
    except (OSError, ValueError) as error:
        raise Refused(f"the robot cannot be reached: {type(error).__name__}") from None
    return found if isinstance(found, dict) else {}


class Handler(BaseHTTPRequestHandler):
    """One alert group a request."""

    secrets = Path("/run/secrets")

    def do_GET(self) -> None:
        """`/health`: it lives."""
        self._say(200 if self.path == "/health" else 404, "ok")

    def do_POST(self) -> None:
        """Hand a group on."""
        robot = self.path.strip("/")
        if robot not in ROBOTS:
            return self._say(404, "post to /feishu or /dingtalk")
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BODY:
            return self._say(413, "too large")
        try:
            group = json.loads(self.rfile.read(int(length)))
        except ValueError:
            group = None
        if not isinstance(group, dict):
            return self._say(400, "this is no alert of Alertmanager")
        url = self._secret(f"{robot}_url")
        if not url:
            return self._say(404, f"there is no file {robot}_url")
        try:
            ROBOTS[robot](group, url, self._secret(f"{robot}_secret"))
        except Refused as error:
            return self._say(502, str(error))
        return self._say(200, "sent")

    def _secret(self, name: str) -> str:
        try:
            return (self.secrets / name).read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def _say(self, status: int, text: str) -> None:
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if status >= 400:
            print(f"{self.path}: {status} {text}", file=sys.stderr, flush=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        """Only what goes wrong is told."""


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description="Alerts for Feishu and DingTalk.")
    parser.add_argument("--listen", default="0.0.0.0:9095", metavar="HOST:PORT")
    parser.add_argument("--secrets", type=Path, default=Handler.secrets, metavar="FOLDER")
    wanted = parser.parse_args()
    host, _, port = wanted.listen.rpartition(":")
    Handler.secrets = wanted.secrets
    server = ThreadingHTTPServer((host, int(port)), Handler)
    print(f"listening on {host}:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

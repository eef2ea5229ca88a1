"""A report in words, and a message to a chat's webhook; the standard library alone, no Airflow.

The address of a webhook is a secret, as whoever has it can write: it is in no error and no log.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

KINDS = ("feishu", "wecom", "dingtalk", "slack", "json")
_HOSTS = {
    "open.feishu.cn": "feishu",
    "open.larksuite.com": "feishu",
    "qyapi.weixin.qq.com": "wecom",
    "oapi.dingtalk.com": "dingtalk",
    "api.dingtalk.com": "dingtalk",
    "hooks.slack.com": "slack",
}
_MOST_BYTES = 1900
"""WeCom takes 2,048 bytes of text, and the others more."""
_MOST_LINES = 10
"""Failures that are written out; of more their number."""
_SECONDS = 15.0


def summary(result: dict[str, Any]) -> str:
    """The result of a report: a line of numbers, then a line for each failure."""
    counts = result["counts"]
    names = ("new", "updated", "waiting", "cancelled", "failed", "open", "forgotten")
    must = {"new", "updated", "failed"}
    told = [f"{counts[name]} {name}" for name in names if name in must or counts[name]]
    failed = result["failed"]
    lines = [
        f"- {one['kind']} {one['about']}: {one['message']}".replace(" : ", ": ")
        for one in failed[:_MOST_LINES]
    ]
    more = counts["failed"] - len(lines)
    lines += [f"- and {more} more"] if more > 0 else []
    return "\n".join([", ".join(told), *lines])


def message(kind: str, text: str) -> dict[str, Any]:
    """The JSON that a chat takes for a text. Raises `ValueError` for an unknown kind."""
    cut = text.encode()[:_MOST_BYTES].decode(errors="ignore")
    cut = cut if cut == text else f"{cut}…"
    shapes: dict[str, dict[str, Any]] = {
        "feishu": {"msg_type": "text", "content": {"text": cut}},
        "wecom": {"msgtype": "text", "text": {"content": cut}},
        "dingtalk": {"msgtype": "text", "text": {"content": cut}},
        "slack": {"text": cut},
        "json": {"source": "video-rag", "text": cut},
    }
    if kind not in shapes:
        raise ValueError(f"no chat is called {kind!r}; known: {', '.join(KINDS)}")
    return shapes[kind]


def kind_of(url: str) -> str:
    """Which chat a webhook belongs to; plain JSON where its host is none that is known."""
    return _HOSTS.get(urllib.parse.urlsplit(url).hostname or "", "json")


def send(url: str, kind: str, text: str) -> str:
    """Send a text to a webhook; returns what went wrong, in words without its address, or ""."""
    if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
        return "the webhook's address is no http address"
    try:
        data = json.dumps(message(kind, text)).encode()
        head = {"Content-Type": "application/json; charset=utf-8"}
        request = urllib.request.Request(url, data, head, method="POST")  # noqa: S310 - looked at
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return _refusal(answer.read(10_000))
    except urllib.error.HTTPError as error:
        return f"the webhook answered {error.code}"
    except urllib.error.URLError as error:
        return f"the webhook cannot be reached: {type(error.reason).__name__}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"the webhook cannot be used: {type(error).__name__}"


def _refusal(body: bytes) -> str:
    """Chats answer 200 to what they refuse, and say so in the body."""
    try:
        said = json.loads(body)
    except ValueError:  # Slack says `ok`
        return ""
    if not isinstance(said, dict):
        return ""
    code = said.get("errcode", said.get("code", 0))
    return f"the webhook refused it with code {code}" if code else ""

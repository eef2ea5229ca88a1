"""A deployed system tests itself through its own API: a sample goes all the way and is taken out.

The sample is a subtitle file, so that no model has to be loaded: what listens and reads pictures is
looked at by `doctor`. It is written where the server can read it, in the home that both share.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from video_rag import disk
from video_rag.errors import NotFound, Rejected, Unavailable, VideoRagError
from video_rag.net.http import Client
from video_rag.settings import Settings
from video_rag.settings.redaction import remember

COLLECTION = "selftest"
_MOST_SECONDS = 300.0
_WAIT = 30
"""Seconds that the server holds one question after a request back."""
_LINES = (
    "This is the sample with which video-rag tests itself.",
    "The lighthouse of Brandal Point was painted yellow in the spring of {number}.",
    "现在用中文再说一遍：布兰达岬的灯塔在{number}年春天被漆成了黄色。",
    "Thank you for listening to the sample.",
)
_QUESTIONS = {
    "en": "When was the lighthouse of Brandal Point painted yellow?",
    "zh": "布兰达岬的灯塔在哪一年被漆成了黄色？",
}


@dataclass(frozen=True)
class Step:
    """One thing that was tried."""

    name: str
    is_ok: bool
    seconds: float
    detail: str
    hint: str = ""


def run(settings: Settings, url: str, key: str | None) -> Iterator[Step]:
    """Try each thing in turn; the first that fails is the last, and what was added is taken out.

    `key` is one of an admin, or None where the server asks for none.
    """
    headers = {}
    if key:
        remember([key])
        headers["Authorization"] = f"Bearer {key}"
    with Client(url, name="the server", headers=headers, timeout=_WAIT + 30.0) as client:
        test = _Test(settings, client)
        try:
            for name, tried in test.steps():
                step = _step(name, tried)
                yield step
                if not step.is_ok:
                    break
        finally:
            yield _step("taken out", test.take_out)


def _step(name: str, tried: Callable[[], str]) -> Step:
    begun = time.monotonic()
    try:
        detail = tried()
    except VideoRagError as error:
        return Step(name, False, time.monotonic() - begun, str(error), error.hint)
    return Step(name, True, time.monotonic() - begun, detail)


class _Test:
    """The sample and what became of it."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._settings, self._client = settings, client
        self._number = 1800 + secrets.randbelow(200)
        self._file = settings.home / COLLECTION / f"selftest-{secrets.token_hex(4)}.srt"
        self._video_id = ""
        self._request_id = ""

    def steps(self) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "ready", lambda: str(self._client.get_json("/health/ready")["status"])
        yield "added", self._add
        for language in _QUESTIONS:
            yield f"asked ({language})", partial(self._ask, language)
        for base in dict.fromkeys(["embedded", *self._settings.knowledge]):
            yield f"published ({base})", partial(self._publish, base)

    def take_out(self) -> str:
        """Remove the video and the file; nothing is there that was not before."""
        if self._request_id and not self._video_id:
            with suppress(VideoRagError):
                self._client.post_json(f"/api/requests/{self._request_id}/cancel", {})
        if self._video_id:
            self._client.call("DELETE", f"/api/videos/{self._video_id}")
            try:
                self._client.get_json(f"/api/videos/{self._video_id}")
            except NotFound:
                pass
            else:
                raise Rejected("the sample is still there", hint="see `video-rag list`")
        with disk.told(self._file):
            self._file.unlink(missing_ok=True)
            if self._file.parent.is_dir() and not any(self._file.parent.iterdir()):
                self._file.parent.rmdir()
        return "nothing is left of the sample"

    def _add(self) -> str:
        disk.make_folder(self._file.parent)
        with disk.told(self._file):
            self._file.write_text(_srt(self._number), "utf-8")
        ended = self._request({"kind": "add", "urls": [str(self._file)], "collection": COLLECTION})
        if not ended["video_ids"]:
            raise Rejected(
                f"the server took in nothing of {self._file}",
                hint="it must see the same home: run this in its container, or on its machine",
            )
        self._video_id = str(ended["video_ids"][0])
        row = self._client.get_json(f"/api/videos/{self._video_id}")
        if row["state"] != "ready":
            raise Rejected(f"the sample is {row['state']}", hint=f"video-rag show {self._video_id}")
        return f"ready, {len(row['sections'])} sections"

    def _ask(self, language: str) -> str:
        body = {"question": _QUESTIONS[language], "collection": COLLECTION, "language": None}
        with self._client.stream("POST", "/api/ask", json=body) as lines:
            done = _last(lines)
        cited = [one for one in done["citations"] if one["video_id"] == self._video_id]
        if done["refused"] or not cited:
            raise Rejected(
                "the answer does not cite the sample", hint="look at `video-rag doctor` and [ask]"
            )
        if not any(str(self._number) in one["quote"] for one in cited):
            raise Rejected("another place of the sample was cited", hint="see `video-rag search`")
        return f"answered with {len(cited)} citations"

    def _publish(self, base: str) -> str:
        self._request({"kind": "publish", "to": base, "video_ids": [self._video_id]})
        ended = self._request({"kind": "verify", "bases": [base]})
        about = [one for one in ended["failures"] if self._video_id in str(one.get("about"))]
        if about:
            raise Rejected(str(about[0]["message"]), hint=str(about[0]["hint"]))
        return "there, as it is here"

    def _request(self, wish: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask for something, and wait until it has ended."""
        asked = self._client.post_json("/api/requests", wish)
        self._request_id = str(asked["request_id"])
        limit = time.monotonic() + _MOST_SECONDS
        while asked["state"] in {"queued", "working"}:
            if time.monotonic() > limit:
                raise Unavailable(
                    f"{wish['kind']} is still {asked['state']} after {_MOST_SECONDS:.0f} s",
                    hint="does a worker or `serve` run? see `video-rag status`",
                )
            asked = self._client.get_json(f"/api/requests/{self._request_id}", wait=_WAIT)
        if asked["state"] != "done" and wish["kind"] != "verify":
            first = (asked["failures"] or [{"message": asked["state"], "hint": ""}])[0]
            raise Rejected(str(first["message"]), hint=str(first["hint"]))
        return dict(asked)


def _srt(number: int) -> str:
    cues = []
    for at, line in enumerate(_LINES):
        times = f"00:00:{5 * at:02},000 --> 00:00:{5 * at + 4:02},500"
        cues.append(f"{at + 1}\n{times}\n{line.format(number=number)}\n")
    return "\n".join(cues)


def _last(lines: Iterator[str]) -> Mapping[str, Any]:
    """The data of the event that ends an answer."""
    name = ""
    for line in lines:
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:") and name in {"done", "error"}:
            told = json.loads(line.removeprefix("data:"))
            if name == "error":
                raise Rejected(str(told["error"]), hint=str(told["hint"]))
            return dict(told)
    raise Unavailable("the answer broke off", hint="look at the server's log")


def key_in(text: str | None, file: Path | None) -> str | None:
    """The key that was given, or stands in a file."""
    if file is None:
        return text
    with disk.told(file):
        return file.read_text("utf-8").strip() or None

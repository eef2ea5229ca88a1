"""Recordings of a real Dify 1.16.1, played to a server and compared with what it says."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx2

FOLDER = Path(__file__).parent / "fixtures" / "dify"

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b20\d{18}\b")
"""Ids of things, and of batches."""
_MOVING = frozenset(
    [
        *("id", "batch", "url", "score", "hit_count", "size", "tokens", "tsne_position", "token"),
        *("created_at", "created_by", "updated_at", "updated_by", "author_name", "maintainer"),
        *("processing_started_at", "parsing_completed_at", "cleaning_completed_at"),
        *("splitting_completed_at", "completed_at", "stopped_at", "indexing_at", "disabled_at"),
        *("indexing_latency", "index_node_id", "index_node_hash", "average_segment_length"),
        *("usage", "task_id", "hash", "elapsed_time", "finished_at", "permission_keys"),
        *("process_data", "execution_metadata", "total_tokens", "tenant_id", "answer_tokens"),
        *("message_tokens", "total_price", "provider_response_latency", "segment_hit_count"),
        *("segment_index_node_hash", "__usage"),
    ]
)
"""Keys whose values differ from run to run, or from model to model."""
_GUESSED = frozenset({"inputs", "structured_output", "text"})
"""Keys whose values are a model's words, or made of them; only their shape is compared."""
_DATES = frozenset({"upload_date", "last_update_date", "uploader"})
"""Built-in fields whose values differ: times, and the name of the account."""
_PATH = re.compile(r"^http://[^/]+")


@dataclass(frozen=True)
class Recording:
    """One request to a real Dify, and its answer."""

    path: Path

    @property
    def name(self) -> str:
        """As in `knowledge/kb-11-create-by-file`."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def data(self) -> dict[str, Any]:
        """All of it."""
        found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return found


def recordings(folder: str, *patterns: str) -> list[Recording]:
    """Those of a folder in the order of their making."""
    paths = (path for one in patterns or ["*.json"] for path in (FOLDER / folder).glob(one))
    return [Recording(path) for path in sorted(paths)]


@dataclass
class Player:
    """Sends what was sent to the recorded server, and learns which id stands for which."""

    client: httpx2.Client
    """Its base URL has no path."""
    dataset_key: str
    console: Mapping[str, str] = field(default_factory=dict)
    """Headers that open the console."""
    app_key: str = ""
    """The last one that was made."""
    texts: dict[str, str] = field(default_factory=dict)
    """Recorded id, address or name → the one here."""
    datasets: list[str] = field(default_factory=list)
    """Ids of those that were made."""
    settle: Callable[[], None] = lambda: None
    """Called where the recorded client waited."""
    differences: dict[str, list[str]] = field(default_factory=dict)
    """What was different, by recording."""

    def play(self, recording: Recording) -> None:
        """Send one request, again while the recorded client waited, and compare."""
        data = recording.data
        wanted = data["response"]
        asked = self._request(data["request"], wrong_key="bad-key" in recording.name)
        answer = self._answer(asked, wanted)
        ours = _json(answer)
        self._learn(wanted.get("json"), ours)
        if isinstance(ours, dict) and str(ours.get("token", "")).startswith("app-"):
            self.app_key = ours["token"]
        if asked["method"] == "POST" and asked["url"] == "/v1/datasets" and answer.is_success:
            self.datasets.append(ours["id"])
        first = recording.name.endswith("status-first")
        self.differences[recording.name] = list(self._compare(wanted, answer, first=first))

    def _answer(self, asked: dict[str, Any], wanted: Mapping[str, Any]) -> httpx2.Response:
        end = time.monotonic() + 60
        while True:
            answer = self.client.request(**asked)
            if time.monotonic() > end or not _unsettled(asked["url"], wanted, answer):
                return answer
            self.settle()
            time.sleep(0.01)

    def _request(self, request: Mapping[str, Any], *, wrong_key: bool) -> dict[str, Any]:
        url = self._translated(_PATH.sub("", request["url"]))
        headers = {k: v for k, v in request["headers"].items() if k != "Authorization"}
        key = str(request["headers"].get("Authorization", ""))
        asked: dict[str, Any] = {"method": request["method"], "url": url}
        asked["headers"] = headers | self._opens(url, "Bearer wrong" if wrong_key else key)
        if "json" in request:
            asked["json"] = json.loads(self._translated(json.dumps(request["json"])))
        if "body" in request:
            asked["content"] = request["body"]
        if "form" in request or "files" in request:
            asked["data"] = request.get("form", {})
            asked["files"] = [
                (one["field"], (one["filename"], _content(one), one["content_type"]))
                for one in request.get("files", [])
            ] or {"nothing": (None, b"")}
        return asked

    def _opens(self, url: str, recorded: str) -> Mapping[str, str]:
        """The headers that open what the recorded ones did; without any, none."""
        if url.startswith("/console/"):
            return self.console
        keys = {"Bearer dataset-…": self.dataset_key, "Bearer app-…": self.app_key}
        key = f"Bearer {keys[recorded]}" if recorded in keys else recorded
        return {"Authorization": key} if key else {}

    def _translated(self, text: str) -> str:
        for recorded, here in self.texts.items():
            if not _ID.fullmatch(recorded):
                text = text.replace(recorded, here)
        return _ID.sub(lambda match: self.texts.get(match[0], match[0]), text)

    def _learn(self, theirs: Any, ours: Any) -> None:
        """Walk both answers in step; where both have an id, one stands for the other."""
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for name in theirs.keys() & ours.keys():
                self._learn(theirs[name], ours[name])
        elif isinstance(theirs, list) and isinstance(ours, list):
            for one, other in zip(theirs, ours, strict=False):
                self._learn(one, other)
        elif isinstance(theirs, str) and isinstance(ours, str) and _ID.fullmatch(theirs):
            self.texts.setdefault(theirs, ours)

    def _compare(
        self, wanted: Mapping[str, Any], answer: httpx2.Response, *, first: bool
    ) -> Iterator[str]:
        if answer.status_code != wanted["status"]:
            yield f"status: {answer.status_code}, not {wanted['status']}: {answer.text[:300]}"
            return
        theirs = wanted["headers"].get("content-type")
        if wanted["status"] != 204 and answer.headers.get("content-type") != theirs:
            yield f"content-type: {answer.headers.get('content-type')}, not {theirs}"
        if "x-version" not in answer.headers:
            yield "no X-Version"
        if "json" in wanted:
            yield from self._differences(wanted["json"], _json(answer), "", shape=first)
        elif "data: {" in wanted["text"]:
            recorded, here = _events(wanted["text"]), _events(answer.text)
            self._learn(recorded, here)
            if (names := [event["event"] for event in here]) != [one["event"] for one in recorded]:
                yield f"events: {names}"
            for one, other in zip(recorded, here, strict=False):
                name = one["event"]
                yield from self._differences(one, other, name, shape=name == "message")

    def _differences(self, theirs: Any, ours: Any, at: str, *, shape: bool) -> Iterator[str]:
        """Where two answers differ; `shape`: only in their keys."""
        if isinstance(theirs, dict) and isinstance(ours, dict):
            if theirs.keys() != ours.keys():
                yield f"{at}: keys {sorted(theirs.keys() ^ ours.keys())} on one side only"
            for name in theirs.keys() & ours.keys():
                if name not in _MOVING and theirs.get("name") not in _DATES:
                    one, other = theirs[name], ours[name]
                    words = name == "keywords" and isinstance(one, str)
                    less = shape or words or name in _GUESSED
                    yield from self._differences(one, other, f"{at}.{name}", shape=less)
        elif isinstance(theirs, list) and isinstance(ours, list):
            if at.endswith("keywords"):
                theirs, ours = sorted(theirs), sorted(ours)
            if len(theirs) != len(ours):
                yield f"{at}: {len(ours)} rows, not {len(theirs)}"
            for number, (one, other) in enumerate(zip(theirs, ours, strict=False)):
                yield from self._differences(one, other, f"{at}[{number}]", shape=shape)
        elif not shape and not self._same(theirs, ours, at):
            yield f"{at}: {ours!r}, not {theirs!r}"

    def _same(self, theirs: Any, ours: Any, at: str) -> bool:
        if isinstance(theirs, str) and isinstance(ours, str):
            return _said(self._translated(theirs)) == _said(ours)
        if at.rpartition(".")[2] in _DATES:
            return type(theirs) is type(ours)
        return bool(theirs == ours)


def _content(file: Mapping[str, Any]) -> bytes:
    """A file's bytes. Of the one that was too large the recordings hold only the beginning."""
    return b"a" * 16 * 1024 * 1024 if file["filename"] == "big.md" else file["content"].encode()


def _unsettled(url: str, wanted: Mapping[str, Any], answer: httpx2.Response) -> bool:
    """Whether the recorded client waited where this answer is."""
    if wanted["status"] == 200 and "is being indexed" in answer.text:
        return True
    if not url.endswith("/indexing-status") or wanted["status"] != 200:
        return False
    ended = wanted["json"]["data"][0]["indexing_status"] in {"completed", "error"}
    ours = (_json(answer) or {}).get("data") or [{}]
    return ended and ours[0].get("indexing_status") not in {"completed", "error"}


def _events(stream: str) -> list[dict[str, Any]]:
    """The events of a stream; of the pieces of an answer, only the first of a row."""
    lines = (line.removeprefix("data: ") for line in stream.split("\n") if "data: " in line)
    runs = groupby(map(json.loads, lines), key=lambda event: event["event"])
    return [
        event
        for name, rows in runs
        for number, event in enumerate(rows)
        if name != "message" or number == 0
    ]


def _said(message: str) -> str:
    """A message without what depends on versions, addresses and the ids in it."""
    message = re.split(r"LINE \d|input_value=| You have requested this URI", message)[0]
    message = re.sub(r"(plugin/|vector_index_)[0-9a-f_-]+", r"\1", message).strip()
    if "{'metadata': {" not in message:
        return message
    # records that were printed as they are
    return re.sub(r"[0-9a-f-]{36,}|\d{5,}|\d+\.\d+|hit_count': \d+", "…", message)


def _json(answer: httpx2.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None

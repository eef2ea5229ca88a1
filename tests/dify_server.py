"""Recordings of a real Dify 1.16.1, played to a server and compared with what it says.

The server is the fixture of `video_rag.testing.dify`; with VIDEO_RAG_TEST_DIFY_URL (as in
`https://host/v1`) and VIDEO_RAG_TEST_DIFY_DATASET_KEY set it is a real one, in which datasets are
made and deleted. The variables are read here, before the tests' clean environment.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

FOLDER = Path(__file__).parent / "fixtures" / "dify"
REAL_URL = os.environ.get("VIDEO_RAG_TEST_DIFY_URL", "")
REAL_KEY = os.environ.get("VIDEO_RAG_TEST_DIFY_DATASET_KEY", "")

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b20\d{18}\b")
"""Ids of things, and of batches."""
_MOVING = frozenset(
    [
        *("id", "batch", "url", "score", "hit_count", "size", "tokens", "tsne_position"),
        *("created_at", "created_by", "updated_at", "updated_by", "author_name", "maintainer"),
        *("processing_started_at", "parsing_completed_at", "cleaning_completed_at"),
        *("splitting_completed_at", "completed_at", "stopped_at", "indexing_at", "disabled_at"),
        *("indexing_latency", "index_node_id", "index_node_hash", "average_segment_length"),
    ]
)
"""Keys whose values differ from run to run."""
_DATES = frozenset({"upload_date", "last_update_date"})


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
    found = {
        path for pattern in patterns or ("*.json",) for path in (FOLDER / folder).glob(pattern)
    }
    return [Recording(path) for path in sorted(found)]


@dataclass
class Player:
    """Sends what was sent to the recorded server, and learns which id stands for which."""

    client: httpx2.Client
    ids: dict[str, str] = field(default_factory=dict)
    """Recorded id → id here."""
    differences: dict[str, list[str]] = field(default_factory=dict)
    """What was different, by recording."""
    wrong_key: bool = False

    def play(self, recording: Recording) -> None:
        """Send one request, again while the recorded client waited, and compare."""
        data = recording.data
        wanted = data["response"]
        self.wrong_key = "bad-key" in recording.path.stem
        answer = self._answer(data, wanted)
        self._learn(wanted.get("json"), _json(answer))
        first = recording.path.stem.endswith("status-first")
        self.differences[recording.name] = list(self._compare(wanted, answer, moving=first))

    def _answer(self, data: Mapping[str, Any], wanted: Mapping[str, Any]) -> httpx2.Response:
        end = time.monotonic() + 60
        while True:
            answer = self.client.request(**self._request(data["request"]))
            if time.monotonic() > end or not _unsettled(data, wanted, answer):
                return answer
            time.sleep(0.01)

    def _request(self, request: Mapping[str, Any]) -> dict[str, Any]:
        url = self._translated(re.sub(r"^http://[^/]+/v1", "", request["url"]))
        asked: dict[str, Any] = {"method": request["method"], "url": url, "headers": {}}
        kept = {k: v for k, v in request["headers"].items() if k != "Authorization"}
        asked["headers"] |= kept | self._key(request)
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

    def _key(self, request: Mapping[str, Any]) -> dict[str, str]:
        """The client's key; the recordings of refused ones hold no key or a wrong one."""
        if "Authorization" not in request["headers"]:
            return {"Authorization": ""}
        return {"Authorization": "Bearer dataset-wrong"} if self.wrong_key else {}

    def _translated(self, text: str) -> str:
        return _ID.sub(lambda match: self.ids.get(match[0], match[0]), text)

    def _learn(self, theirs: Any, ours: Any) -> None:
        """Walk both answers in step; where both have an id, one stands for the other."""
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for name in theirs.keys() & ours.keys():
                self._learn(theirs[name], ours[name])
        elif isinstance(theirs, list) and isinstance(ours, list):
            for one, other in zip(theirs, ours, strict=False):
                self._learn(one, other)
        elif isinstance(theirs, str) and isinstance(ours, str) and _ID.fullmatch(theirs):
            self.ids.setdefault(theirs, ours)

    def _compare(
        self, wanted: Mapping[str, Any], answer: httpx2.Response, *, moving: bool
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
            yield from self._differences(wanted["json"], _json(answer), "", moving=moving)

    def _differences(self, theirs: Any, ours: Any, at: str, *, moving: bool) -> Iterator[str]:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            if theirs.keys() != ours.keys():
                yield f"{at}: keys {sorted(theirs.keys() ^ ours.keys())} on one side only"
            for name in theirs.keys() & ours.keys():
                if name not in _MOVING and theirs.get("name") not in _DATES:
                    one, other = theirs[name], ours[name]
                    yield from self._differences(one, other, f"{at}.{name}", moving=moving)
        elif isinstance(theirs, list) and isinstance(ours, list):
            if at.endswith("keywords"):
                theirs, ours = sorted(theirs), sorted(ours)
            if len(theirs) != len(ours):
                yield f"{at}: {len(ours)} rows, not {len(theirs)}"
            for number, (one, other) in enumerate(zip(theirs, ours, strict=False)):
                yield from self._differences(one, other, f"{at}[{number}]", moving=moving)
        elif not moving and not self._same(theirs, ours, at):
            yield f"{at}: {ours!r}, not {theirs!r}"

    def _same(self, theirs: Any, ours: Any, at: str) -> bool:
        if at == ".message" and isinstance(ours, str):
            return _said(self._translated(theirs)) == _said(ours)
        if at.rpartition(".")[2] in _DATES:
            return type(theirs) is type(ours)
        return bool(theirs == ours or self._translated(str(theirs)) == ours)


def _content(file: Mapping[str, Any]) -> bytes:
    """A file's bytes. Of the one that was too large the recordings hold only the beginning."""
    return b"a" * 16 * 1024 * 1024 if file["filename"] == "big.md" else file["content"].encode()


def _unsettled(data: Mapping[str, Any], wanted: Mapping[str, Any], answer: httpx2.Response) -> bool:
    """Whether the recorded client waited where this answer is."""
    if wanted["status"] == 200 and "is being indexed" in answer.text:
        return True
    if not data["request"]["url"].endswith("/indexing-status") or wanted["status"] != 200:
        return False
    ended = wanted["json"]["data"][0]["indexing_status"] in {"completed", "error"}
    ours = (_json(answer) or {}).get("data") or [{}]
    return ended and ours[0].get("indexing_status") not in {"completed", "error"}


def _said(message: str) -> str:
    """A message without what depends on versions, addresses and the ids in it."""
    message = (
        message.split("LINE 1", maxsplit=1)[0]
        .split("LINE 2", maxsplit=1)[0]
        .split("input_value=", maxsplit=1)[0]
    )
    return re.sub(r"(plugin/|vector_index_)[0-9a-f_-]+", r"\1", message).strip()


def _json(answer: httpx2.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None

"""The test Dify says what the real one said, recording by recording."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import httpx2
import pytest

from dify_recordings import Player, Recording, recordings
from dify_server import REAL_KEY, REAL_URL
from video_rag.testing.dify import DifyServer

KEYWORD = (*recordings("no-daemon", "kb-*.json"), *recordings("no-daemon", "err-*.json"))
FILLED = recordings("no-daemon", "kb-[0-6]*.json", "kb-81*.json")
"""Those that leave a dataset with documents."""
QUALITY = recordings("high-quality")
SCENES: dict[str, Sequence[Recording]] = {
    "knowledge": [
        *recordings("knowledge", "kb-*.json"),
        *recordings("knowledge", "err-*.json"),
        *recordings("behaviour", "b-3*-small*.json"),
        *recordings("behaviour", "b-3*-huge*.json"),
    ],
    "no-daemon": [*KEYWORD, *recordings("no-daemon", "nd-1*.json")],
    "no-worker": recordings("no-worker"),
    "high-quality": [
        *QUALITY,
        *recordings("behaviour", "b-1[1-8]*.json", "b-2[0-3]*.json"),
    ],
    "chatflow": [
        *recordings("chatflow", "con-2*.json"),
        *recordings("chatflow", "chat-*.json"),
        *recordings("behaviour", "b-2[45]*.json"),
    ],
    "branching": recordings("branching"),
    "second-look": recordings("second-look"),
}

PROLOGUES = {"chatflow": FILLED, "branching": FILLED}
"""What happened before a scene; its answers are another scene's business."""


def quoting(query: str, passages: list[str]) -> str:
    """What the model behind the recorded server said."""
    context = "\n".join(passages) or "none"
    return f"STUB ANSWER to [{query}] from context [{context}]"


def embedding_ends(dify: DifyServer) -> None:
    dify.embedding_alive = False


def model_ends(dify: DifyServer) -> None:
    dify.model_alive = False


def daemon_starts(dify: DifyServer) -> None:
    dify.has_plugin_daemon = True


BEFORE: Mapping[str, Callable[[DifyServer], None]] = {
    "chatflow/con-20-import": daemon_starts,
    "branching/br-01-import": daemon_starts,
    "behaviour/b-20-embedding-backend-down": embedding_ends,
    "behaviour/b-24-chat-llm-down-streaming": model_ends,
}
"""What happened to the recorded server just then."""


def settle(dify: DifyServer) -> None:
    """What was switched on or off may be switched again."""
    for dataset in dify.datasets.values():
        for document in dataset.documents.values():
            document.busy_until = 0.0


@contextmanager
def player(dify: DifyServer) -> Iterator[Player]:
    opened = {
        "Authorization": f"Bearer {dify.admin_key}",
        "X-WORKSPACE-ID": dify.workspace_id,
    }
    with dify, httpx2.Client(base_url=dify.url, timeout=30) as client:
        yield Player(client, dify.dataset_key, opened)


@functools.cache
def scene(name: str) -> dict[str, list[str]]:
    """The differences of a scene's recordings, all played in order."""
    dify = DifyServer()
    dify.status_seconds = 60.0  # over when the recorded client waited, however slow this one is
    dify.answering = quoting
    dify.has_plugin_daemon = name not in {"no-daemon", "no-worker", "chatflow", "branching"}
    dify.worker_alive = name != "no-worker"
    with player(dify) as one:
        one.settle = lambda: settle(dify)
        for recording in (*PROLOGUES.get(name, ()), *SCENES[name]):
            BEFORE.get(recording.name, lambda _: None)(dify)
            one.play(recording)
    return one.differences


@pytest.mark.parametrize(
    ("where", "name"),
    [pytest.param(where, one.name, id=one.name) for where in SCENES for one in SCENES[where]],
)
def test_an_answer_is_as_it_was_recorded(where: str, name: str) -> None:
    assert scene(where)[name] == []


@pytest.mark.skipif(not REAL_URL, reason="VIDEO_RAG_TEST_DIFY_URL names a real Dify to compare")
def test_a_real_server_still_says_what_was_recorded() -> None:
    with httpx2.Client(base_url=REAL_URL.removesuffix("/v1"), timeout=60) as client:
        one = Player(client, REAL_KEY, texts={"203841": f"{time.time_ns() % 10**6:06}"})
        try:
            for recording in recordings("knowledge", "kb-[0-6]*.json"):
                one.play(recording)
        finally:
            for dataset in one.datasets:
                key = {"Authorization": f"Bearer {REAL_KEY}"}
                client.delete(f"/v1/datasets/{dataset}", headers=key)
    found = {name: rows for name, rows in one.differences.items() if rows}
    assert not found, json.dumps(found, indent=1, ensure_ascii=False)

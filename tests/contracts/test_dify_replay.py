"""The test Dify says what the real one said, recording by recording."""

from __future__ import annotations

import functools

import httpx2
import pytest

from dify_server import Player, recordings
from video_rag.testing.dify import DifyServer

SCENES = {
    "knowledge": recordings("knowledge", "kb-*.json") + recordings("knowledge", "err-*.json"),
    "no-daemon": recordings("no-daemon", "kb-*.json") + recordings("no-daemon", "err-*.json"),
    "no-worker": recordings("no-worker"),
    "high-quality": recordings("high-quality"),
}


def played(dify: DifyServer, scene: str) -> dict[str, list[str]]:
    """The differences of a scene's recordings, all played in order."""
    headers = {"Authorization": f"Bearer {dify.dataset_key}"}
    with dify, httpx2.Client(base_url=dify.base_url, headers=headers, timeout=30) as client:
        player = Player(client)
        for recording in SCENES[scene]:
            player.play(recording)
    return player.differences


@functools.cache
def scene(name: str) -> dict[str, list[str]]:
    dify = DifyServer()
    dify.status_seconds = 0.05
    dify.has_plugin_daemon = name not in {"no-daemon", "no-worker"}
    dify.worker_alive = name != "no-worker"
    return played(dify, name)


@pytest.mark.parametrize("name", [one.name for scene in SCENES.values() for one in scene])
def test_an_answer_is_as_it_was_recorded(name: str) -> None:
    assert scene(name.partition("/")[0])[name] == []

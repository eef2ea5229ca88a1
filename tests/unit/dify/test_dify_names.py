"""The names of datasets: what a newcomer creates and connects, in any order and mode."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from video_rag import open_library
from video_rag.cli import dify, dify_apps
from video_rag.errors import BadSettings
from video_rag.operations.dify import create
from video_rag.testing.dify import DifyServer


def test_what_is_connected_has_another_name_than_what_is_created() -> None:
    """Dify refuses a second dataset of one name, an external one, too."""
    names = [
        inspect.signature(command).parameters["name"].default
        for command in (dify.create, dify_apps.connect)
    ]
    assert len(set(names)) == 2


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_dataset_of_the_other_mode_is_not_taken_for_the_wished_one(
    tmp_path: Path, *, forgotten: bool
) -> None:
    with DifyServer() as server:
        settings = {"base_url": server.base_url, "api_key": server.dataset_key}
        library = open_library(home=str(tmp_path), knowledge={"dify": settings})
        first, _ = create(library, "dify", "talks", mode="economy")
        if forgotten:
            (tmp_path / "dify.json").unlink()
        with pytest.raises(BadSettings, match="talks is there already, and it is economy"):
            create(library, "dify", "talks", mode="high-quality")
        again, is_new = create(library, "dify", "talks", mode="economy")
        assert (again.id, is_new) == (first.id, False)
        library.close()


def test_without_the_plugin_daemon_a_dataset_is_found_by_its_id(tmp_path: Path) -> None:
    with DifyServer() as server:
        settings = {"base_url": server.base_url, "api_key": server.dataset_key}
        library = open_library(home=str(tmp_path), knowledge={"dify": settings})
        first, _ = create(library, "dify", "talks", mode="economy")
        server.has_plugin_daemon = False
        again, is_new = create(library, "dify", "talks", mode="economy")
        assert (again.id, is_new) == (first.id, False)
        library.close()

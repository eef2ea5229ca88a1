"""The commands of a newcomer follow each other with their default names."""

from __future__ import annotations

import inspect

from video_rag.cli import dify, dify_apps


def test_what_is_connected_has_another_name_than_what_is_created() -> None:
    """Dify refuses a second dataset of one name, an external one, too."""
    names = [
        inspect.signature(command).parameters["name"].default
        for command in (dify.create, dify_apps.connect)
    ]
    assert len(set(names)) == 2

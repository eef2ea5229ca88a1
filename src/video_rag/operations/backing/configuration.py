"""The settings of a library as a file for people, with or without their secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import SecretStr

from video_rag.settings import Settings, explain
from video_rag.settings.redaction import MASK

NAME = "restored-settings.toml"
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEAD = """\
# The settings of {machine} when this backup was made. Nothing reads this file: compare it with your
# own, and copy what you want into video-rag.toml.
"""


def written(settings: Settings, *, with_secrets: bool) -> str:
    """Every setting that was set, one a line, each with where it came from.

    Without secrets their lines are comments that say what is to be set again.
    """
    lines = [_HEAD.format(machine=settings.pipeline.machine)]
    for setting in explain(settings):
        if setting.origin == "default" or setting.name == "home":
            continue
        value = _value(settings, setting.name)
        is_secret = value is not None and MASK in json.dumps(setting.value)
        key = ".".join(_key(part) for part in setting.name.split("."))
        if is_secret and not with_secrets:
            lines.append(f"# {key} = …   a secret ({_from(setting.origin)}): set it again")
        elif (text := _toml(value)) is not None:
            lines.append(f"{key} = {text}   # {_from(setting.origin)}")
    return "\n".join(lines) + "\n"


def _from(origin: str) -> str:
    return " ".join(origin.split())


def _value(settings: Settings, name: str) -> Any:
    found: Any = settings
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else getattr(found, part, None)
    return found


def _key(part: str) -> str:
    return part if _BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False)


def _toml(value: Any) -> str | None:
    """The value in TOML; None for nothing."""
    if value is None:
        return None
    if isinstance(value, SecretStr):
        return json.dumps(value.get_secret_value(), ensure_ascii=False)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_pairs(value)) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(filter(None, map(_toml, value))) + "]"
    return json.dumps(str(value), ensure_ascii=False)


def _pairs(value: Mapping[str, Any]) -> Iterator[str]:
    for key, inner in value.items():
        if (text := _toml(inner)) is not None:
            yield f"{_key(str(key))} = {text}"

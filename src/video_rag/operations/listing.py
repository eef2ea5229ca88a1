"""What plug-ins there are, and what each can be told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic_core import PydanticUndefined

from video_rag.errors import NeedsExtra, UnknownPlugin
from video_rag.plugins import FAMILIES, load, table
from video_rag.settings.redaction import shown


def plugins(families: Sequence[str]) -> list[dict[str, Any]]:
    """The plug-ins of these families, with the first line of what they say of themselves."""
    for family in families:
        if family not in FAMILIES:
            raise UnknownPlugin(
                f"no family of plug-ins is called {family!r}", hint=f"known: {', '.join(FAMILIES)}"
            )
    return [
        {"family": family, "name": name, "summary": _summary(family, name)}
        for family in families
        for name in sorted(table(family))
    ]


def options(family: str, name: str) -> list[dict[str, Any]]:
    """The options of one plug-in: name, default, what it does, whether it changes results."""
    plugins([family])
    found = []
    for field, info in load(family, name).Options.model_fields.items():
        default = info.get_default(call_default_factory=True)
        extra = info.json_schema_extra
        found.append(
            {
                "name": field,
                "default": "" if default is PydanticUndefined else written(shown(default)),
                "description": info.description or "",
                "inert": isinstance(extra, dict) and bool(extra.get("inert")),
            }
        )
    return found


def written(value: Any) -> str:
    """A JSON value as it is written into the settings; a text without quotes, nothing as ""."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _summary(family: str, name: str) -> str:
    try:
        plugin = load(family, name)
    except NeedsExtra as error:
        return f"({error})"
    return (plugin.__doc__ or "").strip().partition("\n")[0]

"""Plug-ins: one entry-point group per family, looked up by name, loaded when built."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, cast, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from video_rag.digest import Digest, of_value
from video_rag.errors import BadSettings, UnknownPlugin

FAMILIES = (
    "sources",
    "transcribers",
    "samplers",
    "readers",
    "composers",
    "renderers",
    "embedders",
    "rerankers",
    "knowledge",
    "answerers",
    "queues",
    "observers",
)


class Options(BaseModel):
    """The settings of one plug-in; every field has a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _split(cls, value: Any, info: ValidationInfo) -> Any:
        """`a, b` where a list is wanted is one: the environment knows only text."""
        wanted = get_origin(cls.model_fields[str(info.field_name)].annotation)
        if isinstance(value, str) and wanted in (tuple, list, set, frozenset):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value


def inert(default: Any = ..., *, description: str, **more: Any) -> Any:
    """A field that does not change results: a device, a key, a time-out. It is left out of keys."""
    return Field(default, description=description, json_schema_extra={"inert": True}, **more)


class Plugin(Protocol):
    """What every plug-in class has beside its family's methods."""

    version: int
    """Raised by one whenever the same input would give another result."""
    Options: type[Options]


@cache
def table(family: str) -> dict[str, EntryPoint]:
    """The plug-ins of a family by name."""
    return {point.name: point for point in entry_points(group=f"video_rag.{family}")}


def load(family: str, name: str) -> type[Plugin]:
    """The class behind a name. Imports only its module; an unknown name lists the known ones."""
    point = table(family).get(name)
    if point is None:
        known = ", ".join(sorted(table(family))) or "none"
        raise UnknownPlugin(f"no {family} plug-in is called {name!r}", hint=f"known: {known}")
    return cast("type[Plugin]", point.load())


def read_options(family: str, name: str, values: dict[str, Any]) -> tuple[type[Plugin], Options]:
    """Class and checked options of `[family.name]`; `use = "other"` borrows another's class."""
    values = dict(values)
    plugin = load(family, str(values.pop("use", name)))
    try:
        return plugin, plugin.Options.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadSettings(
            f"[{family}.{name}] {where}: {first['msg']}",
            hint=f"see `video-rag plugins {family}.{name}` for what it takes",
        ) from error


def build(family: str, name: str, values: dict[str, Any], **parts: Any) -> Any:
    """Make the plug-in `name` of `family` with its options; `parts` come from the family."""
    plugin, options = read_options(family, name, values)
    make = cast("Any", plugin)
    return make(options, **parts)


def key_of(name: str, plugin: Any) -> Digest:
    """What of a plug-in decides its results: name, version and the options not marked inert."""
    fields = type(plugin.options).model_fields
    live = {
        field
        for field, info in fields.items()
        if not (isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("inert"))
    }
    dumped = plugin.options.model_dump(mode="json", include=live)
    return of_value([name, type(plugin).version, dumped])

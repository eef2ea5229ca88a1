"""Plug-ins: one entry-point group per family, looked up by name, loaded when built."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, Protocol, TypeVar, cast, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo

from video_rag.digest import Digest, of_value
from video_rag.errors import BadSettings, UnknownPlugin
from video_rag.once import Once

Made = TypeVar("Made")

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
    """What every plug-in class has beside its family's methods.

    It may also have `accepts: tuple[int, ...]`, the earlier versions of itself whose results are
    kept because making them again costs more than it brings: what is downloaded, recognised, read.
    """

    version: int
    """Raised by one whenever the same input would give another result."""
    Options: type[Options]


@cache
def installed() -> dict[str, dict[str, EntryPoint]]:
    """The plug-ins by family and name; every package that is installed is looked at once."""
    points = entry_points()
    return {
        family: {point.name: point for point in points.select(group=f"video_rag.{family}")}
        for family in FAMILIES
    }


def table(family: str) -> dict[str, EntryPoint]:
    """The plug-ins of a family by name."""
    return installed().get(family, {})


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
        is_unknown = first["type"] == "extra_forbidden"
        why = "there is no such option" if is_unknown else first["msg"]
        raise BadSettings(
            f"[{family}.{name}] {where}: {why}",
            hint=f"see `video-rag plugins {family}.{name}` for what it takes",
        ) from error


class Part(Generic[Made]):
    """A plug-in that is chosen and whose options are checked, but that is made when first used.

    So a library opens where an extra is missing, and nothing heavy is loaded to list videos.
    """

    def __init__(self, family: str, name: str, values: dict[str, Any], **parts: Any) -> None:
        self.name = name
        self.plugin, self.options = read_options(family, name, values)
        make = cast("Any", self.plugin)
        self._made: Once[Made] = Once(lambda: cast("Made", make(self.options, **parts)))

    def get(self) -> Made:
        """The plug-in itself. Raises `NeedsExtra` when something is not installed."""
        return self._made()

    @property
    def key(self) -> Digest:
        """What decides its results: version, name and chosen options."""
        return self.keys[0]

    @property
    def keys(self) -> tuple[Digest, ...]:
        """Its key, and those of results of earlier versions that are as good."""
        return tuple(of_value([version, self.way]) for version in self.versions)

    @property
    def way(self) -> Digest:
        """Name and the options that differ from their defaults, those marked inert left out.

        So an option that comes later leaves everything as it was made until somebody sets it. A
        default that changes is another result: it takes another `version`.
        """
        return of_value([self.name, self.chosen()])

    @property
    def versions(self) -> tuple[int, ...]:
        """Its version, and the earlier ones whose results are as good."""
        return (self.plugin.version, *getattr(self.plugin, "accepts", ()))

    def chosen(self) -> dict[str, Any]:
        """The options that decide results and that somebody set to other than their default."""
        fields = type(self.options).model_fields
        chosen = {
            name
            for name, info in fields.items()
            if not _is_inert(info)
            and getattr(self.options, name) != info.get_default(call_default_factory=True)
        }
        return self.options.model_dump(mode="json", include=chosen)

    def deciding(self) -> dict[str, Any]:
        """All options that decide results, the unset ones too: what keys once were made of."""
        fields = type(self.options).model_fields
        live = {name for name, info in fields.items() if not _is_inert(info)}
        return self.options.model_dump(mode="json", include=live)


def _is_inert(info: FieldInfo) -> bool:
    extra = info.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("inert"))


def build(family: str, name: str, values: dict[str, Any], **parts: Any) -> Any:
    """Make the plug-in `name` of `family`; `parts` are what the family hands in."""
    part: Part[Any] = Part(family, name, values, **parts)
    return part.get()

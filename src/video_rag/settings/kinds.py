"""What settings are made of: paths, names, lists of them, and the table that holds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from video_rag.text import languages


def absolute(path: Any, *, folder: Path | None = None) -> Path:
    """The path from the root, `~` filled in, relative ones from `folder` (else the current one).

    Raises `ValueError` when it is no path.
    """
    if not isinstance(path, str | Path):
        raise ValueError("must be a path")
    try:
        found = Path(path).expanduser()
    except RuntimeError as error:  # ~nobody
        raise ValueError(str(error)) from error
    return (folder / found if folder else found).absolute()


def _names(value: Any) -> Any:
    """`a, b`, `["a", "b"]` and `none` from a place that knows only text."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f"not a JSON list ({error.msg})") from error
    return [part.strip() for part in value.split(",") if part.strip() not in ("", "none")]


def _languages(names: tuple[str, ...]) -> tuple[str, ...]:
    """Their tags, however they are written, each once."""
    try:
        return tuple(dict.fromkeys(map(languages.typed, names)))
    except ValueError as error:
        raise ValueError(f"{error} ({languages.HINT})") from None


def _or_none(value: Any) -> Any:
    """`none` says in the environment what an empty value says in TOML."""
    return "" if value in ("none", None) else value


def _cron(text: str) -> str:
    """Five fields of cron; a default is not checked, so that few commands import what does."""
    from video_rag.text import cron

    return cron.check(text) if text else ""


def _zone(name: str) -> str:
    from video_rag.text import cron

    cron.zone(name)
    return name.strip()


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Languages = Annotated[tuple[str, ...], BeforeValidator(_names), AfterValidator(_languages)]
Name = Annotated[str, Field(min_length=1)]
OptionalName = Annotated[str, BeforeValidator(_or_none)]
Cron = Annotated[str, BeforeValidator(_or_none), AfterValidator(_cron)]
Zone = Annotated[str, BeforeValidator(_or_none), AfterValidator(_zone)]
Folder = Annotated[Path, BeforeValidator(absolute)]
OptionalFile = Annotated[
    Path | None, BeforeValidator(lambda value: absolute(value) if value not in ("", None) else None)
]


class Section(BaseModel):
    """A table of named settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

"""Settings: one class, and the only code that reads the environment, `.env`, secret files and TOML.

Places in order, the first that names a setting wins:

1. arguments (the overrides handed to `load_settings`)
2. the environment: `VIDEO_RAG_LIBRARY__MEDIA`, `__` separates sections
3. `.env` in the current folder, same names
4. secret files: `VIDEO_RAG_…_FILE=/path`, then files named like the variable in
   `VIDEO_RAG_SECRETS_DIR` (default `/run/secrets`)
5. TOML: `VIDEO_RAG_CONFIG` if set, else `./video-rag.toml`, else `<home>/video-rag.toml`
6. the defaults below

In 2–4 an empty value is an unset one, and a `VIDEO_RAG_…` name wins over its alias (`ALIASES`).
pydantic validates; the places are walked here and not by pydantic-settings, which neither remembers
where a value came from nor refuses a misspelt variable, and which takes as long to import as all of
these settings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from video_rag.errors import BadSettings
from video_rag.settings.places import (
    CONFIG,
    HELP,
    Given,
    from_secret_files,
    from_tables,
    from_texts,
    leaves,
    located,
    read_dotenv,
    read_toml,
)
from video_rag.settings.redaction import remember, shown
from video_rag.settings.schema import DEFAULT_HOME, Settings, families, named, sections

FILE_NAME = "video-rag.toml"
_OF_BUCKETS = (
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_TOKEN"),
    *("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_MASTER_KEY"),
    *("AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_TOKEN"),
    *("AZURE_CLIENT_SECRET", "AZURE_STORAGE_CLIENT_SECRET", "GOOGLE_SERVICE_ACCOUNT_KEY"),
)
"""Secrets that the library for buckets reads from the environment by itself."""


@dataclass(frozen=True)
class Setting:
    """One effective setting. `value` is a JSON value, masked when it is a secret."""

    name: str
    value: Any
    origin: str
    description: str


def load_settings(
    overrides: Mapping[str, Any] | None = None,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Settings:
    """The settings in effect; `overrides` is a nested dict in which None means "not given".

    `env` and `cwd` stand in for the process's own. Raises `BadSettings`.
    """
    env = dict(os.environ if env is None else env)
    cwd = Path.cwd() if cwd is None else cwd
    # logins that libraries take from there
    remember(url for name, url in env.items() if name.lower().endswith("_proxy") and "://" in url)
    remember(env[name] for name in _OF_BUCKETS if env.get(name))
    dotenv = read_dotenv(cwd / ".env")
    given = [
        *from_tables(overrides or {}, "argument", cwd),
        *from_texts(env, "environment", cwd),
        *from_texts(dotenv, ".env", cwd),
        *from_secret_files(env, dotenv, cwd),
    ]
    home = next((item.value for item in given if item.path == ("home",) and item.value), "")
    places = (cwd / FILE_NAME, located(home or DEFAULT_HOME, cwd, "home") / FILE_NAME)
    config = env.get(CONFIG) or dotenv.get(CONFIG)
    named_file = located(config, cwd, CONFIG) if config else None
    if file := named_file or next(filter(_is_file, places), None):
        given += from_tables(read_toml(file), str(file), file.parent)
    return _settle(_spelt_alike(given))


def _is_file(path: Path) -> bool:
    """Whether a file is there for us: a folder that is closed is told where it is used."""
    return os.path.isfile(path)  # noqa: PTH113 (pathlib's raises)


def _spelt_alike(given: list[Given]) -> list[Given]:
    """Variables hold no hyphen: `DIFY_SUPPORT` means `[knowledge.dify-support]` if there is one."""
    tables = {item.path[:2] for item in given if item.path[0] in families()}
    hyphens = {(one[0], one[1].replace("-", "_")): one for one in tables if "-" in one[1]}
    return [
        replace(item, path=hyphens.get((item.path[0], item.path[1]), item.path[:2]) + item.path[2:])
        if item.path[:2] in tables
        else item
        for item in given
    ]


def _settle(given: list[Given]) -> Settings:
    """The first value of each name wins."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for item in given:
        if _put(values, item.path, item.value):
            origins[".".join(item.path)] = item.origin
    try:
        settings = Settings(**values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"][:2])
        raise BadSettings(
            f"{name}: {first['msg'].removeprefix('Value error, ')}",
            hint=f"it is set by {origins.get(name, 'an argument')}; {HELP}",
        ) from None
    settings.origins.update(origins)
    return settings


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> bool:
    """Set a leaf that nothing before has set, whole or in part; tells whether it did."""
    table: Any = tree
    for part in path[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            return False
    if path[-1] in table:
        return False
    table[path[-1]] = dict(value) if isinstance(value, Mapping) else value
    return True


def explain(settings: Settings) -> list[Setting]:
    """Every named setting and every option given to a plug-in, secrets masked."""
    values = {"home": settings.home}
    for top in sections():
        values |= {f"{top}.{key}": value for key, value in getattr(settings, top)}
    found = [(name, value, named()[name].description or "") for name, value in values.items()]
    for family in sorted(families()):
        for path, value in leaves(getattr(settings, family), (family,)):
            found.append((".".join(path), value, f"Option of plug-in [{family}.{path[1]}]."))
    return [
        Setting(name, shown(value), _origin(settings, name), description)
        for name, value, description in found
    ]


def _origin(settings: Settings, name: str) -> str:
    """Where a value comes from; one inside of a table may have been set with the whole table."""
    while name and name not in settings.origins:
        name = name.rpartition(".")[0]
    return settings.origins.get(name, "default")

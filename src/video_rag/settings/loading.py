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
pydantic-settings parses and validates; the places are walked here, because it neither remembers
where a value came from nor refuses a misspelt variable.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError
from pydantic_settings import DotEnvSettingsSource

from video_rag.errors import BadSettings
from video_rag.settings.redaction import looks_secret, shown
from video_rag.settings.schema import DEFAULT_HOME, Settings, absolute, families, named, sections

__all__ = ["ALIASES", "Setting", "Settings", "explain", "load_settings", "variable"]

PREFIX = "VIDEO_RAG_"
ALIASES = {
    "VIDEO_SAVE_PATH": "library.media",
    "DOC_SAVE_PATH": "library.documents",
    "COOKIE_FILE_PATH": "sources.ytdlp.cookies",
    "DIFY_BASE_URL": "knowledge.dify.base_url",
    "DIFY_API_KEY": "knowledge.dify.api_key",
    "DIFY_APP_KEY": "knowledge.dify.app_key",
    "DIFY_WORKSPACE_ID": "knowledge.dify.workspace_id",
    "DIFY_KNOWLEDGE_BASE_ID": "knowledge.dify.dataset_id",
}
"""The names of the original deployment plan, valid in environment, `.env` and secret files."""

_CONFIG = "VIDEO_RAG_CONFIG"
_SECRETS = "VIDEO_RAG_SECRETS_DIR"
_FILE_NAME = "video-rag.toml"
_PATHS = ("home", "library.media", "library.documents")
_HELP = "docs/reference/settings.md lists all settings"
# Kubernetes gives every pod such variables for a service that is called video-rag or video-rag-api;
# VIDEO_RAG_TEST_… and VIDEO_RAG_ALLOW_PAID are for the tests.
_NOT_OURS = re.compile(
    r"VIDEO_RAG_(?:TEST_\w+|ALLOW_PAID"
    r"|(?:[A-Z0-9_]+_)?(?:SERVICE_(?:HOST|PORT\w*)|PORT_\d+_(?:TCP|UDP|SCTP)\w*))"
)


@dataclass(frozen=True)
class Setting:
    """One effective setting. `value` is a JSON value, masked when it is a secret."""

    name: str
    value: Any
    origin: str
    description: str


def variable(name: str) -> str:
    """The environment variable of a dotted name: `library.media` → `VIDEO_RAG_LIBRARY__MEDIA`."""
    return PREFIX + name.upper().replace(".", "__")


@dataclass(frozen=True)
class _Given:
    """One value as found in one place."""

    path: tuple[str, ...]
    value: Any
    origin: str


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
    dotenv = _read_dotenv(cwd / ".env")
    given = [
        *_from_tables(overrides or {}, "argument", cwd),
        *_from_texts(env, "environment", cwd),
        *_from_texts(dotenv, ".env", cwd),
        *_from_secret_files(env, dotenv, cwd),
    ]
    home = next((item.value for item in given if item.path == ("home",) and item.value), "")
    places = (cwd / _FILE_NAME, _located(home or DEFAULT_HOME, cwd, "home") / _FILE_NAME)
    config = env.get(_CONFIG) or dotenv.get(_CONFIG)
    named_file = _located(config, cwd, _CONFIG) if config else None
    if file := named_file or next((place for place in places if place.is_file()), None):
        given += _from_tables(_read_toml(file), str(file), file.parent)
    return _settle(_spelt_alike(given))


def _spelt_alike(given: list[_Given]) -> list[_Given]:
    """Variables hold no hyphen: `DIFY_SUPPORT` means `[knowledge.dify-support]` if there is one."""
    tables = {item.path[:2] for item in given if item.path[0] in families()}
    hyphens = {(one[0], one[1].replace("-", "_")): one for one in tables if "-" in one[1]}
    return [
        replace(item, path=hyphens.get((item.path[0], item.path[1]), item.path[:2]) + item.path[2:])
        if item.path[:2] in tables
        else item
        for item in given
    ]


def _settle(given: list[_Given]) -> Settings:
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
            hint=f"it is set by {origins.get(name, 'an argument')}; {_HELP}",
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


def _anchored(path: tuple[str, ...], value: Any, folder: Path) -> Any:
    """A relative folder counts from where it was written."""
    is_relative = isinstance(value, str | Path) and str(value) and not str(value).startswith("~")
    return folder / value if is_relative and ".".join(path) in _PATHS else value


def _from_tables(values: Mapping[str, Any], origin: str, folder: Path) -> Iterator[_Given]:
    """The values of a nested dict, be it of TOML or of arguments."""
    for path, value in _leaves(values, ()):
        is_empty_section = value == {} and len(path) == 2 and path[0] in families()
        if not (is_empty_section or _is_known(path)):
            _refuse(path, origin)
        yield _Given(path, _anchored(path, value, folder), origin)


def _leaves(
    values: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value with its path; an empty table of a plug-in counts as one."""
    for key, value in values.items():
        here = (*path, str(key))
        if isinstance(value, Mapping) and (value or len(here) == 1):
            yield from _leaves(value, here)
        elif value is not None:
            yield here, value


def _is_known(path: tuple[str, ...]) -> bool:
    return ".".join(path) in named() or (path[0] in families() and len(path) > 2 and all(path))


def _refuse(path: tuple[str, ...], origin: str, name: str = "") -> NoReturn:
    """Name the nearest setting that there is, as a variable when it was one."""
    dotted = ".".join(path)
    rest = path[1:] if len(path) > 2 else (*(path[1:] or ("<plug-in>",)), "<option>")
    known = {*named(), *(".".join((family, *rest)) for family in families())}
    known |= {"config", "secrets_dir"} if name else set()
    near = difflib.get_close_matches(dotted, sorted(known), n=1)
    if path[0] in families():
        near = [".".join((path[0], *rest))]
    guess = [variable(found) if name else found for found in near]
    hint = f"did you mean {guess[0]}? " if guess else ""
    raise BadSettings(f"no setting is called {name or dotted} ({origin})", hint=hint + _HELP)


def _path_of(name: str, place: str) -> tuple[str, ...] | None:
    """The setting behind a variable; None when it is none of ours."""
    upper = name.upper()
    if alias := ALIASES.get(upper):
        return tuple(alias.split("."))
    if not upper.startswith(PREFIX) or upper in (_CONFIG, _SECRETS) or _NOT_OURS.fullmatch(upper):
        return None
    path = tuple(upper.removeprefix(PREFIX).lower().split("__"))
    if not _is_known(path):
        _refuse(path, place, name)
    return path


def _target(name: str) -> str | None:
    """The variable whose value lies in the file that `…_FILE` names; None when it is an option.

    An option of a plug-in counts only when its name looks secret, so that `MODEL_FILE` stays one.
    """
    base = name.upper().removesuffix("_FILE")
    if base == name.upper() or base.endswith("_"):
        return None
    path = tuple(ALIASES.get(base, base.removeprefix(PREFIX).lower().replace("__", ".")).split("."))
    ours = base in ALIASES or base.startswith(PREFIX)
    return base if ours and _is_known(path) and _may_be_file(path) else None


def _may_be_file(path: tuple[str, ...]) -> bool:
    return ".".join(path) in {*named(), *ALIASES.values()} or looks_secret(path[-1])


def _from_texts(texts: Mapping[str, str], place: str, folder: Path) -> Iterator[_Given]:
    """The values of variables or secret files; empty ones are unset, aliases come last."""
    for name, value in sorted(texts.items(), key=lambda item: (item[0].upper() in ALIASES, item)):
        if not value.strip() or _target(name) or _is_service_link(name, value):
            continue
        if path := _path_of(name, place):
            origin = f"{place} {name}"
            yield _Given(path, _anchored(path, _decoded(path, value), folder), origin)


def _is_service_link(name: str, value: str) -> bool:
    """Kubernetes also sets `VIDEO_RAG_PORT` to the address of a service that is called so."""
    return name.upper().endswith("_PORT") and value.startswith(("tcp://", "udp://", "sctp://"))


def _decoded(path: tuple[str, ...], value: str) -> Any:
    """Options of plug-ins: `true`, `false` and JSON lists and tables; the rest stays text.

    Each plug-in checks its own; named settings are read by their types in `schema`.
    """
    if path[0] not in families() or looks_secret(path[-1]):
        return value
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    if value.lstrip().startswith(("[", "{")):
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(value)
    return value


def _from_secret_files(
    env: Mapping[str, str], dotenv: Mapping[str, str], cwd: Path
) -> Iterator[_Given]:
    """First the files that `…_FILE` variables name, then those of the folder of secrets."""
    for texts in (env, dotenv):
        named_files = {
            base: _read_text(_located(value, cwd, name), name)
            for name, value in texts.items()
            if value.strip() and (base := _target(name))
        }
        yield from _from_texts(named_files, "secret file of", cwd)
    given = env.get(_SECRETS) or dotenv.get(_SECRETS)
    folder = _located(given or "/run/secrets", cwd, _SECRETS)
    try:
        files = sorted(file for file in folder.iterdir() if file.is_file())
    except OSError as error:
        if given:
            raise BadSettings(
                f"{_SECRETS}: cannot read {folder} ({error.strerror})",
                hint="name a folder that this user may read, or unset it",
            ) from error
        return
    ours = {file.name: file for file in files if _path_of(file.name, f"secret file {file}")}
    texts = {name: _read_text(file, _SECRETS) for name, file in ours.items()}
    yield from _from_texts(texts, "secret file", cwd)


def _read_text(file: Path, name: str) -> str:
    """The text of a file without the spaces and line ends around it."""
    try:
        return file.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadSettings(
            f"{name}: cannot read {file} ({reason})",
            hint="name a text file that this user may read",
        ) from None


def _read_dotenv(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    _read_text(file, ".env")
    source = DotEnvSettingsSource(
        Settings, env_file=file, env_file_encoding="utf-8-sig", case_sensitive=True
    )
    return {name: value for name, value in source.env_vars.items() if value}


def _located(path: str | Path, folder: Path, name: str) -> Path:
    try:
        return absolute(path, folder=folder)
    except ValueError as error:
        raise BadSettings(f"{name}: {error}", hint=_HELP) from None


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_read_text(file, _CONFIG))
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{file}: {error}", hint="mend the TOML at that place") from None


def explain(settings: Settings) -> list[Setting]:
    """Every named setting and every option given to a plug-in, secrets masked."""
    values = {"home": settings.home}
    for top in sections():
        values |= {f"{top}.{key}": value for key, value in getattr(settings, top)}
    found = [(name, value, named()[name].description or "") for name, value in values.items()]
    for family in sorted(families()):
        for path, value in _leaves(getattr(settings, family), (family,)):
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

"""The places that settings come from: tables of TOML or arguments, variables, secret files.

Each gives `Given` values; which of them wins is decided in `loading`.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from video_rag.errors import BadSettings
from video_rag.settings.kinds import absolute
from video_rag.settings.redaction import looks_secret
from video_rag.settings.schema import families, named

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

CONFIG = "VIDEO_RAG_CONFIG"
_SECRETS = "VIDEO_RAG_SECRETS_DIR"
_PATHS = (
    *("home", "library.media", "library.documents", "search.synonyms"),
    *("blobs.url", "blobs.service_account", "backup.to"),
)
HELP = "docs/reference/settings.md lists all settings"
# Kubernetes gives every pod such variables for a service that is called video-rag or video-rag-api;
# VIDEO_RAG_TEST_… and VIDEO_RAG_ALLOW_PAID are for the tests.
_NOT_OURS = re.compile(
    r"VIDEO_RAG_(?:TEST_\w+|ALLOW_PAID"
    r"|(?:[A-Z0-9_]+_)?(?:SERVICE_(?:HOST|PORT\w*)|PORT_\d+_(?:TCP|UDP|SCTP)\w*))"
)


def variable(name: str) -> str:
    """The environment variable of a dotted name: `library.media` → `VIDEO_RAG_LIBRARY__MEDIA`."""
    return PREFIX + name.upper().replace(".", "__")


@dataclass(frozen=True)
class Given:
    """One value as found in one place."""

    path: tuple[str, ...]
    value: Any
    origin: str


def _anchored(path: tuple[str, ...], value: Any, folder: Path) -> Any:
    """A relative folder counts from where it was written; the URL of a bucket stays."""
    is_relative = isinstance(value, str | Path) and str(value) and not str(value).startswith("~")
    is_relative = is_relative and "://" not in str(value)
    return folder / value if is_relative and ".".join(path) in _PATHS else value


def from_tables(values: Mapping[str, Any], origin: str, folder: Path) -> Iterator[Given]:
    """The values of a nested dict, be it of TOML or of arguments."""
    for path, value in leaves(values, ()):
        is_empty_section = value == {} and len(path) == 2 and path[0] in families()
        if not (is_empty_section or _is_known(path)):
            _refuse(path, origin)
        yield Given(path, _anchored(path, value, folder), origin)


def leaves(
    values: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value with its path; an empty table of a plug-in counts as one."""
    for key, value in values.items():
        here = (*path, str(key))
        if isinstance(value, Mapping) and (value or len(here) == 1):
            yield from leaves(value, here)
        elif value is not None:
            yield here, value


def _is_known(path: tuple[str, ...]) -> bool:
    return ".".join(path) in named() or (path[0] in families() and len(path) > 2 and all(path))


def _refuse(path: tuple[str, ...], origin: str, name: str = "") -> NoReturn:
    """Name the nearest setting that there is, as a variable when it was one."""
    import difflib

    dotted = ".".join(path)
    rest = path[1:] if len(path) > 2 else (*(path[1:] or ("<plug-in>",)), "<option>")
    known = {*named(), *(".".join((family, *rest)) for family in families())}
    known |= {"config", "secrets_dir"} if name else set()
    near = difflib.get_close_matches(dotted, sorted(known), n=1)
    if path[0] in families():
        near = [".".join((path[0], *rest))]
    guess = [variable(found) if name else found for found in near]
    hint = f"did you mean {guess[0]}? " if guess else ""
    raise BadSettings(f"no setting is called {name or dotted} ({origin})", hint=hint + HELP)


def _path_of(name: str, place: str) -> tuple[str, ...] | None:
    """The setting behind a variable; None when it is none of ours."""
    upper = name.upper()
    if alias := ALIASES.get(upper):
        return tuple(alias.split("."))
    if not upper.startswith(PREFIX) or upper in (CONFIG, _SECRETS) or _NOT_OURS.fullmatch(upper):
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


def from_texts(texts: Mapping[str, str], place: str, folder: Path) -> Iterator[Given]:
    """The values of variables or secret files; empty ones are unset, aliases come last."""
    for name, value in sorted(texts.items(), key=lambda item: (item[0].upper() in ALIASES, item)):
        if not value.strip() or _target(name) or _is_service_link(name, value):
            continue
        if path := _path_of(name, place):
            origin = f"{place} {name}"
            yield Given(path, _anchored(path, _decoded(path, value), folder), origin)


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


def from_secret_files(
    env: Mapping[str, str], dotenv: Mapping[str, str], cwd: Path
) -> Iterator[Given]:
    """First the files that `…_FILE` variables name, then those of the folder of secrets."""
    for texts in (env, dotenv):
        named_files = {
            base: _read_text(located(value, cwd, name), name)
            for name, value in texts.items()
            if value.strip() and (base := _target(name))
        }
        yield from from_texts(named_files, "secret file of", cwd)
    given = env.get(_SECRETS) or dotenv.get(_SECRETS)
    folder = located(given or "/run/secrets", cwd, _SECRETS)
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
    yield from from_texts(texts, "secret file", cwd)


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


def read_dotenv(file: Path) -> dict[str, str]:
    """The variables of a `.env` file, none when there is no such file."""
    if not file.is_file():
        return {}
    from dotenv import dotenv_values

    _read_text(file, ".env")
    values = dotenv_values(file, encoding="utf-8-sig")
    return {name: value for name, value in values.items() if value}


def located(path: str | Path, folder: Path, name: str) -> Path:
    """An absolute path; a relative one counts from `folder`. `name` is what a complaint names."""
    try:
        return absolute(path, folder=folder)
    except ValueError as error:
        raise BadSettings(f"{name}: {error}", hint=HELP) from None


def read_toml(file: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises `BadSettings`."""
    import tomllib  # like `difflib` and `dotenv` where it is needed: every command comes by here

    try:
        return tomllib.loads(_read_text(file, CONFIG))
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{file}: {error}", hint="mend the TOML at that place") from None

"""Write `docs/reference/` from the code: `python scripts/reference.py [--check]`.

With `--check` nothing is written, and the exit code is 1 when a page is out of date. A new page is
a new entry of `PAGES`.
"""

from __future__ import annotations

import inspect
import json
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from video_rag import errors, plugins
from video_rag.settings import ALIASES, variable
from video_rag.settings.schema import named

REASONS = Path(__file__).resolve().parent / "reasons.md"
"""The words that errors carry: written by hand, held against the code by the tests."""
FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
_NOTE = "<!-- Written by scripts/reference.py; change the code, not this page. -->"
_WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    SecretStr: "secret",
    type(None): "none",
    Any: "any",
}

Row = tuple[str, ...]

_PLACES = """\
A setting is looked for in these places, and the first that names it wins:

1. **Arguments**: options of the command, or the dict handed to `load_settings`.
2. **The environment**: `VIDEO_RAG_` and the name in capitals, `__` for each dot.
3. **`.env`** in the current folder, with the same names; `${NAME}` is filled in.
4. **Secret files**: first the files that variables with `_FILE` behind their name point at
   (`DIFY_API_KEY_FILE=/path`), then the files in `VIDEO_RAG_SECRETS_DIR` (`/run/secrets` when it is
   not set) that are called like a variable, in capitals or not.
5. **TOML**: the file that `VIDEO_RAG_CONFIG` names; else `video-rag.toml` in the current folder;
   else `video-rag.toml` in the home. Only one of them is read.
6. **The default.**

In places 2 to 4 an empty value is an unset one, lists are JSON or separated by commas, and the word
`none` empties a list or a name that may be empty. A `VIDEO_RAG_…` name wins over its alias in the
same place. A relative folder counts from the current folder, in TOML from the file's own. Names
that do not exist are refused, with the nearest one that does.

`video-rag settings` prints every value in force and where it came from; secrets are masked.
"""

_FAMILIES = """\
## Options of plug-ins

Each plug-in has a table, `[family.name]`; [plugins.md](plugins.md) lists what each takes.
`[knowledge.dify] url` is `VIDEO_RAG_KNOWLEDGE__DIFY__URL` in the environment, where `true`, `false`
and JSON are read as such. Two of a kind: `[knowledge.dify-support]` with `use = "dify"`
(`VIDEO_RAG_KNOWLEDGE__DIFY_SUPPORT__…`). `_FILE` variables exist for options whose name ends in
`key`, `token`, `password`, `secret` and the like, and for the aliases: other options may end in
`_file` themselves. The value of such an option is never shown.
"""

_COMMANDS = """\
`video-rag COMMAND --help` shows the same. Commands that print data print it as JSON with `--json`.
A name that begins with a dash goes after `--`. `video-rag --version` says which version this is;
`python -m video_rag` is `video-rag`.

Exit codes: 0 all is well; 2 the command, a path or a setting must change; 3 a video is at fault,
and the others were taken in; 4 a server or a model could not be had; 1 a bug; 130 stopped. An error
is one line of what happened and one of what to do, on standard error: [Errors](errors.md).
"""

_OPTIONS = """\
Options stand in a table `[family.name]` of the [settings](settings.md). *Redo* says whether another
value makes results out of date, so that the stage runs again."""


def cell(text: str) -> str:
    """The text as it may stand in a table."""
    return " ".join(text.replace("|", "\\|").split())


def rows(head: Row, body: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *body]
    return "\n".join("| " + " | ".join(cell(item) for item in line) + " |" for line in lines)


def kind(annotation: Any) -> str:
    """A type in plain words."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return kind(inside[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in inside)
    if origin in (Union, types.UnionType):
        return " or ".join(kind(part) for part in inside)
    if origin is dict:
        return f"table of {kind(inside[1])}"
    if origin is not None:
        return f"list of {kind(inside[0])}"
    return _WORDS.get(annotation, "table")


def limits(info: FieldInfo) -> str:
    """`, 10 to 600`, `, at least 1` or nothing."""
    bounds = {
        name: getattr(rule, name)
        for rule in info.metadata
        for name in ("ge", "gt", "le", "lt")
        if getattr(rule, name, None) is not None
    }
    if {"ge", "le"} <= bounds.keys():
        return f", {bounds['ge']} to {bounds['le']}"
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    return "".join(f", {words[name]} {value}" for name, value in bounds.items())


def default(info: FieldInfo) -> str:
    """The default as TOML would have it; settings that depend on others say it in words."""
    extra = info.json_schema_extra
    if isinstance(extra, dict) and "default" in extra:
        return f"`{extra['default']}`"
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if value is None or value == "":
        return "none"
    return f"`{json.dumps(value, ensure_ascii=False, default=_plain)}`"


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else str(value)


def settings_page() -> str:
    """Every named setting, by table."""
    aliases = {name: alias for alias, name in ALIASES.items()}
    tables: dict[str, list[Row]] = {}
    for name, info in named().items():
        names = ", ".join(f"`{one}`" for one in (variable(name), aliases.get(name)) if one)
        what = kind(info.annotation) + limits(info)
        row = (f"`{name}`", what, default(info), names, info.description or "")
        tables.setdefault(name.rpartition(".")[0], []).append(row)
    head = ("setting", "type", "default", "environment", "what it is")
    parts = ["# Settings", _NOTE, _PLACES.rstrip()]
    for table, body in tables.items():
        parts += [f"## `[{table}]`" if table else "## The home", rows(head, body)]
    plan = [(f"`{alias}`", f"`{name}`") for alias, name in ALIASES.items()]
    parts += [_FAMILIES.rstrip(), "## Aliases", rows(("alias", "setting"), plan)]
    return "\n\n".join(parts) + "\n"


def installed(family: str) -> Iterator[tuple[str, Any]]:
    """The plug-ins of a family whose module is there."""
    for name in sorted(plugins.table(family)):
        try:
            yield name, plugins.load(family, name)
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith("video_rag."):
                raise


def first_line(thing: Any) -> str:
    """What a docstring says first."""
    return str(thing.__doc__ or "").strip().partition("\n")[0]


def options_of(plugin: Any) -> str:
    """The options of a plug-in as a table."""
    body = []
    for name, info in plugin.Options.model_fields.items():
        extra = info.json_schema_extra
        again = "no" if isinstance(extra, dict) and extra.get("inert") else "yes"
        what = kind(info.annotation) + limits(info)
        body.append((f"`{name}`", what, default(info), again, info.description or ""))
    if not body:
        return "No options."
    return rows(("option", "type", "default", "redo", "what it is"), body)


def plugins_page() -> str:
    """Every plug-in of every family with its options."""
    parts = [
        "# Plug-ins",
        _NOTE,
        _OPTIONS,
    ]
    for family in plugins.FAMILIES:
        for number, (name, plugin) in enumerate(installed(family)):
            parts += [f"## {family}"] * (number == 0)
            parts += [f"### `[{family}.{name}]`", first_line(plugin), options_of(plugin)]
    return "\n\n".join(part for part in parts if part) + "\n"


def error_classes(
    top: type[errors.VideoRagError] = errors.VideoRagError,
) -> Iterator[type[errors.VideoRagError]]:
    """The error tree of errors.py, parents first."""
    yield top
    for below in top.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from error_classes(below)


def errors_page() -> str:
    """What each error means for a shell and for a client of the API."""
    body: list[Row] = [
        (f"`{one.__name__}`", str(one.exit_code), str(one.http_status), first_line(one))
        for one in error_classes()
        if one is not errors.VideoRagError
    ]
    body.append(("anything else", "1", "500", "A bug: please report it with the traceback."))
    text = (
        "Every error has one line saying what happened and one saying what to do. The class says "
        "what should happen next; the exit code is that of the `video-rag` command."
    )
    table = rows(("error", "exit code", "HTTP status", "meaning"), body)
    note = _NOTE.replace("change the code,", f"change the code or scripts/{REASONS.name},")
    reasons = REASONS.read_text(encoding="utf-8").rstrip()
    return "\n\n".join(["# Errors", note, text, table, reasons]) + "\n"


def commands(group: Any, prefix: str = "video-rag") -> Iterator[tuple[str, Any]]:
    """Every command with its full name; of a group, the commands in it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def usage(name: str, command: Any) -> str:
    """`video-rag show VIDEO [--json]`."""
    words = [name]
    for part in command.params:
        if part.param_type_name == "argument":
            shown = part.metavar or part.name.upper()
            many = "…" if part.nargs == -1 and not shown.endswith("…") else ""
            words.append(f"{shown}{many}" if part.required else f"[{shown}{many}]")
    options = [part for part in command.params if part.param_type_name == "option"]
    for part in options:
        shown = (
            part.opts[0] if part.is_flag else f"{part.opts[0]} {part.opts[0].lstrip('-').upper()}"
        )
        words.append(shown if part.required else f"[{shown}]")
    return " ".join(words)


def parameters(command: Any) -> str:
    """The arguments and options of a command as a table."""
    body = []
    for part in command.params:
        name = part.opts[0] if part.param_type_name == "option" else part.metavar or part.name
        is_set = part.default not in (None, False) and not part.required
        shown = f"`{part.default}`" if is_set else ""
        body.append((f"`{name if name.startswith('-') else name.upper()}`", shown, part.help or ""))
    return rows(("", "default", "what it is"), body) if body else ""


def cli_page() -> str:
    """Every command with its arguments and options."""
    from typer.main import get_command

    from video_rag.cli import app

    parts = ["# Commands", _NOTE, _COMMANDS.rstrip()]
    for name, command in commands(get_command(app)):
        parts += [f"## `{name}`", inspect.cleandoc(command.help or "")]
        parts += [f"```\n{usage(name, command)}\n```", parameters(command)]
    return "\n\n".join(part for part in parts if part) + "\n"


_METRICS = """\
What `GET /metrics` of `video-rag serve` says ([how to watch it](../how-to/monitoring.md)). Most of
it comes from the ledger and is the same from whichever process or machine it is asked, so one
server is enough to scrape. HTTP requests are of the server that is scraped, and so are disks,
cookies, yt-dlp and `process_…`, which prometheus-client adds. A counter begins anew with a new
ledger. No label says a title, an address, or who asked."""


def metrics_page() -> str:
    """Every metric with its labels."""
    from video_rag.operations.metrics import METRICS

    body = [
        (f"`{one.shown}`", one.kind, ", ".join(f"`{label}`" for label in one.labels), one.help)
        for one in METRICS
    ]
    table = rows(("metric", "kind", "labels", "what it says"), body)
    return "\n\n".join(["# Metrics", _NOTE, _METRICS, table]) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "settings.md": settings_page,
    "plugins.md": plugins_page,
    "errors.md": errors_page,
    "metrics.md": metrics_page,
}
"""File name in `docs/reference/` → what writes it."""


def stale(folder: Path) -> dict[str, str]:
    """The pages that differ from the code, with the text that they should have."""
    pages = {name: render() for name, render in PAGES.items()}
    return {
        name: text
        for name, text in pages.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    }


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    """Write or check the pages; the exit code."""
    found = stale(folder)
    if "--check" in arguments:
        for name in found:
            print(f"{folder / name} is out of date: run python scripts/reference.py")
        return 1 if found else 0
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in found.items():
        (folder / name).write_text(text, encoding="utf-8")
        print(f"wrote {folder / name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

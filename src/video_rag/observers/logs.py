"""One structured line per event, through the standard library's logging."""

from __future__ import annotations

import json
import logging
import re
import sys
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO

from pydantic import BeforeValidator

from video_rag import causes, plugins
from video_rag.errors import BadSettings
from video_rag.observers import Event, StageFailed, StageProgress, VideoFound, VideoSettled
from video_rag.settings.redaction import redact

log = logging.getLogger("video_rag")

_ALWAYS = ("video", "stage", "plugin", "seconds")
_RENAMED = {"video_id": "video", "answerer": "plugin", "message": "reason"}
_PLAIN = re.compile(r"[^\s\"=]+")


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class Logs:
    """Tells logger `video_rag` what happens; writes lines itself only when a file is named.

    Every record has the attributes `event`, a dict, and `video`, `stage`, `plugin` and `seconds`,
    None where an event has no such thing: applications may log them with handlers of their own.
    Lines also say for which request they are: see `video_rag.causes`.
    """

    version: int = 1

    class Options(plugins.Options):
        """Where the lines go and what they look like."""

        format: Annotated[Literal["auto", "human", "json"], BeforeValidator(_lower)] = (
            plugins.inert(
                "auto",
                description="Form of a line: `human` (name=value) or `json`; `auto` is `human` on "
                "a terminal and `json` elsewhere.",
            )
        )
        level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = (
            plugins.inert("info", description="Least level that is written to the file.")
        )
        file: str = plugins.inert(
            "",
            description="File that lines are added to, `-` for standard error. Without one they "
            "only reach the logger `video_rag` of an application that configures logging.",
        )
        max_bytes: int = plugins.inert(
            50_000_000,
            ge=0,
            description="Size from which on the file is put aside as `<file>.1` and a new one "
            "begun; 0: never, something else rotates it.",
        )
        keep: int = plugins.inert(
            5, ge=1, le=1000, description="Files put aside that are kept: `<file>.1` is the latest."
        )

    def __init__(self, options: Options) -> None:
        """Open the file, if one is named. Raises `BadSettings` when it cannot be written."""
        self.options = options
        if options.file:
            _attach(options)
        elif not log.handlers:
            log.addHandler(logging.NullHandler())  # else Python prints warnings by itself

    def __call__(self, event: Event) -> None:
        """Log one event: progress at debug, failures at warning or error, the rest at info."""
        found = {
            _RENAMED.get(field.name, field.name): _clean(getattr(event, field.name))
            for field in fields(event)
        }
        values = dict.fromkeys(_ALWAYS) | found
        kind = re.sub(r"(?<!^)(?=[A-Z])", " ", type(event).__name__).lower()
        extra = {name: values[name] for name in _ALWAYS} | {"event": values}
        log.log(_level(event), kind, extra=extra)


def _level(event: Event) -> int:
    if isinstance(event, StageProgress | VideoFound | VideoSettled):
        return logging.DEBUG
    if isinstance(event, StageFailed):
        return logging.WARNING if event.retried else logging.ERROR
    return logging.INFO


def _clean(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    return redact(value) if isinstance(value, str) else value


def _attach(options: Logs.Options) -> None:
    """Give the logger a handler for the file; a second library in this process shares it."""
    name = "-" if options.file == "-" else str(Path(options.file).expanduser().absolute())
    handler = next((one for one in log.handlers if one.get_name() == f"logs {name}"), None)
    if handler is None:
        handler = _open(name, options)
        handler.set_name(f"logs {name}")
        log.addHandler(handler)
    handler.setFormatter(HumanLines() if _is_for_people(handler, options) else JsonLines())
    handler.setLevel(options.level.upper())
    log.setLevel(min(one.level for one in log.handlers if one.level))


def _is_for_people(handler: logging.Handler, options: Logs.Options) -> bool:
    if options.format != "auto":
        return options.format == "human"
    return isinstance(handler, _Screen) and handler.stream.isatty()


def _open(name: str, options: Logs.Options) -> logging.Handler:
    if name == "-":
        return _Screen(sys.stderr)
    try:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        from video_rag.observers.rotating import RotatingFile  # few have a file

        return RotatingFile(name, options.max_bytes, options.keep)
    except OSError as error:
        raise BadSettings(
            f"[observers.logs] file: cannot write {name} ({error.strerror})",
            hint="name a file in a folder that this user may write to",
        ) from error


class _Screen(logging.StreamHandler[TextIO]):
    """Standard error."""


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    """What a line says beside time, level and message: every line has the six names."""
    facts: dict[str, Any] = {name: getattr(record, name, None) for name in _ALWAYS}
    facts |= getattr(record, "event", {})
    cause = causes.current()
    for name in ("request_id", "trace_id"):
        facts[name] = facts.get(name) or getattr(cause, name) or None
    return {name: _clean(value) for name, value in facts.items()}


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and the six names of `_facts`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON, secrets cut out."""
        line = {
            "time": _utc(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            **_facts(record),
        }
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class HumanLines(logging.Formatter):
    """`2026-11-23T09:00:00.000Z INFO stage done video=… stage=… plugin=… seconds=…`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record on one line, what an event lacks left out; a traceback follows it."""
        message = redact(record.getMessage()).replace("\n", " ")
        facts = {name: value for name, value in _facts(record).items() if value is not None}
        pairs = [f"{name}={_quoted(value)}" for name, value in facts.items()]
        line = " ".join([_utc(record), record.levelname, message, *pairs])
        if record.exc_info:
            line += "\n" + redact(self.formatException(record.exc_info))
        return line


def _utc(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quoted(value: Any) -> str:
    """The value bare when nothing in it could be mistaken for the next one."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if _PLAIN.fullmatch(text) and text.isprintable():
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in quoted)

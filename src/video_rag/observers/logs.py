"""One structured line per event, through the standard library's logging."""

from __future__ import annotations

import json
import logging
import re
import sys
from dataclasses import fields
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from video_rag import plugins
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
    """

    version: int = 1

    class Options(plugins.Options):
        """Where the lines go and what they look like."""

        format: Annotated[Literal["human", "json"], BeforeValidator(_lower)] = plugins.inert(
            "human", description="Form of a line: `human` (name=value) or `json`."
        )
        level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = (
            plugins.inert("info", description="Least level that is written to the file.")
        )
        file: str = plugins.inert(
            "",
            description="File that lines are added to, `-` for standard error. Without one they "
            "only reach the logger `video_rag` of an application that configures logging.",
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
        handler = _open(name)
        handler.set_name(f"logs {name}")
        log.addHandler(handler)
    handler.setFormatter(JsonLines() if options.format == "json" else HumanLines())
    handler.setLevel(options.level.upper())
    log.setLevel(min(one.level for one in log.handlers if one.level))


def _open(name: str) -> logging.Handler:
    if name == "-":
        return logging.StreamHandler(sys.stderr)
    try:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        # Watched, as logrotate may move it away; names of files may hold what UTF-8 cannot.
        return _File(name, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise BadSettings(
            f"[observers.logs] file: cannot write {name} ({error.strerror})",
            hint="name a file in a folder that this user may write to",
        ) from error


class _File(WatchedFileHandler):
    """A file that may be moved away; a disk that takes no lines stops no work."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Keep quiet about the disk, which the work itself meets; tell of what is a bug."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    """What a line says beside time, level and message; any logger's record has the four names."""
    facts: dict[str, Any] = {name: getattr(record, name, None) for name in _ALWAYS}
    facts |= getattr(record, "event", {})
    return facts


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, video, stage, plugin, seconds."""

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

"""What the work at hand is done for: the ids that stand in every log line about it.

`request_id` names one wish: a request over HTTP, or one of the ledger (`requests`), which goes
with its videos from process to process. `trace_id` names all that followed from one beginning: the
HTTP request, the request that it left in the ledger, and the stages of its videos.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Made = TypeVar("Made")

_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_TRACE = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
"""W3C Trace Context: version, trace, parent, flags."""


@dataclass
class Cause:
    """Why something is done; "" stands for what is not known."""

    request_id: str = ""
    trace_id: str = ""
    asked_by: str = ""
    """The name of the API key, filled in once it is known."""


_CURRENT: ContextVar[Cause | None] = ContextVar("video_rag_cause", default=None)


def current() -> Cause:
    """What the work of this thread, or task, is done for."""
    return _CURRENT.get() or Cause()


@contextmanager
def caused_by(cause: Cause) -> Iterator[Cause]:
    """Do what follows for this; within a generator also what its caller does between two items."""
    before = _CURRENT.get()
    _CURRENT.set(cause)
    try:
        yield cause
    finally:
        _CURRENT.set(before)  # by value: a generator may be closed by another thread


def carried(work: Callable[Given, Made]) -> Callable[Given, Made]:
    """The same work for a thread of its own, which otherwise would not know what it is for."""
    cause = _CURRENT.get()

    def run(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        with caused_by(cause or Cause()):
            return work(*args, **kwargs)

    return run


def is_well_formed(request_id: str) -> bool:
    """Whether an id that somebody sent may stand in headers and logs: 8 to 64 letters."""
    return _WELL_FORMED.fullmatch(request_id) is not None


def new_request_id() -> str:
    """An id for a request that came without one."""
    return secrets.token_hex(8)


def new_trace_id() -> str:
    """An id in the form of W3C Trace Context: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def trace_of(traceparent: str) -> str:
    """The trace that a header `traceparent` names; "" for one that is not well-formed."""
    found = _TRACE.fullmatch(traceparent.strip().lower())
    return found[1] if found and not traceparent.startswith("ff") else ""

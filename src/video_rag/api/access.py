"""Every request gets an id, and leaves a line in the log: which path, by which key, how it went.

Never what came with it: no parameters, headers, cookies or bodies, which hold keys and questions.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from video_rag.api.neighbours import address_of
from video_rag.causes import (
    Cause,
    caused_by,
    is_well_formed,
    new_request_id,
    new_trace_id,
    trace_of,
)
from video_rag.settings.redaction import redact

log = logging.getLogger("video_rag")

HEADER = "X-Request-ID"
_LONGEST = 200
"""Characters of a path: strangers choose them."""
_QUIET = ("/health/", "/metrics")
"""Asked every few seconds by machines."""


class Access:
    """ASGI middleware: the id of a request is taken from `X-Request-ID`, or made, and answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and write the line when the answer has ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(HEADER, "")
        is_fit = is_well_formed(given) and redact(given) == given
        trace_id = trace_of(headers.get("traceparent", "")) or new_trace_id()
        cause = Cause(given if is_fit else new_request_id(), trace_id)
        scope["video_rag.cause"] = cause
        status, begun = 500, time.monotonic()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = cause.request_id
            await send(message)

        with caused_by(cause):
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                _tell(scope, cause, status, time.monotonic() - begun)


def _tell(scope: Scope, cause: Cause, status: int, seconds: float) -> None:
    path = redact(scope["path"])[:_LONGEST]
    event: dict[str, Any] = {
        "video": scope.get("path_params", {}).get("video_id"),
        "seconds": round(seconds, 3),
        "method": scope["method"][:_LONGEST],
        "path": path,
        "status": status,
        "client": address_of(HTTPConnection(scope)),
        "key": cause.asked_by or None,
    }
    level = logging.DEBUG if path.startswith(_QUIET) else logging.INFO
    log.log(level, "request", extra={"event": event})

"""What goes wrong, as JSON: `{"error": what happened, "hint": what to do}`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from video_rag import disk
from video_rag.causes import Cause
from video_rag.errors import UsageError, VideoRagError
from video_rag.settings.redaction import redact_urls

log = logging.getLogger("video_rag")

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; media-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Sent with everything: a page that runs only our own scripts, in nobody's frame."""


class Unauthorized(UsageError):
    """Nobody knows who asks."""

    http_status = 401


class Forbidden(UsageError):
    """Who asks is known and may not."""

    http_status = 403


class TooLarge(UsageError):
    """More than a request of ours ever needs."""

    http_status = 413


class TooMany(UsageError):
    """Too often; `retry_after` is in seconds."""

    http_status = 429

    def __init__(self, message: str, *, hint: str = "", retry_after: float = 60.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


def problem_body(error: VideoRagError) -> dict[str, str]:
    """The body of a refusal."""
    return {"error": redact_urls(str(error)), "hint": redact_urls(error.hint)}


def problem(error: VideoRagError) -> JSONResponse:
    """An error that a person can act on, with the status of its class."""
    headers = {}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    if retry_after := getattr(error, "retry_after", None):
        headers["Retry-After"] = str(max(1, round(retry_after)))
    return JSONResponse(problem_body(error), error.http_status, headers)


def install(app: FastAPI, allowed: Callable[[str], list[str]]) -> None:
    """Show every error of this app in the one form; `allowed` gives the methods of a path."""

    def plain(request: Request, error: Any) -> JSONResponse:
        return _plain(error, allowed(request.url.path), request.url.path)

    app.add_exception_handler(VideoRagError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(OSError, _of_disk)
    app.add_exception_handler(Exception, _bug)


def _expected(_request: Request, error: Any) -> JSONResponse:
    return problem(error)


def _invalid(_request: Request, error: Any) -> JSONResponse:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    return problem(UsageError(f"{where}: {first['msg']}", hint="see docs/reference/api.md"))


def _plain(error: Any, methods: list[str], path: str) -> JSONResponse:
    is_page = error.status_code == 405 and not path.startswith("/api/")
    if is_page or (methods and error.status_code in {404, 405}):
        said = ", ".join(methods or ["GET", "HEAD"])
        body = {"error": "Method Not Allowed", "hint": f"this path has {said}"}
        return JSONResponse(body, 405, {"Allow": said})
    if error.status_code == 405:  # the page's files lie below every path
        error = HTTPException(404)
    body = {"error": str(error.detail), "hint": ""}
    return JSONResponse(body, error.status_code, error.headers)


def _of_disk(request: Request, error: Any) -> JSONResponse:
    refused = disk.foreseen(error, Path())
    return problem(refused) if refused else _bug(request, error)


def _bug(request: Request, error: Exception) -> JSONResponse:
    """A bug of ours: the log gets the traceback (from the server), the asker does not."""
    log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
    body = {"error": "something broke inside video-rag", "hint": "the server's log says what"}
    cause: Cause = request.scope.get("video_rag.cause") or Cause()
    return JSONResponse(body, 500, {**SECURITY_HEADERS, "X-Request-ID": cause.request_id})

"""Asks video-rag for work over its requests API; the standard library alone, and no Airflow.

A request is kept before the server answers, and outlives everything: who asks with the same key
again gets the same one. So a caller may die, or the server, and nothing is lost or done twice.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

OPEN = frozenset({"queued", "working"})
"""States of a request that is still to be worked on."""
PASSING = frozenset({"Unavailable", "DiskError", "Lost", "Bug"})
"""Errors of a request after which trying again may help."""
_CONNECT_SECONDS = 20.0
_AWAY = frozenset({429, 502, 503, 504})

Row = dict[str, Any]


class ApiError(Exception):
    """The server refused, or is away; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "", *, is_passing: bool = False) -> None:
        super().__init__(f"{message}; hint: {hint}" if hint else message)
        self.is_passing = is_passing
        """Whether the same call may work later."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to wherever it points."""

    def redirect_request(self, *_given: Any, **_named: Any) -> None:
        return None


@dataclass(frozen=True)
class Client:
    """One video-rag server. Raises `ApiError` for whatever goes wrong."""

    url: str
    """Such as `http://127.0.0.1:8420`, a path below which it is served included."""
    key: str = field(default="", repr=False)

    def ask(self, wish: Row, once: str) -> Row:
        """Ask for something; with the same `once` again it is the same request."""
        return self._call("POST", "/api/requests", wish, {"Idempotency-Key": once})

    def look(self, request_id: str, wait: float = 0.0) -> Row:
        """A request as it is, or as soon as it has ended within so many seconds (60 at most)."""
        path = f"/api/requests/{_quoted(request_id)}?wait={wait:g}"
        return self._call("GET", path, seconds=wait + _CONNECT_SECONDS)

    def again(self, request_id: str) -> Row:
        """Have a request that has ended worked on once more."""
        return self._call("POST", f"/api/requests/{_quoted(request_id)}/retry")

    def video(self, video_id: str) -> Row:
        """What is known of a video."""
        return self._call("GET", f"/api/videos/{_quoted(video_id)}")

    def page(self, video_id: str) -> str:
        """Where a person opens a video."""
        return f"{self.url.rstrip('/')}/#/video/{_quoted(video_id)}"

    def _call(
        self,
        method: str,
        path: str,
        body: Row | None = None,
        headers: dict[str, str] | None = None,
        seconds: float = _CONNECT_SECONDS,
    ) -> Row:
        sent = {"Accept": "application/json", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        if self.key:
            sent["Authorization"] = f"Bearer {self.key}"
        data = None if body is None else json.dumps(body).encode()
        place = self.url.rstrip("/") + path
        request = urllib.request.Request(place, data, sent, method=method)  # noqa: S310 - by settings
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=seconds) as answer:
                row = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise _refused(error, self.url) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            told = f"video-rag does not answer at {self.url}: {reason}"
            hint = "start `video-rag serve`, or correct the connection"
            raise ApiError(told, hint, is_passing=True) from None
        except ValueError:
            raise ApiError(*_other(self.url)) from None
        if not isinstance(row, dict):
            raise ApiError(*_other(self.url))
        return row


def why(row: Row) -> str:
    """What stands in the way of a request, in words; empty for nothing."""
    told = []
    for one in row["failures"]:
        about = f"{one['about']}: " if one.get("about") else ""
        hint = f" (hint: {one['hint']})" if one.get("hint") else ""
        told.append(f"{about}{one['message']}{hint}")
    return "; ".join(told)


def may_help(row: Row) -> bool:
    """Whether trying again may help a request that did not end well."""
    return all(one["error"] in PASSING for one in row["failures"])


def place(scheme: str, host: str, port: int | None) -> str:
    """The URL of a server from its parts; the host may be a whole URL.

    Raises `ApiError` for what is none.
    """
    url = host if "://" in host else f"{scheme or 'http'}://{host}"
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        hint = "give it the host, such as http://127.0.0.1:8420"
        raise ApiError("the connection names no http address", hint)
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    number = port or parts.port
    return f"{parts.scheme}://{name}{f':{number}' if number else ''}{parts.path}".rstrip("/")


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _other(url: str) -> tuple[str, str]:
    return f"what answers at {url} is not video-rag", "correct the connection's host and port"


def _refused(error: urllib.error.HTTPError, url: str) -> ApiError:
    is_passing = error.code in _AWAY
    try:
        said = json.loads(error.read())
        return ApiError(said["error"], said.get("hint", ""), is_passing=is_passing)
    except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
        told, hint = _other(url)
        return ApiError(f"{told}: it says {error.code}", hint, is_passing=is_passing)

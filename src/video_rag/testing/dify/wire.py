"""Requests and answers as they go over the wire: routing, bodies, Dify's error shapes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ValidationError

NOT_FOUND_PAGE = (
    b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
    b"<p>The requested URL was not found on the server.</p>\n"
)
_UUID = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_PLACE = re.compile(r"\{(\w+)(:any)?\}")
_M = TypeVar("_M", bound=BaseModel)


class ApiError(Exception):
    """A refusal in Dify's shape: `{"code", "message", "status"}`."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def invalid(message: str) -> ApiError:
    """What Dify makes of every `ValueError`, and of most business errors."""
    return ApiError(400, "invalid_param", message)


def not_found(message: str) -> ApiError:
    """A JSON 404; routes that do not exist get an HTML one."""
    return ApiError(404, "not_found", message)


def forbidden(message: str) -> ApiError:
    """A 403, told apart from other ones by its message alone."""
    return ApiError(403, "forbidden", message)


def unauthorized(message: str) -> ApiError:
    """A 401 of the service API."""
    return ApiError(401, "unauthorized", message, WWW_Authenticate='Bearer realm="api"')


class File(NamedTuple):
    """An uploaded file."""

    name: str
    mime_type: str
    content: bytes


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    target: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""

    @property
    def path(self) -> str:
        """Without the query."""
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, str]:
        """The first value of each query parameter."""
        found = parse_qs(urlsplit(self.target).query, keep_blank_values=True)
        return {name: values[0] for name, values in found.items()}

    @property
    def json(self) -> Any:
        """The body as JSON; an empty one is an empty object."""
        try:
            return json.loads(self.body) if self.body else {}
        except ValueError:
            raise ApiError(
                400,
                "bad_request",
                "The browser (or proxy) sent a request that this server could not understand.",
            ) from None

    @property
    def object(self) -> dict[str, Any]:
        """The body, which has to be a JSON object."""
        found = self.json
        return found if isinstance(found, dict) else {}

    @cached_property
    def form(self) -> tuple[dict[str, str], list[File]]:
        """The fields and the files of a multipart body."""
        fields: dict[str, str] = {}
        files: list[File] = []
        for name, file_name, mime_type, content in self._parts():
            if file_name is None:
                fields[name] = content.decode()
            else:
                files.append(File(file_name, mime_type, content))
        return fields, files

    def _parts(self) -> Iterator[tuple[str, str | None, str, bytes]]:
        boundary = re.search(r'boundary="?([^";]+)', self.headers.get("content-type", ""))
        if not boundary:
            return
        for part in self.body.split(b"--" + boundary[1].encode())[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            said = head.decode()
            name = re.search(r'name="([^"]*)"', said)
            file_name = re.search(r'filename="((?:[^"\\]|\\.)*)"', said)
            kind = re.search(r"(?i)content-type: *(\S+)", said)
            yield (
                name[1] if name else "",
                re.sub(r"\\(.)", r"\1", file_name[1]) if file_name else None,
                kind[1] if kind else "",
                content.removesuffix(b"\r\n"),
            )

    def number(self, name: str, default: int) -> int:
        """A whole number in the query."""
        try:
            return int(self.query.get(name, default))
        except ValueError:
            return default


@dataclass(frozen=True)
class Reply:
    """What the server says: JSON, bytes, or a stream of bytes."""

    body: Any = None
    """`bytes` go out as they are; everything else as JSON; None with 204 is no body."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterator[bytes] | None = None
    cookies: tuple[str, ...] = ()
    """Values of `Set-Cookie`."""

    def payload(self) -> bytes:
        """The bytes of the body."""
        if isinstance(self.body, bytes):
            return self.body
        if self.status == 204:
            return b""
        return json.dumps(self.body).encode() + b"\n"


def bearer(request: Request) -> str:
    """The key that a request holds; 401 without one."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise unauthorized("Authorization header must be provided and start with 'Bearer'")
    return key


NO_CONTENT = Reply(status=204)
NO_ROUTE = Reply(NOT_FOUND_PAGE, 404, {"content-type": "text/html; charset=utf-8"})


def refusal(error: ApiError) -> Reply:
    """The answer that an error becomes."""
    body = {"code": error.code, "message": error.message, "status": error.status}
    return Reply(body, error.status, error.headers)


def validated(model: type[_M], data: Any) -> _M:
    """The data as this model; else the refusal that Dify makes of pydantic's words."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise invalid(str(error)) from None


Deferred = Callable[[], Reply]
"""What is left to do outside the world's lock."""
Handler = Callable[[Any], Reply | Deferred]


class Routes:
    """A table of routes. `{name}` stands for a UUID, `{name:any}` for any part of a path."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._table: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, *patterns: str) -> Callable[[Handler], Handler]:
        """Register a handler, which is given a `Call`."""

        def register(handler: Handler) -> Handler:
            for pattern in patterns:
                expression = _PLACE.sub(_group, self._prefix + pattern)
                self._table.append((method, re.compile(expression), handler))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        """The handler of a request, and the ids in its path."""
        for known, pattern, handler in self._table:
            if known == method and (match := pattern.fullmatch(path)):
                return handler, match.groupdict()
        return None


def _group(match: re.Match[str]) -> str:
    return f"(?P<{match[1]}>{'[^/]+' if match[2] else _UUID})"

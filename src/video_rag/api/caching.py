"""Answers that are sent once: with an ETag, and compressed for who can read that."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from fastapi.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

WORTH_PACKING = 1000
"""Bytes."""
_TAG = re.compile(r'(?:W/)?("[^"]*")')


@dataclass(frozen=True)
class Body:
    """What is sent, whole and compressed, and its tag."""

    data: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    packed: bytes | None = None
    tag: str = ""

    @classmethod
    def of(cls, data: bytes, media_type: str = "application/json", **headers: str) -> Body:
        """Compress it if that is worth it. `headers` count for the tag, too."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        digest = hashlib.sha256(repr(sorted(named.items())).encode() + data).hexdigest()[:32]
        packed = gzip.compress(data, 6, mtime=0) if len(data) >= WORTH_PACKING else None
        return cls(data, media_type, named, packed, f'W/"{digest}"')


def answer(request: Request, body: Body) -> Response:
    """The body, or 304 to who has it already."""
    headers = {**body.headers, "ETag": body.tag, "Vary": "Accept-Encoding, Cookie, Authorization"}
    if is_known(request.headers.get("if-none-match"), body.tag):
        return Response(status_code=304, headers=headers)
    if body.packed and _reads_gzip(request.headers.get("accept-encoding", "")):
        packed = {**headers, "Content-Encoding": "gzip"}
        return Response(body.packed, media_type=body.media_type, headers=packed)
    return Response(body.data, media_type=body.media_type, headers=headers)


def is_known(if_none_match: str | None, tag: str) -> bool:
    """Whether a client names this tag among those that it has (RFC 9110: weakly compared)."""
    if if_none_match is None:
        return False
    wanted = _TAG.match(tag)
    return if_none_match.strip() == "*" or (
        wanted is not None and wanted[1] in _TAG.findall(if_none_match)
    )


class FileAnswer(FileResponse):
    """A file, whole or in ranges; 304 to who has it, and no bytes to who only looks (HEAD)."""

    def __init__(self, path: Any, media_type: str, *, is_look: bool, if_none_match: str | None):
        super().__init__(path, media_type=media_type, stat_result=path.stat())
        self._is_look = is_look
        self._is_known = is_known(if_none_match, self.headers["etag"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        if self._is_known:
            kept = {name: self.headers[name] for name in ("etag", "last-modified")}
            await Response(status_code=304, headers=kept)(scope, receive, send)
        else:
            method = "HEAD" if self._is_look else scope["method"]
            await super().__call__({**scope, "method": method}, receive, send)


def _reads_gzip(accepted: str) -> bool:
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in {"gzip", "*"}:
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False

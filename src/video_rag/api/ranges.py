"""A file in a bucket as a player asks for it: whole, or from one byte to another (RFC 9110, 14).

What is asked for is read from the bucket in pieces while it is sent, and no further than the
player wants it. Several ranges at once, which no player asks for, get the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import formatdate

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from video_rag.api.caching import is_known
from video_rag.stores.media import Remote

_RANGE = re.compile(
    r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", flags=re.ASCII | re.IGNORECASE
)


def remote_answer(request: Request, remote: Remote, kind: str, *, is_look: bool) -> Response:
    """The file or the part of it that is asked for; 304 to who has it; no bytes for a look."""
    headers = {
        "ETag": f'"{remote.tag}"',
        "Last-Modified": formatdate(remote.changed, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    if is_known(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range")
    condition = request.headers.get("if-range")
    if condition not in {None, headers["ETag"], headers["Last-Modified"]}:
        asked = None  # of what it was before
    wanted = asked_for(asked, remote.size) if asked else None
    if wanted is not None and wanted.start >= wanted.stop:
        headers["Content-Range"] = f"bytes */{remote.size}"
        return Response(status_code=416, headers=headers)
    start, end = (wanted.start, wanted.stop) if wanted else (0, remote.size)
    status = 206 if wanted else 200
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{remote.size}"
    headers["Content-Length"] = str(end - start)
    body = iter(()) if is_look else _begun(remote, start, end)
    return StreamingResponse(body, status, headers, media_type=kind)


def asked_for(header: str, size: int) -> range | None:
    """The bytes that a `Range` means; an empty range for none that there are.

    None where the header is to be ignored: another unit, several ranges, no sense.
    """
    found = _RANGE.fullmatch(header)
    first, last = (found[1], found[2]) if found else ("", "")
    if not first and not last:
        return None
    if not first:  # the last so many
        return range(max(0, size - int(last)), size)
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    return range(start, end) if start < size else range(0)


def _begun(remote: Remote, start: int, end: int) -> Iterator[bytes]:
    """The bytes; the first of them are here, so that a bucket that is away is told as an error."""
    pieces = remote.read(start, end)
    first = next(pieces, b"")

    def all_of() -> Iterator[bytes]:
        yield first
        yield from pieces

    return all_of()

"""Keeps other web sites out: checked before any route, written on every answer.

The page runs in browsers that also visit hostile sites. Three attacks are stopped here:

- DNS rebinding (a hostile name that resolves to 127.0.0.1): while the server is open to whoever
  sits at this machine, the `Host` must be this machine. One that is no host at all is refused
  always: links in answers are made from it.
- Cross-site requests (a hostile page posts a form to us): what changes something must come from our
  own page, which browsers tell in `Sec-Fetch-Site` or `Origin`, or carry a key in `Authorization`.
- Framing and injected scripts: the headers in `problems.SECURITY_HEADERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from video_rag.api.hosts import is_loopback, split_host
from video_rag.api.problems import SECURITY_HEADERS, Forbidden, TooLarge, problem
from video_rag.errors import UsageError, VideoRagError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY = 1_000_000
"""Bytes. Questions and URLs are all that is ever sent here."""


class Fence:
    """ASGI middleware; `is_open` tells whether requests need no key now."""

    def __init__(self, app: ASGIApp, *, is_open: Callable[[], bool], public_url: str) -> None:
        self.app = app
        self.is_open = is_open
        self.public_netloc = urlsplit(public_url).netloc.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on and add the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                # Else browsers guess how long, and show the page of an earlier version.
                headers.setdefault("Cache-Control", "private, no-cache")
            await send(message)

        error = self._objection(scope["method"], Headers(scope=scope))
        app = problem(error) if error else self.app
        await app(scope, receive, send_with_headers)

    def _objection(self, method: str, headers: Headers) -> VideoRagError | None:
        host = split_host(headers.get("host", ""))
        if host is None:
            return UsageError(
                "the header `Host` names no host", hint="send the server's name and port in it"
            )
        if not is_loopback(host) and self.is_open():
            return Forbidden(
                f"this server does not answer to the name {headers.get('host', '')!r}",
                hint="open it as http://127.0.0.1, or make a key: video-rag keys add NAME",
            )
        if method not in SAFE_METHODS and self._is_cross_site(headers):
            return Forbidden(
                "another web site sent this request",
                hint="use the page itself, or an API key in the Authorization header",
            )
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdigit() or int(length) > MAX_BODY:
            return TooLarge("the request is too large", hint=f"send at most {MAX_BODY} bytes")
        return None

    def _is_cross_site(self, headers: Headers) -> bool:
        if headers.get("authorization", "").startswith("Bearer "):
            return False  # no browser adds a key by itself
        if site := headers.get("sec-fetch-site"):
            return site not in {"same-origin", "none"}
        if origin := headers.get("origin"):
            netloc = _netloc(origin)
            return netloc not in {headers.get("host", "").lower(), self.public_netloc} or not netloc
        return False  # not a browser: these always send one of the two


def _netloc(origin: str) -> str:
    """The host and port of a page; "" for what is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""

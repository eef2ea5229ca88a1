"""Methods: HEAD wherever there is GET, and the methods that a path has, for who used another."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

IS_HEAD = "video_rag.is_head"
"""In the scope of a GET that is answered for a HEAD."""


class Heads:
    """ASGI middleware: answers HEAD as GET, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET", IS_HEAD: True}, receive, send_head)


def allowed(routers: Sequence[APIRouter], path: str) -> list[str]:
    """The methods that a path has, sorted; none when it is no path of the API."""
    found: set[str] = set()
    for router in routers:
        for route in router.routes:
            pattern, methods = getattr(route, "path_regex", None), getattr(route, "methods", None)
            if pattern and methods and pattern.match(path):
                found |= methods
    return sorted(found | {"HEAD"} if "GET" in found else found)

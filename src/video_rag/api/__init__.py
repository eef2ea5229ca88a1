"""The HTTP door: `create_app` makes it, `server.serve` opens it. Needs the extra `web`."""

from __future__ import annotations

from video_rag.errors import NeedsExtra

try:
    import fastapi as _fastapi
except ModuleNotFoundError as error:
    raise NeedsExtra("fastapi", "web") from error

from video_rag.api.app import create_app

__all__ = ["create_app"]

del _fastapi

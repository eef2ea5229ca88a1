"""Links that open from anywhere: a path on the server means nothing to a browser elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from video_rag.api.auth import TheGate
from video_rag.net.pages import moment


class Links:
    """Rewrites links to files into links to this server's page."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")

    def page(self, video_id: str, seconds: float) -> str:
        """The page that opens this video at that second."""
        return moment(self.base, video_id, seconds)

    def open(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of the library whose `url` opens here, at its `start`."""
        if row["url"].startswith(("http://", "https://")):
            return row
        return {**row, "url": self.page(row["video_id"], row["start"])}


async def links_of(request: Request, gate: TheGate) -> Links:
    """The links of this request: to the public address, else to the one it came by."""
    return Links(gate.public_url or str(request.base_url))


TheLinks = Annotated[Links, Depends(links_of)]

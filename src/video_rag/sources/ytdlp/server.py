"""What servers say of the files they send, which yt-dlp keeps to itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from video_rag.errors import ContentError, Unavailable

_TOTAL = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True)
class Said:
    """One answer's account of the whole file."""

    url: str
    """Where it was asked for, without the query."""
    size: int | None = None
    """Bytes."""
    etag: str = ""


class Server:
    """Listens to what one yt-dlp asks and hears; `files` are the URLs it listens for."""

    def __init__(self, downloader: Any) -> None:
        self.files: set[str] = set()
        self._said: dict[str, Said] = {}
        self._last: Any = None
        self._ask = downloader.urlopen
        downloader.urlopen = self.open

    def open(self, request: Any) -> Any:
        """Send a request of yt-dlp's on, and note the answer.

        A rest of a file is asked for only if the file is still the same (RFC 9110 §13.1.5); yt-dlp
        would join what comes from a server that has no tags. Raises `Unavailable` if its size
        changed meanwhile.
        """
        url = str(getattr(request, "url", request))
        if url not in self.files:
            self._last = self._asked(request)
            return self._last
        known = self._said.get(url)
        if known and known.etag.startswith('"') and "Range" in request.headers:
            request.headers["If-Range"] = known.etag
        self._last = self._asked(request)
        self._said[url] = said = _said(url, self._last)
        if known and self._last.status == 206:
            _refuse_another(known, said)
        return self._last

    def _asked(self, request: Any) -> Any:
        """The answer; a refusal is closed at once, since yt-dlp's downloader leaves it open."""
        from yt_dlp.networking.exceptions import HTTPError

        try:
            return self._ask(request)
        except HTTPError as error:
            error.close()
            raise

    def hang_up(self) -> None:
        """Close what was heard last: yt-dlp forgets it when a download is stopped midway."""
        if self._last is not None:
            self._last.close()

    def said(self, url: str) -> Said:
        """What was said of a file last."""
        return self._said.get(url) or Said(plain(url))

    def piece(self, row: dict[str, Any], first: int, last: int) -> tuple[Said, bytes] | None:
        """Some bytes of a file, both ends included; None if the server does not give just them.

        Raises yt-dlp's errors.
        """
        from yt_dlp.networking.exceptions import HTTPError

        wanted = {"Range": f"bytes={first}-{last}", "Accept-Encoding": "identity"}
        try:
            response = self._asked(_request(row, wanted))
        except HTTPError as error:
            if error.status == 416:
                return None
            raise
        with response:
            match = _TOTAL.fullmatch(response.headers.get("Content-Range") or "")
            if (
                response.status != 206
                or not match
                or (int(match[1]), int(match[2])) != (first, last)
            ):
                return None
            url = str(row["url"])
            self._said[url] = said = _said(url, response)
            return said, response.read(last - first + 1)

    def playlist(self, row: dict[str, Any]) -> tuple[str, str]:
        """The HLS playlist of a format, and the address that its own addresses start from.

        Raises `ContentError` for one that yt-dlp would leave to ffmpeg; yt-dlp's errors.
        """
        from yt_dlp.downloader.hls import HlsFD

        with self._asked(_request(row, {})) as response:
            text = response.read().decode("utf-8", "ignore")  # the door limits it
            address = str(response.url)
        if not HlsFD.can_download(text, row):
            raise ContentError(
                "the stream is protected, or of a kind that is not fetched",
                hint="choose another with format in [sources.ytdlp]",
                reason="drm" if "#EXT-X-KEY" in text else "",
            )
        return text, address


def plain(url: str) -> str:
    """A URL without its query and fragment."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


def _refuse_another(known: Said, said: Said) -> None:
    if known.size != said.size and None not in {known.size, said.size}:
        raise Unavailable(
            f"{known.url}: the file changed while it was fetched",
            hint="try again later",
            reason="network",
        )


def _request(row: dict[str, Any], headers: dict[str, str]) -> Any:
    from yt_dlp.networking import Request

    return Request(str(row["url"]), headers={**(row.get("http_headers") or {}), **headers})


def _said(url: str, response: Any) -> Said:
    """The size of the whole file is known from a part of it as well."""
    headers = response.headers
    match = _TOTAL.fullmatch(headers.get("Content-Range") or "")
    length = headers.get("Content-Length") or ""
    size = int(match[3]) if match else None
    if response.status == 200 and length.isdigit() and not headers.get("Content-Encoding"):
        size = int(length)
    return Said(plain(url), size, headers.get("ETag") or "")

"""The one way out for yt-dlp: through our checking proxy, by itself, without other programs."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from video_rag.errors import ContentError, NeedsExtra, UnsupportedUrl, VideoRagError
from video_rag.net import guard
from video_rag.net.proxy import CheckingProxy, Visit
from video_rag.sources.weberrors import redacted
from video_rag.sources.ytdlp.pages import careful

MakeProxy = Callable[[str | None], CheckingProxy]
"""From the URL of the user's proxy to a checking proxy that goes through it."""

_PROTOCOLS = frozenset(
    {"http", "https", "m3u8", "m3u8_native", "http_dash_segments", "http_dash_segments_generator"}
    | {"f4m", "ism", "mhtml", "bunnycdn", "soopvod", "data"}
)
"""What yt-dlp downloads by itself; rtmp, mms and the like are for other programs, unchecked."""
_HANDLERS = frozenset({"Requests", "CurlCFFI", "Urllib", "Websockets"})
"""Those that are known to keep to the proxy, as far as `_confined` makes them."""
LARGEST_PAGE = 20_000_000
"""Bytes, unpacked, of what yt-dlp reads at once: pages, lists, playlists of streams. A page packed
a thousandfold would take all memory; one of YouTube's is 2 MB, the playlist of a day 10 MB."""
_PIECE = 1 << 16
_NOWHERE = "/nonexistent/no program may fetch"


class Door:
    """Opens yt-dlps that reach only what `guard` lets them.

    With `allow_private` there is nothing to check: yt-dlp connects as it likes. `lookup` and
    `make` replace the system's name servers and our proxy.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        lookup: guard.Lookup | None = None,
        make: MakeProxy | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._lookup = lookup
        self._make = make or (lambda upstream: CheckingProxy(upstream=upstream, lookup=lookup))
        self._proxies: dict[str | None, CheckingProxy] = {}
        self._lock = threading.Lock()

    def check(self, url: str, upstream: str | None = None) -> None:
        """Refuse a URL that must not be fetched: see `guard.check_url`."""
        guard.check_url(
            url,
            allow_private=self._allow_private,
            resolve=_through(upstream) is None,
            lookup=self._lookup,
        )

    @contextmanager
    def open(self, what: str, parameters: dict[str, Any]) -> Iterator[Any]:
        """A yt-dlp; its proxy in `parameters` is the user's. `what` names the video in errors.

        Raises `UnsupportedUrl` in place of any error when something on the way led to where it
        must not, and `BadSettings` for a proxy of a kind unknown.
        """
        upstream = parameters.get("proxy")
        visit = None if self._allow_private else self._proxy(_through(upstream)).visit()
        native = {"external_downloader": {"default": "native"}, "enable_file_urls": False}
        made = parameters | native | ({"proxy": visit.url} if visit else {})
        try:
            with _kind()(made) as downloader:
                if visit:
                    downloader.confine()
                yield downloader
        except (VideoRagError, _ytdlp_error()) as error:
            if visit and visit.refused:
                raise _refusal(what, visit) from error
            raise

    def close(self) -> None:
        """End the proxies."""
        with self._lock:
            for proxy in self._proxies.values():
                proxy.close()

    def _proxy(self, upstream: str | None) -> CheckingProxy:
        with self._lock:
            if upstream not in self._proxies:
                self._proxies[upstream] = self._make(upstream)
            return self._proxies[upstream]


def _through(upstream: str | None) -> str | None:
    """The user's proxy: the one that was set, else the system's (`HTTPS_PROXY` and the like)."""
    if upstream is not None:
        return upstream or None
    found = urllib.request.getproxies()
    return found.get("https") or found.get("http") or found.get("all")


def _refusal(what: str, visit: Visit) -> UnsupportedUrl:
    host = " ".join(visit.refused[0].split())[:100] or "an address"
    return UnsupportedUrl(
        f"{what} leads to {host}, which is on this machine or in a private network",
        hint="set allow_private = true in [guard] if that is meant",
        reason="private-network",
    )


@cache
def _ytdlp_error() -> type[Exception]:
    from yt_dlp.utils import YoutubeDLError

    found: type[Exception] = YoutubeDLError
    return found


@cache
def _kind() -> Any:
    """yt-dlp's class, confined: made late, since importing it takes half a second."""
    import yt_dlp
    from yt_dlp.extractor import openload

    # Extractors of three sites would have PhantomJS run a page's scripts, past the proxy.
    openload.check_executable = lambda *_: False

    class Confined(yt_dlp.YoutubeDL):  # type: ignore[misc]  # yt-dlp has no types
        def confine(self) -> None:
            """Make sure that there is a way to fetch that keeps to the proxy."""
            if "Requests" not in self._request_director.handlers:
                raise NeedsExtra("requests, which yt-dlp fetches with,", "download")

        def build_request_director(self, handlers: Iterable[Any], preferences: Any = None) -> Any:
            """The ways to fetch."""
            proxy = self.params.get("proxy")
            if not proxy:
                return super().build_request_director(handlers, preferences)
            director = super().build_request_director(_confined(handlers), preferences)
            if curl := director.handlers.get("CurlCFFI"):
                curl.proxies = {"all": proxy, "no": ""}  # else libcurl obeys NO_PROXY
            return director

        def get_info_extractor(self, ie_key: str) -> Any:
            """One of yt-dlp's extractors; the one for any page walks into no trap."""
            if ie_key == "Generic" and ie_key not in self._ies_instances:
                self.add_info_extractor(careful()())
            return super().get_info_extractor(ie_key)

        def urlopen(self, req: Any) -> Any:
            """Fetch; no extractor chooses another proxy for itself, nor reads without end."""
            _forget_proxies(req)
            return _bounded(super().urlopen(req))

        def dl(self, name: str, info: Any, subtitle: bool = False, test: bool = False) -> Any:
            """Download one file by ourselves; ffmpeg and rtmpdump go where they are told."""
            _refuse_foreign(info)
            program, self.params["ffmpeg_location"] = self.params.get("ffmpeg_location"), _NOWHERE
            try:
                return super().dl(name, info, subtitle, test)
            finally:
                self.params["ffmpeg_location"] = program

    return Confined


def _forget_proxies(request: Any) -> None:
    from yt_dlp.networking import Request

    if isinstance(request, Request):
        request.proxies = {}
        request.headers.pop("Ytdl-Request-Proxy", None)


def _bounded(response: Any) -> Any:
    """An answer that is read whole only if it is no larger than `LARGEST_PAGE`.

    What is read piece by piece goes to a file, whose size is watched elsewhere.
    """
    # Its class is changed, since a function put into it would hold it: extractors of yt-dlp drop
    # answers unread, and these must be closed at once, not when the collector comes by.
    response.__class__ = _bounded_kind(type(response))  # type: ignore[arg-type]  # Any
    return response


@cache
def _bounded_kind(kind: Any) -> Any:
    """One of yt-dlp's classes of answers, with a limit."""

    class Bounded(kind):  # type: ignore[misc]  # yt-dlp has no types
        def read(self, amount: int | None = None) -> bytes:
            """So many bytes, or the whole. Raises `ContentError` for too large a whole."""
            if amount is not None and amount >= 0:
                piece: bytes = super().read(amount)
                return piece
            body = bytearray()
            while piece := super().read(_PIECE):
                body += piece
                if len(body) > LARGEST_PAGE:
                    self.close()
                    raise ContentError(
                        f"{redacted(str(self.url))}: larger than {LARGEST_PAGE} bytes",
                        hint="a page is not so large: check the URL",
                        reason="too-large",
                    )
            return bytes(body)

    return Bounded


def _refuse_foreign(info: Any) -> None:
    """Raise yt-dlp's `DownloadError` where picture or sound come by a protocol of others."""
    from yt_dlp.utils import DownloadError, determine_protocol

    parts = info.get("requested_formats") or [info]
    if foreign := {determine_protocol(part) for part in parts} - _PROTOCOLS:
        said = f"{min(foreign)} is not downloaded, only http and https are"
        raise DownloadError(said, (None, None, None))  # yt-dlp looks into them


def _confined(handlers: Iterable[Any]) -> Iterator[Any]:
    """yt-dlp's classes that fetch, those left out of which it is not known that they keep to it.

    urllib obeys NO_PROXY whatever it is told: it is kept for `data:` alone.
    """
    for handler in handlers:
        if handler.RH_KEY == "Urllib":
            yield type(handler.__name__, (handler,), {"_SUPPORTED_URL_SCHEMES": ("data",)})
        elif handler.RH_KEY in _HANDLERS:
            yield handler

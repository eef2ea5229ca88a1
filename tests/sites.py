"""Answers of YouTube and Bilibili, written by hand, given to yt-dlp in place of the network.

The extractors are the real ones: only what would go out over the wire is answered here.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures" / "sites"


@dataclass
class Sites:
    """What addresses answer: text, JSON, or a status. What was asked is counted in `asked`."""

    answers: dict[str, Any] = field(default_factory=dict)
    """By the start of the address; the longest start that fits is taken."""
    asked: Counter[str] = field(default_factory=Counter)

    def answer(self, url: str) -> tuple[int, bytes]:
        fits = [start for start in self.answers if url.startswith(start)]
        self.asked[max(fits, key=len) if fits else url] += 1
        if not fits:
            return 404, b"not found"
        found = self.answers[max(fits, key=len)]
        if isinstance(found, int):
            return found, b"no"
        if isinstance(found, bytes):
            return 200, found
        return 200, (found if isinstance(found, str) else json.dumps(found)).encode()


def infos(name: str) -> dict[str, dict[str, Any]]:
    """Info dictionaries written by hand after the fields that the extractors give."""
    found: dict[str, dict[str, Any]] = json.loads((FIXTURES / name).read_text(encoding="utf-8"))
    return found


@contextmanager
def answering(extractor: Any = None) -> Iterator[Sites]:
    """All of yt-dlp's requests are answered here; `extractor` is known to it meanwhile."""
    from yt_dlp.extractor import import_extractors
    from yt_dlp.globals import extractors as known
    from yt_dlp.networking import common
    from yt_dlp.networking.exceptions import HTTPError

    sites = Sites()

    class AnswersRH(common.RequestHandler):  # type: ignore[misc]
        _SUPPORTED_URL_SCHEMES = ("http", "https")
        _SUPPORTED_PROXY_SCHEMES = None
        _SUPPORTED_FEATURES = tuple(common.Features)
        RH_NAME = "answers"

        def _check_extensions(self, extensions: dict[str, Any]) -> None:
            extensions.clear()

        def _send(self, request: Any) -> Any:
            status, body = sites.answer(request.url)
            response = common.Response(io.BytesIO(body), request.url, {}, status=status)
            if status >= 400:
                raise HTTPError(response)
            return response

    old, preferences = dict(common._REQUEST_HANDLERS), set(common._RH_PREFERENCES)
    common._REQUEST_HANDLERS.clear()
    common.register_rh(AnswersRH)
    if extractor is not None:
        import_extractors()  # all of them are loaded before one is put in front
        name = extractor.__name__
        before = dict(known.value)
        known.value = {name: extractor} | before
    try:
        yield sites
    finally:
        common._REQUEST_HANDLERS.clear()
        common._REQUEST_HANDLERS.update(old)
        common._RH_PREFERENCES.clear()
        common._RH_PREFERENCES.update(preferences)
        if extractor is not None:
            known.value = before


def view(title: str, *parts: str, **more: Any) -> dict[str, Any]:
    """What Bilibili says of a video with these parts."""
    pages = [
        {"cid": 100 + number, "page": number, "part": part, "duration": 60 * number}
        for number, part in enumerate(parts, start=1)
    ]
    data = {"title": title, "pubdate": 1589601697, "owner": {"name": "某某"}, "pages": pages}
    return {"code": 0, "data": data | more}


def youtube_page(data: dict[str, Any]) -> str:
    """A page of YouTube with its data in it."""
    return f"<html><script>var ytInitialData = {json.dumps(data)};</script></html>"


def youtube_playlist(sites: Sites, url: str, title: str, *videos: dict[str, Any]) -> None:
    """Serve a playlist; each video has the fields of a `playlistVideoRenderer`.

    The page is asked for first, then the list once more with the videos that are gone.
    """
    rows = [{"playlistVideoRenderer": video} for video in videos]
    listed = {"playlistVideoListRenderer": {"contents": rows}}
    section = {"itemSectionRenderer": {"contents": [listed]}}
    tab = {"selected": True, "content": {"sectionListRenderer": {"contents": [section]}}}
    data = {
        "contents": {"twoColumnBrowseResultsRenderer": {"tabs": [{"tabRenderer": tab}]}},
        "metadata": {"playlistMetadataRenderer": {"title": title}},
    }
    sites.answers[url] = youtube_page(data)
    sites.answers["https://www.youtube.com/youtubei/v1/browse"] = data


def youtube_channel(name: str, *videos: dict[str, Any]) -> str:
    """A channel's tab of videos; each has the fields of a `videoRenderer`."""
    rows = [{"richItemRenderer": {"content": {"videoRenderer": video}}} for video in videos]
    tab = {
        "selected": True,
        "title": "Videos",
        "endpoint": {"commandMetadata": {"webCommandMetadata": {"url": "/@talks/videos"}}},
        "content": {"richGridRenderer": {"contents": rows}},
    }
    channel = {"title": name, "externalId": "UCabcdefghijklmnopqrstuv"}
    return youtube_page(
        {
            "contents": {"twoColumnBrowseResultsRenderer": {"tabs": [{"tabRenderer": tab}]}},
            "metadata": {"channelMetadataRenderer": channel},
        }
    )


def youtube_video(native: str, title: str, length: str = "3:32", **more: Any) -> dict[str, Any]:
    """A row of a list."""
    return {
        "videoId": native,
        "title": {"runs": [{"text": title}]},
        "lengthText": {"simpleText": length},
        **more,
    }

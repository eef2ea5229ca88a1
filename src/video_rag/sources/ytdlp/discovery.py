"""What is behind a URL: a feed, a list, a series of parts, or one video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from video_rag.errors import ContentError, UnsupportedUrl, VideoRagError
from video_rag.model import Video
from video_rag.sources import feeds, web
from video_rag.sources.feeds import memory as feed_memory
from video_rag.sources.weberrors import redacted
from video_rag.sources.ytdlp import lists, series
from video_rag.sources.ytdlp.options import Options
from video_rag.sources.ytdlp.recent import Facts
from video_rag.sources.ytdlp.session import Session, Sessions


class Discovery:
    """Finds videos. Everything is read before the first is given: the site's slot is free then."""

    def __init__(
        self,
        options: Options,
        sessions: Sessions,
        remember: Callable[[Video, Facts], None] | None = None,
    ) -> None:
        self.options = options
        self.sessions = sessions
        self.remember = remember
        """Told of each video that was looked up by itself, and what its page told."""

    def discover(self, url: str) -> Iterator[Video | VideoRagError]:
        """The videos behind a URL, each once; see `Source.discover`."""
        address, is_feed = feeds.address(url)
        if "\\" not in address:  # readers differ in where a host ends that has one behind it
            address = feeds.proper(address)
        self.sessions.check(address)
        named = web.named_by(address)
        try:
            with self.sessions.open(address, self._parameters(address)) as session:
                if is_feed:
                    found = self._given_feed(session, address)
                else:
                    found = self._found(session, named[1] if named else address)
        except VideoRagError as error:
            if named:
                error.video_id = named[0]
            raise
        if not found:
            raise ContentError(
                f"{redacted(address)}: the list is empty", hint="check the URL", reason="empty"
            )
        yield from found

    def parts(self, video: Video) -> Iterator[Video | VideoRagError]:
        """The parts of a video that a list of Bilibili names; all others as they are.

        A list tells no durations there: a video that has one was asked for already.
        """
        series = web.series_of(video)
        if series is None or series[1] is not None or video.duration is not None:
            yield video
            return
        try:
            with self.sessions.open(video.url, {}) as session:
                found = self._series(session, video.url)
        except ContentError as error:
            error.video_id = error.video_id or video.video_id
            raise
        yield from found or [video]

    def _given_feed(self, session: Session, url: str) -> list[Video | VideoRagError]:
        """A feed that somebody called one."""
        found = self._feed(session, url)
        if found is None:
            raise ContentError(f"{redacted(url)} is no feed", hint="check the URL", reason="empty")
        return found

    def _found(self, session: Session, url: str) -> list[Video | VideoRagError]:
        """A feed, the parts of a video, or what yt-dlp finds."""
        if feeds.looks_like_one(url) and (found := self._feed(session, url)) is not None:
            return found
        if (parts := self._series(session, url)) is not None:
            return parts
        try:
            info = lists.resolved(session, url)
        except UnsupportedUrl:
            found = None if feeds.looks_like_one(url) else self._feed(session, url)
            if found is None:
                raise
            return found
        if lists.is_feed(info) and (found := self._feed(session, url)) is not None:
            return found
        reader = lists.Reader(session, self.options.max_entries)
        reader.read(info, url)
        for video in reader.found:
            if self.remember and isinstance(video, Video):
                self.remember(video, Facts(info, session.warnings))
        return reader.found

    def _feed(self, session: Session, url: str) -> list[Video | VideoRagError] | None:
        """The videos of a feed, fetched as yt-dlp fetches: with its proxy, cookies and manners.

        None when it is none, which its first bytes tell.
        """
        home, most = self.sessions.places.home, self.options.max_entries
        memory = feed_memory.recall(home, url, most)
        with session.translated(redacted(url)):
            response = _asked(session, url, {"Accept": feeds.ACCEPT, **memory.headers})
            if response is None:
                return list(memory.videos)
            with response:
                body = _body(response, url)
        if body is None:
            return None
        if memory.knows(body):
            return list(memory.videos)
        media_type = str(response.headers.get("Content-Type") or "")
        found = feeds.parse(body, url, most=most, media_type=media_type)
        if found is not None:
            feed_memory.keep(home, url, body, response.headers, found)
        return found

    def _series(self, session: Session, url: str) -> list[Video | VideoRagError] | None:
        """The parts of a video on Bilibili; None for all else."""
        named = web.named_by(url)
        if named is None or not named[0].startswith("bilibili:"):
            return None
        name, _, part = named[0].removeprefix("bilibili:").partition("_p")
        return series.videos(
            session,
            name,
            int(part) if part else None,
            is_member=lists.is_member(session),
        )

    def _parameters(self, url: str) -> dict[str, object]:
        """yt-dlp's parameters for a list; of a video opened from a list, the video is meant."""
        return {**lists.DATES, "noplaylist": "youtube.com/watch?" in url}


def _asked(session: Session, url: str, headers: dict[str, str]) -> Any:
    """The answer to a request; None when the server says that nothing changed."""
    from yt_dlp.networking import Request
    from yt_dlp.networking.exceptions import HTTPError

    try:
        return session.downloader.urlopen(Request(url, headers=headers))
    except HTTPError as error:
        if error.status != 304:
            raise
        error.close()
        return None


def _body(response: Any, url: str) -> bytes | None:
    """The bytes of a feed; None when it begins like something else."""
    body = bytearray(_block(response, feeds.LOOK_AT))
    if not feeds.begins_like_one(bytes(body)):
        return None
    while block := _block(response, 1 << 16):
        body += block
        if len(body) > feeds.MOST_BYTES:
            raise ContentError(
                f"{redacted(url)}: larger than {feeds.MOST_BYTES} bytes",
                hint="a feed is not so large: check the URL",
                reason="too-large",
            )
    return bytes(body)


def _block(response: Any, size: int) -> bytes:
    """So many bytes of a body, fewer at its end; one read may give fewer sooner."""
    body = b""
    while len(body) < size and (more := response.read(size - len(body))):
        body += more
    return body

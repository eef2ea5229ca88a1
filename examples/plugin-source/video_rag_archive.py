"""Talks of an archive that lists them in a JSON file: `archive:https://example.org/talks.json`.

[{"id": "7", "title": "On sheep", "file": "https://example.org/7.mp3", "date": "2026-01-30"}]
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from video_rag import media, plugins
from video_rag.digest import of_value
from video_rag.errors import ContentError, Rejected, Unavailable, VideoRagError
from video_rag.model import Media, MediaSet, Video
from video_rag.net import guard
from video_rag.net.http import error_of, translated
from video_rag.net.proxy import CheckingProxy
from video_rag.net.sites import site_of
from video_rag.sources import Lane, Places
from video_rag.sources.downloads import move
from video_rag.sources.manners import Manners

MARK = "archive:"


class Archive:
    """Talks of an archive."""

    version = 1

    class Options(plugins.Options):
        """How politely; none of it changes what comes."""

        sleep: float = plugins.inert(1.0, ge=0, description="Seconds between two talks.")
        concurrency: int = plugins.inert(2, ge=1, description="Talks fetched at once.")
        per_day: int | None = plugins.inert(None, ge=1, description="Most talks in a day (UTC).")
        cooldown: float = plugins.inert(
            900.0, gt=0, description="Seconds to leave the archive alone after its first 429."
        )

        def of_site(self, site: str) -> Archive.Options:
            """The same for every archive."""
            return self

    def __init__(self, options: Options, *, places: Places) -> None:
        self.options = options
        self.places = places
        self._manners = Manners(options, places)
        self._proxy = CheckingProxy(allow_private=places.allow_private)

    def claims(self, url: str) -> bool:
        """Whether this is the address of a list, marked as ours."""
        return url.startswith(f"{MARK}http")

    def discover(self, url: str) -> Iterator[Video | VideoRagError]:
        """The talks of a list; one that was withdrawn is given as the error."""
        address = url.removeprefix(MARK)
        with self._manners.visit(address, counts=False), self._client(address) as client:
            response = client.get(address)
            response.raise_for_status()
        try:
            rows = response.json()
        except ValueError as error:
            raise Rejected(f"{address} is no JSON", hint="check the URL") from error
        if not rows:
            raise ContentError(f"{address} has no talks", hint="check the URL", reason="empty")
        for row in rows:
            video_id = f"{MARK}{site_of(address)}-{row['id']}"
            if row.get("withdrawn"):
                gone = ContentError(f"{row['title']} was withdrawn", reason="deleted")
                gone.video_id = video_id
                yield gone
                continue
            yield Video(
                video_id=video_id,
                source="archive",
                url=row["file"],
                title=row["title"],
                published=row.get("date"),
                fingerprint=str(row.get("revision", "")),
            )

    def parts(self, video: Video) -> Iterator[Video | VideoRagError]:
        """A talk is one video."""
        yield video

    def fetch(self, video: Video, scratch: Path) -> MediaSet:
        """The file of a talk; what is here already is not asked for again."""
        name = of_value([video.url, video.fingerprint])[:12] + Path(video.url).suffix
        path = self._folder(video) / name
        if not path.is_file():
            with self._manners.visit(video.url, counts=True), self._client(video.url) as client:
                self._download(client, video.url, scratch / name)
            media.probe(scratch / name)  # what does not open never gets to its place
            self.discard(video)  # an earlier revision
            move(scratch / name, path)
        probe = media.probe(path)
        file = Media(
            kind="video" if probe.has_picture else "audio",
            path=path.relative_to(self.places.media).as_posix(),
            digest=self.places.digest(path),
            size=path.stat().st_size,
        )
        return MediaSet(
            files=(file,),
            duration=probe.duration,
            has_speech_track=probe.has_audio,
            has_picture=probe.has_picture,
            notes=probe.notes,
        )

    def discard(self, video: Video) -> None:
        """Delete the folder of a talk."""
        shutil.rmtree(self._folder(video), ignore_errors=True)

    def lane(self, video: Video) -> Lane:
        """The archive's own server."""
        return Lane(site_of(video.url), self.options.concurrency)

    def link(self, video: Video, seconds: float) -> str:
        """The file, at that second."""
        return f"{video.url}#t={max(seconds, 0.0):g}"

    def _folder(self, video: Video) -> Path:
        return self.places.media / "archive" / guard.safe_name(video.video_id.removeprefix(MARK))

    @contextmanager
    def _client(self, url: str) -> Iterator[httpx2.Client]:
        """HTTP that reaches public addresses only, also behind redirects; errors are ours."""
        guard.check_url(url, allow_private=self.places.allow_private)
        with (
            translated(site_of(url), _error_of),
            httpx2.Client(proxy=self._proxy.url, trust_env=False, follow_redirects=True) as client,
        ):
            yield client

    def _download(self, client: httpx2.Client, url: str, target: Path) -> None:
        room = self.places.room()
        with client.stream("GET", url) as response, target.open("wb") as file:
            response.raise_for_status()
            for block in response.iter_bytes():
                file.write(block)
                if room is not None and file.tell() > room:
                    raise Unavailable(
                        "the media folder is full",
                        hint="raise [library] media_bytes",
                        reason="disk-budget",
                        retry_after=3600,
                    )


def _error_of(response: httpx2.Response) -> VideoRagError:
    """What a status means: 404 condemns a talk, 429 makes the archive cool down."""
    error = error_of("the archive", response)
    if response.status_code in {404, 410}:
        return ContentError(str(error), hint="ask the archive", reason="deleted")
    if response.status_code == 429:
        error.reason = "rate-limit"
    return error

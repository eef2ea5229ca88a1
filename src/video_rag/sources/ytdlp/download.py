"""Picture and sound of one video, brought into its folder; goes on where it was broken off."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from video_rag.errors import ContentError, Unavailable
from video_rag.sources import Places
from video_rag.sources.downloads import too_large, using, watching
from video_rag.sources.ytdlp.choice import refuse_oversize, streams_of, unchosen
from video_rag.sources.ytdlp.options import Options
from video_rag.sources.ytdlp.resume import Partial, Stream, layout_of
from video_rag.sources.ytdlp.server import Server

_AGAIN = 3600.0
"""Seconds after which there may be room again."""
_LOOK = 5.0
"""Seconds between two looks at the room that is left; each counts all files."""


@dataclass(frozen=True)
class Download:
    """How the media of one video come here."""

    options: Options
    places: Places
    partial: Partial
    downloader: Any
    server: Server
    """Of the same downloader."""

    def run(self, info: dict[str, Any], wanted: str) -> Path:
        """Download what the downloader's parameters choose; gives the file, joined if need be.

        `wanted` is the digest of the choice. Raises `ContentError`, `Unavailable`, and yt-dlp's
        errors.
        """
        templates = {**self.downloader.params["outtmpl"], "default": self.partial.template}
        with using(self.downloader, outtmpl=templates):
            chosen = dict(self.downloader.process_ie_result(unchosen(info), download=False))
            refuse_oversize(chosen, self.options)
            streams = streams_of(chosen)
            for row in streams:
                self._look_ahead(row, chosen)
            self.partial.prepare(wanted, streams, f"media.{chosen.get('ext')}", self.server)
            room = self._room(streams)
            watch = Watch(self, str(chosen.get("title") or "the video"), room)
            try:
                with watching(self.downloader, watch):
                    self.downloader.process_info(chosen)
            finally:
                self.server.hang_up()
        path = Path(str(chosen.get("filepath") or ""))
        if not chosen.get("filepath") or not path.is_file() or not path.stat().st_size:
            raise ContentError(
                f"{chosen.get('title')}: the site sent nothing", hint="try again later"
            )
        return path

    def _look_ahead(self, row: dict[str, Any], chosen: dict[str, Any]) -> None:
        """Get ready to compare a stream with an earlier one; yt-dlp takes the playlist from us."""
        protocol = str(row.get("protocol") or chosen.get("protocol") or "")
        if protocol in {"http", "https"}:
            self.server.files.add(str(row["url"]))
        elif protocol.startswith("m3u8") and not row.get("hls_media_playlist_data"):
            text, address = self.server.playlist({**chosen, **row})
            row |= {"hls_media_playlist_data": text, "url": address}

    def _room(self, streams: list[dict[str, Any]]) -> int | None:
        """Bytes that this download may have in all. Raises `Unavailable` if it needs more."""
        left = self.places.room()
        if left is None:
            return None
        room = left + self.partial.size()
        expected = sum(row.get("filesize") or row.get("filesize_approx") or 0 for row in streams)
        if expected > room or room == 0:
            raise no_room(f"{expected} bytes more do not fit" if expected else "no room is left")
        return room


class Watch:
    """Follows a download: notes how far it came, and stops what grows too large."""

    def __init__(self, download: Download, title: str, room: int | None) -> None:
        self._download = download
        self._title = title
        self._room = room
        self._bytes: dict[str, int] = {}
        self._fragments: dict[str, int] = {}
        self._looked = time.monotonic()

    def __call__(self, progress: dict[str, Any]) -> None:
        """One of yt-dlp's reports. Raises `ContentError` or `Unavailable` to stop."""
        name = str(progress["filename"])
        is_done = progress["status"] == "finished"
        size = progress.get("downloaded_bytes") or (progress.get("total_bytes") if is_done else 0)
        self._bytes[name] = int(size or 0)
        promised = int(progress.get("total_bytes") or 0)
        self._limit(sum(self._bytes.values()), promised)
        if progress["status"] == "downloading":
            self._note(progress)
        elif is_done and progress.get("downloaded_bytes"):
            self._check(Path(name), progress["info_dict"])

    def _limit(self, size: int, promised: int) -> None:
        most = self._download.options.max_bytes
        if max(size, promised) > most:
            raise too_large(self._title, most)
        if self._room is None:
            return
        if max(size, promised) > self._room:
            raise no_room(f"more than {self._room} bytes do not fit")
        now = time.monotonic()
        if now - self._looked > _LOOK:
            self._looked = now
            if self._download.places.room() == 0:
                raise no_room("others took the room meanwhile")

    def _note(self, progress: dict[str, Any]) -> None:
        """Write down a stream when it begins, and after each of its fragments.

        A fragment is reported when it came, and is in the part by the next report.
        """
        info, partial = progress["info_dict"], self._download.partial
        key, fragments = str(info.get("format_id")), int(progress.get("fragment_index") or 0)
        is_new = self._fragments.get(key) != fragments
        self._fragments[key] = fragments
        known = partial.state.streams.get(key)
        said = self._download.server.said(str(info["url"]))
        if (
            known
            and (known.size, known.etag) == (said.size, said.etag)
            and (is_new or known.fragments == fragments)
        ):
            return
        stream = Stream(
            file=Path(progress["filename"]).name,
            url=said.url,
            size=said.size,
            etag=said.etag,
            layout=known.layout if known else layout_of(info),
            fragments=fragments,
            length=Path(progress["tmpfilename"]).stat().st_size if fragments else 0,
        )
        partial.note(key, stream)

    def _check(self, path: Path, info: dict[str, Any]) -> None:
        """Compare a stream's size with the one promised. Raises `Unavailable`."""
        said = self._download.server.said(str(info["url"]))
        size = path.stat().st_size
        if said.size not in {None, size}:
            path.unlink()
            raise Unavailable(
                f"{self._title}: {size} bytes came instead of {said.size}",
                hint="try again later",
                reason="network",
            )


def no_room(why: str) -> Unavailable:
    """The error for a download that the disk budget has no room for."""
    return Unavailable(
        f"the media folder is full: {why}",
        hint="raise [library] media_bytes, or set keep_media = false",
        reason="disk-budget",
        retry_after=_AGAIN,
    )

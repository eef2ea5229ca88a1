"""Half downloads: what is known of them, and whether they may go on.

yt-dlp goes on with any `.part` that has the right name. Whether it is a part of what the server
sends today is checked here, before: the choice, the size and the ETag must be the same, and the
end of the part must be what the server has there. Of streams in fragments yt-dlp notes the number
of a fragment after it wrote the fragment, so that a kill in between doubles it: here the length
and the number are noted together, and both files are set back to them.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from pydantic import Field

from video_rag import disk
from video_rag.digest import of_value
from video_rag.model import Noun
from video_rag.sources.downloads import write
from video_rag.sources.ytdlp.server import Server

_NAME = "partial.json"
_TAIL = 65_536
"""Bytes at the end of a part that are compared with the server's."""
_KEY = re.compile(r"^#EXT-X-KEY:(?=.*METHOD=AES-128)(?!.*\bIV=)", re.MULTILINE)
_RANGE = re.compile(r"^#EXT-X-BYTERANGE:\d+\s*$", re.MULTILINE)
_LENGTH = re.compile(r"^#(?:EXTINF|EXT-X-BYTERANGE):\s*([\d.@]+)|^#EXT-X-(MAP)", re.MULTILINE)


class Stream(Noun):
    """One stream on its way: a file of its own, until picture and sound are joined."""

    file: str
    """Its name once it is whole; `.part` is added before."""
    url: str
    """Without its query, which may hold secrets and changes with every visit."""
    size: int | None = None
    """Bytes, as the server promised."""
    etag: str = ""
    layout: str = ""
    """Digest of the lengths of its fragments; empty for a stream in one piece."""
    fragments: int = 0
    """How many are in the part as a whole …"""
    length: int = 0
    """… and how many bytes they have there."""


class State(Noun):
    """What lies in the folder of a half download."""

    wanted: str = ""
    """Digest of what was chosen."""
    streams: dict[str, Stream] = Field(default_factory=dict)
    """By yt-dlp's `format_id`."""


class Partial:
    """The folder of a download that may have been broken off."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = State()

    @property
    def template(self) -> str:
        """yt-dlp's template for the names of files."""
        return str(self.folder / "media").replace("%", "%%") + ".%(ext)s"

    def size(self) -> int:
        """Bytes that lie here."""
        if not self.folder.is_dir():
            return 0
        return sum(path.stat().st_size for path in self.folder.iterdir())

    def wipe(self) -> None:
        """Delete it all."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.state = State()

    def whole(self, wanted: str) -> list[Path]:
        """Files that are whole, if they are of this choice."""
        if not self.folder.is_dir() or self._read().wanted != wanted:
            return []
        return sorted(self.folder.glob("media.*"))

    def prepare(
        self, wanted: str, streams: list[dict[str, Any]], name: str, server: Server
    ) -> None:
        """Keep what may go on and delete the rest.

        `streams` are yt-dlp's formats, `name` is the file that they will be joined to. Raises
        yt-dlp's errors where the server cannot be asked: then all is kept for another time.
        """
        self.state = self._read()
        ids = {str(row["format_id"]) for row in streams}
        if self.state.wanted != wanted or not self.state.streams.keys() <= ids:
            self.wipe()
            self.state = State(wanted=wanted)
        with disk.told(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it notes where streams lie
        known = {_NAME, name}
        for row in streams:
            kept = self.state.streams.get(str(row["format_id"]))
            if kept is not None and self._may_go_on(kept, row, server):
                known |= {kept.file, f"{kept.file}.part", f"{kept.file}.ytdl"}
        for path in self.folder.iterdir():
            if path.name not in known:
                path.unlink()

    def note(self, format_id: str, stream: Stream) -> None:
        """Write down how far a stream came."""
        streams = {**self.state.streams, format_id: stream}
        self.state = self.state.model_copy(update={"streams": streams})
        write(self.folder / _NAME, self.state.model_dump_json())

    def _read(self) -> State:
        try:
            return State.model_validate_json((self.folder / _NAME).read_bytes())
        except (OSError, ValueError):
            return State()

    def _may_go_on(self, kept: Stream, row: dict[str, Any], server: Server) -> bool:
        """Whether the files of a stream are good; sets them back to what is known to be good."""
        part = self.folder / f"{kept.file}.part"
        if (self.folder / kept.file).is_file():
            return True
        if not part.is_file() or not part.stat().st_size:
            return False
        if kept.layout or layout_of(row):
            return kept.layout == layout_of(row) and self._set_back(kept, row)
        total = _same_bytes(part, kept, row, server)
        if total is not None and part.stat().st_size == total:
            part.replace(self.folder / kept.file)
        return total is not None

    def _set_back(self, kept: Stream, row: dict[str, Any]) -> bool:
        """The part and yt-dlp's own note of it, as they were after the last fragment."""
        part = self.folder / f"{kept.file}.part"
        text = str(row.get("hls_media_playlist_data") or "")
        counted = bool(_KEY.search(text) or _RANGE.search(text))
        if counted or not kept.fragments or part.stat().st_size < kept.length:
            return False  # yt-dlp loses count of keys and ranges that follow from their number
        with part.open("r+b") as file:
            file.truncate(kept.length)
        note = {"downloader": {"current_fragment": {"index": kept.fragments}}}
        write(self.folder / f"{kept.file}.ytdl", json.dumps(note))
        return True


def layout_of(row: dict[str, Any]) -> str:
    """A digest of the lengths of a stream's fragments; empty for one in one piece."""
    if text := row.get("hls_media_playlist_data"):
        return of_value([match.groups() for match in _LENGTH.finditer(str(text))])
    if row.get("fragments"):
        return of_value([fragment.get("duration") for fragment in row["fragments"]])
    return ""


def _same_bytes(part: Path, kept: Stream, row: dict[str, Any], server: Server) -> int | None:
    """The size of the whole, if the server has the same bytes where the part ends."""
    size = part.stat().st_size
    begin = max(0, size - _TAIL)
    answer = server.piece(row, begin, size - 1)
    if answer is None:
        return None
    said, data = answer
    with part.open("rb") as file:
        file.seek(begin)
        is_same = file.read() == data
    if kept.size is not None and said.size != kept.size:
        return None
    same_tag = said.etag == kept.etag or kept.url != said.url or not (said.etag and kept.etag)
    return said.size if is_same and same_tag else None

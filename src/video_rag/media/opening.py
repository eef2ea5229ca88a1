"""The one door to a container, with the library's errors turned into ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from video_rag.errors import ContentError, NotFound

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer
    from av.stream import Stream

S = TypeVar("S", bound="Stream")

_OPEN_OPTIONS = {
    # Playlists, picture sequences and text are no videos, whatever their suffix says; a playlist
    # named .mp4 could also name any other file of this machine.
    "format_whitelist": (
        "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,kux,live_flv,mpegts,mpeg,mpegvideo,m4v,asf,"
        "mxf,dv,rm,wtv,nut,mp3,wav,w64,flac,ogg,aac,loas,aiff,caf,au,amr,amrnb,amrwb,ac3,eac3,dts,"
        "dtshd,ape,wv,tta"
    ),
    "protocol_whitelist": "file",
}
_DATA_BOXES = frozenset({b"moov", b"moof", b"mdat"})
AGAIN = "copy or download it again"


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A container open for reading. Raises `NotFound`, or `ContentError` for what is no video.

    An error of the media library inside the `with` block becomes a `ContentError` as well.
    """
    import av

    _check(path)
    try:
        # "file:" because a name like `a:b.mp4` would be read as another protocol.
        with av.open(
            f"file:{path.absolute()}", options=_OPEN_OPTIONS, metadata_errors="replace"
        ) as container:
            yield container
    except av.FFmpegError as error:
        raise _faulty(path) from error


def packets(container: InputContainer, *streams: S) -> Iterator[Packet[S]]:
    """The packets of some streams, or of all; at the end an empty one of each.

    A damaged MPEG-TS can show a stream midway; PyAV 18 fails where it ends that one, after ours.
    """
    with suppress(IndexError):
        yield from cast("Iterator[Packet[S]]", container.demux(*streams))


def unbroken(packets: Iterator[Packet[S]]) -> Iterator[Packet[S]]:
    """The packets up to where the file breaks off."""
    from av.error import FFmpegError

    with suppress(FFmpegError):
        yield from packets


def _check(path: Path) -> None:
    """Refuse what is no readable file with something in it, before a library sees it."""
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise ContentError(f"{path} is empty", hint=AGAIN)
    except FileNotFoundError as error:
        raise NotFound(f"{path} does not exist", hint="check the path") from error
    except IsADirectoryError as error:
        raise ContentError(f"{path} is a folder", hint="give a video or sound file") from error
    except OSError as error:
        raise ContentError(
            f"{path} cannot be read: {error.strerror}", hint="check its permissions and its disk"
        ) from error


def _faulty(path: Path) -> ContentError:
    """Why a file that exists could not be opened."""
    if is_cut_off(path):
        return ContentError(f"{path} is cut off before its index", hint=AGAIN)
    return ContentError(
        f"{path} is not a video or sound file that can be read",
        hint=f"open it in a player, or {AGAIN}",
    )


def is_cut_off(path: Path) -> bool:
    """Whether an MP4 or MOV file ends inside its data, or has data and no index.

    ISO/IEC 14496-12 §4.2: a file is a row of boxes, each of which begins with its size. Other
    formats are never said to be cut off here.
    """
    size = path.stat().st_size
    kinds = set()
    with path.open("rb") as file:
        for kind, end in _boxes(file, size):
            kinds.add(kind)
            if end > size and kind in _DATA_BOXES:
                return True
    return b"ftyp" in kinds and b"moov" not in kinds


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Kind and end of each top-level box, as long as they look like boxes."""
    start = 0
    while start + 8 <= size:
        file.seek(start)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - start
        if length < 8 or not kind.isalnum():
            return
        yield kind, start + length
        start += length

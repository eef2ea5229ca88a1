"""Videos to serve and to fetch: small films of any size, pages with players, HLS, a source."""

from __future__ import annotations

import random
from pathlib import Path

import av

from places import places
from video_rag import digest
from video_rag.model import MediaSet, Video
from video_rag.sources.ytdlp import YtDlp
from video_rag.testing import clips
from web import Page, Site


def ytdlp(folder: Path, *, left: int | None = None, **options: object) -> YtDlp:
    """A source that keeps its files below `folder`; `left` is the disk budget."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {"retries": 0, "sleep_subtitles": 0, "timeout": 5, **options}
    chosen = YtDlp.Options.model_validate(values)
    return YtDlp(chosen, places=places(folder, media_bytes=left))


def fetch(source: YtDlp, url: str, folder: Path, **facts: str) -> MediaSet:
    """What a source makes of a URL, with a scratch folder of its own below `folder`."""
    scratch = folder / f"scratch-{len(list(folder.iterdir()))}"
    scratch.mkdir(parents=True)
    return source.fetch(video(url, **facts), scratch)


def video(url: str, *, wanted: str = "", fingerprint: str = "") -> Video:
    """A video as a list would give it: nobody has looked at its page."""
    return Video(
        video_id=f"web:{digest.of_value(url)[:16]}",
        source="ytdlp",
        url=url,
        title="A film",
        wanted=wanted,
        fingerprint=fingerprint,
    )


def film(folder: Path, size: int, seed: int = 0) -> bytes:
    """A film of two seconds and about so many bytes: the rest is a box that players skip."""
    path = folder / "film.mp4"
    if not path.exists():
        clips.silent_video(path)
    clip = path.read_bytes()
    return clips.padded(clip, random.Random(seed).randbytes(max(0, size - len(clip) - 8)))


def html(title: str, *players: str) -> Page:
    """An HTML page with players."""
    body = "".join(players)
    return Page(f"<html><head><title>{title}</title></head><body>{body}</body></html>".encode())


def player(path: str, **tracks: str) -> str:
    """A `<video>` with subtitles by language."""
    rows = "".join(
        f'<track src="{file}" kind="subtitles" srclang="{language}" label="x">'
        for language, file in tracks.items()
    )
    return f'<video src="{path}">{rows}</video>'


def put_hls(site: Site, at: str, folder: Path, *, speed: float = 0.0) -> str:
    """HLS with picture and sound apart, as the large sites send it; the URL of its playlist."""
    folder.mkdir()
    every_second = clips.Extras(options={"preset": "ultrafast", "crf": "24", "g": "10"})
    clips.slide_lecture(folder / "picture.mp4", ["One"], seconds_each=8, extras=every_second)
    clips.tone(folder / "sound.m4a", seconds=8)
    for name, source in (("picture", "picture.mp4"), ("sound", "sound.m4a")):
        _to_hls(folder / source, folder / f"{name}.m3u8")
    (folder / "master.m3u8").write_text(
        "#EXTM3U\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",DEFAULT=YES,URI="sound.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=200000,CODECS="avc1.64000c",RESOLUTION=320x180,AUDIO="a"\n'
        "picture.m3u8\n"
    )
    for path in folder.iterdir():
        is_list = path.suffix == ".m3u8"
        kind = "application/vnd.apple.mpegurl" if is_list else "video/mp2t"
        site.pages[f"{at}/{path.name}"] = Page(
            path.read_bytes(), kind, speed=0.0 if is_list else speed
        )
    return f"{site.url}{at}/master.m3u8"


def _to_hls(source: Path, playlist: Path) -> None:
    """One stream as an HLS playlist with its segments beside it."""
    options = {"hls_time": "1", "hls_playlist_type": "vod", "hls_list_size": "0"}
    with (
        av.open(str(source)) as old,
        av.open(str(playlist), "w", format="hls", options=options) as new,
    ):
        stream = new.add_stream_from_template(old.streams[0])
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)

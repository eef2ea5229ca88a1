"""What is downloaded: films of a given size in one file, the same with the sound apart, pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np

from video_rag.testing import clips

RATE, SECONDS = 25, 2
"""Of the group of pictures that is sent again and again: frames a second, seconds."""
BITS = 1_000_000
"""A second of picture, as lectures have it in 720p."""


def whole(folder: Path, name: str, size: int) -> str:
    """A short film, as large as it must be by an empty box at its end, which players skip."""
    path = folder / f"{name}.mp4"
    clips.silent_video(path)
    clip = path.read_bytes()
    path.write_bytes(clips.padded(clip, bytes(size - len(clip) - 8)))
    return path.name


def apart(folder: Path, name: str, size: int) -> str:
    """HLS with picture and sound apart, about `size` bytes in all, in pieces of six seconds."""
    place = folder / f"{name}-apart"
    place.mkdir()
    picture, sound = noise(place / "group.mp4"), place / "sound.m4a"
    clips.tone(sound, seconds=SECONDS)
    once = picture.stat().st_size + sound.stat().st_size
    for source in (picture, sound):
        repeated(source, place / f"{source.stem}.m3u8", max(1, size // once))
    (place / "master.m3u8").write_text(
        "#EXTM3U\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",DEFAULT=YES,URI="sound.m3u8"\n'
        f'#EXT-X-STREAM-INF:BANDWIDTH={BITS},CODECS="avc1.64001f",AUDIO="a"\n'
        "group.m3u8\n"
    )
    return f"{place.name}/master.m3u8"


def noise(path: Path) -> Path:
    """One closed group of pictures that cannot be pressed small."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        stream.bit_rate = BITS
        stream.options = {"preset": "ultrafast", "g": str(RATE * SECONDS), "bf": "0"}
        for _ in range(RATE * SECONDS):
            picture = random.integers(0, 255, (360, 640, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    return path


def repeated(source: Path, playlist: Path, times: int) -> None:
    """A short file again and again as one HLS stream."""
    options = {"hls_time": "6", "hls_playlist_type": "vod", "hls_list_size": "0"}
    with av.open(str(playlist), "w", format="hls", options=options) as new:
        stream = None
        for number in range(times):
            with av.open(str(source)) as old:
                stream = stream or new.add_stream_from_template(old.streams[0])
                for packet in packets(old, number):
                    packet.stream = stream
                    new.mux(packet)


def packets(old: av.container.InputContainer, number: int) -> Iterator[av.Packet]:
    """The packets of a file, as the `number`-th of its copies in a row."""
    for packet in old.demux():
        if packet.dts is None or packet.pts is None or packet.time_base is None:
            continue
        shift = int(number * SECONDS / packet.time_base)
        if packet.pts >= 0 and packet.pts < int(SECONDS / packet.time_base):
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            yield packet


def pages(folder: Path, faults: Iterable[str]) -> None:
    """A page with a talk and its subtitles, and one for each fault that the talk may have."""
    clips.silent_video(folder / "talk.mp4")
    (folder / "garbage.mp4").write_bytes(b"this is no video" * 1000)
    (folder / "talk.vtt").write_text(
        "WEBVTT\n\n00:00.200 --> 00:01.800\nThe tide comes in twice a day.\n"
    )
    films = {fault: f"fault/{fault}/talk.mp4" for fault in faults}
    films |= {"talk": "talk.mp4", "garbage": "garbage.mp4"}
    for name, film in films.items():
        track = '<track src="talk.vtt" kind="subtitles" srclang="en" label="English">'
        (folder / f"{name}.html").write_text(
            f"<html><head><title>A talk</title></head><body>"
            f'<video src="{film}">{track}</video></body></html>'
        )

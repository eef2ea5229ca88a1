"""Subtitle tracks inside video files, made by the ffmpeg that comes with the extra `download`."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from video_rag.errors import ContentError
from video_rag.model import Media, MediaSet, Transcript, Video
from video_rag.processors.subtitles import Subtitles
from video_rag.processors.subtitles.tracks import texts

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="needs the extra download")

VIDEO = Video(video_id="file:1", source="folder", url="/talk.mp4", title="talk")
ENGLISH = (
    "1\n00:00:00,500 --> 00:00:01,500\n<i>This</i> is what\nyou have heard\n\n"
    "2\n00:00:02,000 --> 00:00:03,000\nand that is all\n"
)
CHINESE = "1\n00:00:00,500 --> 00:00:01,500\n这是你\n听到的\n"
ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour
Style: Default,Arial,20,&H00ffffff

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.50,0:00:01.50,Default,Bob,0,0,0,,{\\an8}Hello, you\\Nthere
"""


def mux(folder: Path, name: str, subtitles: list[Path], *options: str) -> Path:
    """A video of four seconds with these subtitle tracks."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    command += ["-f", "lavfi", "-i", "color=s=64x64:d=4:r=5"]
    for path in subtitles:
        command += ["-i", str(path)]
    for number in range(len(subtitles) + 1):
        command += ["-map", str(number)]
    command += ["-c:v", "libx264", "-preset", "ultrafast", *options, str(folder / name)]
    subprocess.run(command, check=True)
    return folder / name


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def transcribe(path: Path, *beside: Path) -> list[Transcript]:
    files = [Media(kind="video", path=str(path), digest="", size=1)]
    files += [Media(kind="subtitles", path=str(other), digest="", size=1) for other in beside]
    reader = Subtitles(Subtitles.Options())
    media = MediaSet(files=tuple(files), duration=4.0)
    return reader.transcribe(VIDEO, media, Path, lambda share, text: None)


def said(track: Transcript) -> list[tuple[float, float, str]]:
    return [(segment.start, segment.end, segment.text) for segment in track.segments]


@pytest.mark.parametrize(
    ("name", "codec"), [("talk.mp4", "mov_text"), ("talk.mkv", "subrip"), ("talk.mkv", "webvtt")]
)
def test_text_tracks_of_every_container_are_read(tmp_path: Path, name: str, codec: str) -> None:
    subtitles = [write(tmp_path, "en.srt", ENGLISH), write(tmp_path, "zh.srt", CHINESE)]
    options = ["-c:s", codec, "-metadata:s:s:1", "language=chi"]
    english, chinese = transcribe(mux(tmp_path, name, subtitles, *options))
    assert (english.language, english.origin) == ("en", "embedded")
    assert said(english) == [
        (0.5, 1.5, "This is what you have heard"),
        (2.0, 3.0, "and that is all"),
    ]
    assert (chinese.language, chinese.origin) == ("zh", "embedded")
    assert said(chinese) == [(0.5, 1.5, "这是你听到的")]
    assert english.notes == chinese.notes == ()


def test_a_substation_alpha_track_keeps_its_speaker(tmp_path: Path) -> None:
    path = mux(tmp_path, "talk.mkv", [write(tmp_path, "en.ass", ASS)], "-c:s", "ass")
    (track,) = transcribe(path)
    assert said(track) == [(0.5, 1.5, "Hello, you there")]
    assert track.segments[0].speaker == "Bob"


def picture_subtitles(path: Path) -> Path:
    """Two empty screens of Blu-ray subtitles."""
    screen = struct.pack(">HHBHBBBB", 64, 64, 16, 0, 128, 0, 0, 0)

    def part(kind: int, at: int, body: bytes = b"") -> bytes:
        return b"PG" + struct.pack(">IIBH", at, 0, kind, len(body)) + body

    path.write_bytes(b"".join(part(0x16, at, screen) + part(0x80, at) for at in (45000, 90000)))
    return path


def test_a_track_of_pictures_alone_is_refused_by_name(tmp_path: Path) -> None:
    path = mux(tmp_path, "talk.mkv", [picture_subtitles(tmp_path / "x.sup")], "-c:s", "copy")
    with pytest.raises(ContentError, match=r"track 1 \(hdmv_pgs_subtitle\) is not text") as caught:
        transcribe(path)
    assert "subtitle file" in caught.value.hint


def test_a_track_of_pictures_beside_text_is_a_note(tmp_path: Path) -> None:
    path = mux(tmp_path, "talk.mkv", [picture_subtitles(tmp_path / "x.sup")], "-c:s", "copy")
    (track,) = transcribe(path, write(tmp_path, "talk.srt", ENGLISH))
    assert track.origin == "sidecar"
    assert any("hdmv_pgs_subtitle" in note for note in track.notes)


def test_a_video_without_subtitles_gives_no_transcript(tmp_path: Path) -> None:
    assert transcribe(mux(tmp_path, "talk.mp4", [])) == []


def test_a_video_that_cannot_be_opened_is_a_note_beside_a_good_file(tmp_path: Path) -> None:
    broken = write(tmp_path, "talk.mp4", "no video at all")
    (track,) = transcribe(broken, write(tmp_path, "talk.srt", ENGLISH))
    assert any("talk.mp4" in note for note in track.notes)


@pytest.mark.parametrize(
    ("codec", "payload", "expected"),
    [
        ("mov_text", b"\x00\x05Hello" + b"\x00\x00\x00\x10styl", [("", "Hello")]),
        ("mov_text", b"\x00\x06" + "\ufeff你好".encode("utf-16-be"), [("", "你好")]),
        ("mov_text", b"\x00\x00", [("", "")]),
        ("mov_text", b"", [("", "")]),
        ("subrip", b"<b>Hello</b>", [("", "Hello")]),
        ("webvtt", b"<v Ann>Hi<v Bob>Ho", [("Ann", "Hi"), ("Bob", "Ho")]),
        ("ass", b"0,0,Default,Ann,0,0,0,,a, b", [("Ann", "a, b")]),
        ("ass", b"damaged", []),
    ],
)
def test_every_kind_of_packet_is_understood(
    codec: str, payload: bytes, expected: list[tuple[str, str]]
) -> None:
    assert list(texts(codec, payload)) == expected


@pytest.mark.parametrize(("name", "codec"), [("talk.mkv", "subrip"), ("talk.mp4", "mov_text")])
@pytest.mark.parametrize(
    ("options", "roles"),
    [
        (["-disposition:s:0", "forced"], {"forced"}),
        (["-disposition:s:0", "hearing_impaired"], {"hearing-impaired"}),
        (["-disposition:s:0", "comment"], {"commentary"}),
        (["-metadata:s:s:0", "handler_name=English (Forced)"], {"forced"}),
        (["-metadata:s:s:0", "title=English SDH"], {"hearing-impaired"}),
    ],
)
def test_flags_and_titles_tell_what_a_track_is_for(
    tmp_path: Path, name: str, codec: str, options: list[str], roles: set[str]
) -> None:
    if name == "talk.mkv" and "handler_name" in options[1]:
        options = [options[0], options[1].replace("handler_name", "title")]
    if name == "talk.mp4" and options[1].startswith("title"):
        options = [options[0], options[1].replace("title", "handler_name")]
    subtitles = [write(tmp_path, "en.srt", ENGLISH), write(tmp_path, "zh.srt", CHINESE)]
    special, plain = transcribe(mux(tmp_path, name, subtitles, "-c:s", codec, *options))
    assert set(special.roles) - {"default"} == roles
    assert not set(plain.roles) - {"default"}


def test_a_title_tells_the_language_that_the_file_does_not(tmp_path: Path) -> None:
    subtitles = [write(tmp_path, "x.srt", "1\n00:00:00,500 --> 00:00:01,500\nhm\n")]
    [track] = transcribe(
        mux(tmp_path, "talk.mkv", subtitles, "-metadata:s:s:0", "title=Deutsch [SDH]")
    )
    assert (track.language, track.roles[-1]) == ("de", "hearing-impaired")

"""A look inside files, good ones and faulty ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from video_rag import media
from video_rag.errors import ContentError, NotFound
from video_rag.testing import clips

TEN = Fraction(1, 10)


def remuxed(source: Path, target: Path, **container_options: str) -> Path:
    """The same streams in another file, with chapters and other options."""
    with av.open(str(source)) as old, av.open(str(target), "w", options=container_options) as new:
        streams = {stream: new.add_stream_from_template(stream) for stream in old.streams}
        new.metadata["title"] = "  A talk\n about queues "
        new.set_chapters(
            [
                {"id": 1, "start": 0, "end": 10, "time_base": TEN, "metadata": {"title": "One"}},
                {"id": 2, "start": 10, "end": 20, "time_base": TEN, "metadata": {}},
            ]
        )
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream]
                new.mux(packet)
    return target


@pytest.fixture(scope="session")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "silent.mp4"
    clips.silent_video(path)
    return path


@pytest.fixture(scope="session")
def faststart(silent: Path) -> Path:
    return remuxed(silent, silent.with_name("faststart.mp4"), movflags="faststart")


def test_a_video_without_sound_has_a_picture_only(silent: Path) -> None:
    found = media.probe(silent)
    assert (found.has_picture, found.has_audio) == (True, False)
    assert found.duration == pytest.approx(2.0, abs=0.11)
    assert found.notes == ()


@pytest.mark.parametrize(
    "suffix",
    [
        ".mp3",
        ".m4a",
        ".wav",
        ".flac",
        ".ogg",
        ".opus",
        ".m4b",
        ".mka",
        ".aiff",
        ".oga",
        ".w64",
        ".caf",
        ".au",
        ".wv",
        ".tta",
    ],
)
def test_sound_alone_has_no_picture(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sound{suffix}"
    clips.tone(path)
    found = media.probe(path)
    assert suffix in media.AUDIO_SUFFIXES
    assert (found.has_picture, found.has_audio) == (False, True)
    assert found.duration == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize(
    "suffix",
    [
        ".mp4",
        ".m4v",
        ".mov",
        ".3gp",
        ".mkv",
        ".avi",
        ".flv",
        ".ts",
        ".mts",
        ".m2ts",
        ".mpg",
        ".mpeg",
        ".vob",
        ".f4v",
        ".nut",
    ],
)
def test_a_picture_is_found_in_every_kind_of_video_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    codec = "mpeg2video" if suffix in {".mpg", ".mpeg", ".vob"} else "libx264"
    options = {} if codec == "mpeg2video" else {"preset": "ultrafast"}
    extras = clips.Extras(codec=codec, options=options)
    clips.slide_lecture(path, ["One", "Two"], seconds_each=1.0, fps=25, extras=extras)
    assert suffix in media.VIDEO_SUFFIXES
    assert media.probe(path).has_picture


def test_title_and_chapters_are_read_and_chapters_without_name_get_one(faststart: Path) -> None:
    found = media.probe(faststart)
    assert found.title == "A talk about queues"
    rows = [(chapter.start, chapter.end, chapter.title) for chapter in found.chapters]
    assert rows == [(0.0, 1.0, "One"), (1.0, 2.0, "Chapter 2")]


def test_cover_art_is_no_moving_picture(tmp_path: Path) -> None:
    path = tmp_path / "album.m4a"
    sound = tmp_path / "sound.wav"
    clips.tone(sound)
    with av.open(str(path), "w", format="mp4") as new, av.open(str(sound)) as old:
        stream = new.add_stream("aac", rate=16_000)
        cover = new.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        new.mux(cover.encode(av.VideoFrame(64, 64, "yuvj420p")) + cover.encode())
        for frame in old.decode(audio=0):
            new.mux(stream.encode(frame))
        new.mux(stream.encode())
    found = media.probe(path)
    assert (found.has_picture, found.has_audio) == (False, True)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"nothing\.mp4 does not exist"):
        media.probe(tmp_path / "nothing.mp4")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"hello world\n" * 100, "not a video or sound file"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nhello\n\n", "not a video or sound file"),
        (b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n#EXT-X-ENDLIST\n", "not a video or sound file"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not a video or sound file"),
        (bytes(range(256)) * 40, "not a video or sound file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a video or sound file"),
    ],
    ids=["empty", "text", "subtitles", "playlist", "concat", "bytes", "picture"],
)
def test_what_is_no_video_is_refused_whatever_its_name(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(content)
    with pytest.raises(ContentError, match=message):
        media.probe(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="is a folder"):
        media.probe(tmp_path)


def test_an_mp4_without_its_index_is_cut_off(tmp_path: Path, silent: Path) -> None:
    path = tmp_path / "half.mp4"
    path.write_bytes(silent.read_bytes()[: silent.stat().st_size // 2])
    with pytest.raises(ContentError, match="is cut off") as caught:
        media.probe(path)
    assert "download it again" in caught.value.hint


def test_an_mp4_with_its_index_first_is_cut_off_when_its_data_ends_early(
    tmp_path: Path, faststart: Path
) -> None:
    path = tmp_path / "half.mp4"
    path.write_bytes(faststart.read_bytes()[:-300])
    with pytest.raises(ContentError, match=r"is cut off: only 0:0[01] of 0:02 are there"):
        media.probe(path)


def test_bytes_after_the_data_do_not_matter(tmp_path: Path, silent: Path) -> None:
    path = tmp_path / "more.mp4"
    path.write_bytes(silent.read_bytes() + b"\x00\x00\x01\x00freeabc")
    assert media.probe(path).has_picture


def test_other_formats_that_end_early_get_a_note_and_their_real_duration(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    clips.tone(path, 40.0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = media.probe(path)
    assert found.duration is not None
    assert found.duration < 30
    assert "only the first" in found.notes[0]


def test_a_stream_without_declared_duration_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "live.mkv"
    tone = tmp_path / "tone.flac"
    clips.tone(tone, 3.0)
    remuxed(tone, path, live="1")
    assert media.probe(path).duration == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("name", ["-x.mp4", "a:b.mp4", "讲座 😀.mp4", "two\nlines.mp4", "%d.mp4"])
def test_no_name_is_too_odd(
    tmp_path: Path, silent: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(silent.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert media.probe(Path(name)).has_picture


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "duration", "picture"),
    [
        ("friday.mp4", 6.166, True),
        ("tears-of-steel-clip.webm", 70.542, True),
        ("jfk.flac", 11.0, False),
        ("multilingual.mp3", 59.9, False),
    ],
)
def test_real_files_are_read(shared: Path, name: str, duration: float, picture: bool) -> None:
    found = media.probe(shared / "media" / name)
    assert found.duration == pytest.approx(duration)
    assert (found.has_picture, found.has_audio, found.notes) == (picture, True, ())


@pytest.mark.shared
def test_half_a_real_webm_is_noticed(shared: Path, tmp_path: Path) -> None:
    whole = (shared / "media" / "tears-of-steel-clip.webm").read_bytes()
    path = tmp_path / "half.webm"
    path.write_bytes(whole[: len(whole) // 2])
    found = media.probe(path)
    assert found.duration == pytest.approx(37.2, abs=1)
    assert found.notes == ("only the first 0:37 of 1:10 are there; the file may be cut off",)

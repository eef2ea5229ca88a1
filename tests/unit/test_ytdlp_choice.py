"""What is chosen among the formats of a video, and refused before anything is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from video_rag.errors import ContentError, UsageError
from video_rag.sources.ytdlp.choice import Choice, choice_of, refuse_oversize, unchosen
from video_rag.sources.ytdlp.options import Options

pytest.importorskip("yt_dlp")


def row(protocol: str, **facts: Any) -> dict[str, Any]:
    return {
        "format_id": protocol,
        "url": f"{protocol}://a.example/x",
        "protocol": protocol,
        **facts,
    }


@pytest.mark.parametrize("foreign", ["rtmp", "mms", "rtsp", "websocket_frag", "f4m", "ism"])
def test_formats_that_other_programs_would_fetch_are_left_out(foreign: str) -> None:
    rows = [row("https"), row("m3u8_native"), row(foreign, quality=10)]
    clean = unchosen({"title": "A talk", "formats": rows})
    assert [one["format_id"] for one in clean["formats"]] == ["https", "m3u8_native"]
    with pytest.raises(ContentError, match=f"A talk.*{foreign} only"):
        unchosen({"title": "A talk", "formats": rows[2:]})


def test_an_earlier_choice_is_forgotten() -> None:
    info = {"formats": [row("https")], "requested_formats": [row("http")], "id": "x"}
    assert unchosen(info) == {"formats": [row("https")], "id": "x"}


def test_sizes_that_are_told_beforehand_are_added_up() -> None:
    options = Options(max_bytes=100)
    both = [row("https", filesize=60), row("http", filesize=41)]
    refuse_oversize({"requested_formats": both[:1]}, options)
    with pytest.raises(ContentError, match="larger than 100 bytes"):
        refuse_oversize({"title": "A talk", "requested_formats": both}, options)
    with pytest.raises(ContentError, match="larger than 100 bytes"):
        refuse_oversize(row("https", filesize=101), options)
    refuse_oversize(row("https", filesize=None, filesize_approx=200), options)


def test_a_length_that_is_told_beforehand_counts() -> None:
    options = Options(max_seconds=10)
    refuse_oversize(row("https", duration=10.0), options)
    with pytest.raises(ContentError, match="longer than 10 seconds"):
        refuse_oversize(row("https", duration=11), options)


def test_the_picture_that_comes_with_sound_alone_is_small() -> None:
    assert Choice("audio", 1080).parameters()["format_sort"][0] == "res:360"
    assert Choice("audio", 240).parameters()["format_sort"][0] == "res:240"
    assert Choice("video", 1080).parameters()["format_sort"][0] == "res:1080"


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("", Choice("audio", 1080, "best")),
        ("video", Choice("video", 1080, "best")),
        ("subtitles", Choice("subtitles", 1080, "best")),
        ("480p", Choice("video", 480)),
    ],
)
def test_the_wish_of_one_video_goes_before_the_setting(wanted: str, chosen: Choice) -> None:
    assert choice_of(Options(fetch="audio", max_height=1080, format="best"), wanted) == chosen


@pytest.mark.parametrize("wanted", ["pictures", "0p", "50p", "99999p", "p", "480P"])
def test_other_wishes_are_told_what_there_is(wanted: str) -> None:
    with pytest.raises(UsageError) as caught:
        choice_of(Options(), wanted)
    assert "480p" in caught.value.hint


def test_only_what_changes_the_file_changes_the_mark() -> None:
    """A mark that changes has everything downloaded again."""
    assert Choice("audio", 720).mark == Choice("audio", 1080, "best").mark
    assert Choice("video", 720).mark != Choice("video", 1080).mark
    assert Choice("video", 720).mark != Choice("video", 720, "best").mark

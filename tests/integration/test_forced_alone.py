"""A video whose only subtitles are forced, where speech cannot be recognised."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from video_rag.cli import run
from video_rag.testing import clips

SIGNS = "1\n00:00:01,000 --> 00:00:02,000\nRAILWAY STATION\n"


@pytest.mark.parametrize("picture", [True, False], ids=["video", "sound alone"])
def test_without_a_recogniser_the_hint_names_the_extra_to_install(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    picture: bool,
) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)  # as when it is not installed
    path = tmp_path / ("talk.mkv" if picture else "talk.mp3")
    if picture:
        sound = clips.Extras(sound=clips.sine(4.0))
        clips.slide_lecture(path, ["One", "Two"], seconds_each=2.0, extras=sound)
    else:
        clips.tone(path, 4.0)
    path.with_name("talk.forced.en.srt").write_text(SIGNS)
    monkeypatch.setattr(sys, "argv", ["video-rag", "add", str(path)])
    with pytest.raises(SystemExit) as stopped:
        run()
    told = " ".join("".join(capsys.readouterr()).split())
    assert stopped.value.code != 0
    assert "forced: only signs and foreign speech" in told
    assert "pip install 'video-rag[asr]'" in told

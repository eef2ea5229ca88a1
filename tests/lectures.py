"""Made-up lectures long enough to be judged, and an ear that mishears a share of their words.

`Ear` is a transcriber plug-in: `install_ear(folder)` registers it as an installed package would.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from video_rag import plugins
from video_rag.model import MediaSet, Origin, Segment, Transcript, Video
from video_rag.processors.subtitles.reading import read_subtitles
from video_rag.text.timecode import stamp

TOPICS = {
    ("sheep", "en"): "flock wool hill shepherd pasture lamb fence barn shear graze feed herd count",
    ("stars", "en"): "galaxy helium fusion dwarf nova orbit telescope nebula quasar photon shine",
    ("sheep", "zh"): "羊群 羊毛 山坡 牧人 草地 羔羊 栅栏 谷仓 剪毛 放牧 饲料 牧场 山谷 牧羊犬",
    ("stars", "zh"): "星系 氦气 聚变 白矮星 超新星 轨道 望远镜 星云 光子 引力 坍缩 黑洞 亮度 光谱",
}
"""What is talked about, said in every third word or so."""
COMMON = {
    "en": "the of and a is to in that we you it this so are for with not have what they",
    "zh": "的 我们 是 在 这个 就 有 会 不 和 一个 这样 所以 它 来 可以 说 了 到 要",
}
_WORD = re.compile(r"[\u4e00-\u9fff]|[a-z]+")


def lecture(
    subject: str,
    seconds: float = 600.0,
    *,
    language: str = "en",
    origin: Origin = "platform",
    seed: int = 0,
) -> Transcript:
    """A line about every four seconds, and a pause now and then; the same every time."""
    made = random.Random(f"{subject} {seed}")
    words = [*TOPICS[subject, language].split(), *_rare_words(made, language)]
    segments = []
    at = 0.5
    while at + 5.0 < seconds:
        length = made.uniform(3.0, 5.0)
        said = (made.choice(one) for _ in range(6) for one in (COMMON[language].split(), words))
        text = ("" if language == "zh" else " ").join(said)
        segments.append(Segment(start=at, end=at + length, text=text))
        at += length + (made.uniform(2.0, 6.0) if made.random() < 0.15 else 0.0)
    return Transcript(language=language, origin=origin, segments=tuple(segments))


def _rare_words(made: random.Random, language: str) -> list[str]:
    """Words that hardly another lecture has."""
    if language == "zh":
        return ["".join(chr(made.randrange(0x4E00, 0x8000)) for _ in "ab") for _ in range(40)]
    return [
        "".join(made.choice("bdfgklmnprst") + made.choice("aeiou") for _ in "abc")
        for _ in range(40)
    ]


def moved(track: Transcript, seconds: float) -> Transcript:
    """The same lines later, those before the start left out."""
    lines = [
        line.model_copy(update={"start": line.start + seconds, "end": line.end + seconds})
        for line in track.segments
        if line.start + seconds >= 0.0
    ]
    return track.model_copy(update={"segments": tuple(lines)})


def ear(spoken: Transcript, changed: float = 0.3) -> Callable[[float, float], str]:
    """Hears what is spoken, with a share of the words put in for others, left out or added."""
    pool = [word for line in spoken.segments for word in _WORD.findall(line.text.lower())]

    def hear(start: float, seconds: float) -> str:
        dice = random.Random(f"{start} {seconds}")
        heard: list[str] = []
        for word in _said(spoken.segments, start, start + seconds):
            error = dice.random() / changed if changed else 1.0
            if error >= 1.0:
                heard.append(word)
            elif error < 0.7:
                heard.append(dice.choice(pool))
            elif error < 0.85:
                heard += [word, dice.choice(pool)]
        return ("" if spoken.language == "zh" else " ").join(heard)

    return hear


def _said(lines: Sequence[Segment], start: float, end: float) -> list[str]:
    """The words between two seconds, spread evenly over their lines."""
    found = []
    for line in lines:
        words = _WORD.findall(line.text.lower())
        for number, word in enumerate(words):
            if start <= line.start + (line.end - line.start) * number / len(words) < end:
                found.append(word)
    return found


def as_vtt(track: Transcript) -> str:
    """The lines as WebVTT."""
    cues = (f"{stamp(s.start)} --> {stamp(s.end)}\n{s.text}\n" for s in track.segments)
    return "WEBVTT\n\n" + "\n".join(cues)


class Ear:
    """A recogniser that knows what is said and mishears some of it."""

    version: int = 1
    asked: ClassVar[list[float]] = []
    """Where anybody listened."""

    class Options(plugins.Options):
        """What there is to hear."""

        spoken: Path
        changed: float = 0.3
        is_ready: bool = True

    def __init__(self, options: Options) -> None:
        self.options = options
        self._spoken = read_subtitles(options.spoken, origin="asr")

    def transcribe(
        self, video: Video, media: MediaSet, locate: Callable[[str], Path], progress: object
    ) -> list[Transcript]:
        return [self._spoken]

    def hear(self, path: Path, start: float, seconds: float, track: str = "") -> str | None:
        assert path.is_file()
        self.asked.append(start)
        if not self.options.is_ready:
            return None
        return ear(self._spoken, self.options.changed)(start, seconds)


def install_ear(site: Path) -> None:
    """What an installation of a package with `Ear` puts into a folder of modules."""
    info = site / "ear-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ear\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[video_rag.transcribers]\near = lectures:Ear\n")

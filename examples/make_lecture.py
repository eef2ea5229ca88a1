"""Make `lecture.mp4`: six slides in two languages, spoken, subtitled in both, under 3 MB.

Needs espeak-ng for the voice and a font with Chinese characters, on Debian:

    apt-get install espeak-ng fonts-noto-cjk
    python examples/make_lecture.py examples/lecture.mp4

The result is committed; nobody needs to run this to use it. Odd slides are spoken in English,
even ones in Chinese (from pinyin: espeak-ng 1.51 reads Chinese characters badly). Both subtitle
tracks run through the whole lecture.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from lecture_text import SLIDES, TITLE, Said, Slide
from PIL import Image, ImageDraw, ImageFont

from video_rag.testing.clips import RATE, Extras, Pixels, Shown, Sound, Track, write_video

FONT = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
SIMPLIFIED = 2
"""Which face of the font collection to take."""
SIZE, FPS = (1280, 720), 10
LEAD, BETWEEN, AFTER = 0.6, 0.4, 0.8
"""Seconds of silence before the first line of a slide, between lines, and after the last."""
LOUDEST = 0.6
COLOURS = ("#1f3a5f", "#2d5a4a", "#5f2d3a", "#3d3563", "#5a4a1f", "#25505f")


@dataclass(frozen=True)
class Part:
    """A slide with its sound and the times of its lines, counted from its beginning."""

    slide: Slide
    sound: Sound
    spans: tuple[tuple[float, float], ...]

    @property
    def seconds(self) -> float:
        """A whole number of frames."""
        return len(self.sound) / RATE


def speak(said: Said, *, chinese: bool) -> Sound:
    """One line, read by espeak-ng."""
    voice = "cmn-latn-pinyin" if chinese else "en-us"
    words = said.pinyin if chinese else said.english
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        speed = "195" if chinese else "185"
        command = ["espeak-ng", "-v", voice, "-s", speed, "-w", str(path), words]
        subprocess.run(command, check=True)
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        with av.open(str(path)) as container:
            pieces = [
                piece.to_ndarray()[0]
                for frame in [*container.decode(audio=0), None]
                for piece in resampler.resample(frame)
            ]
    return np.concatenate(pieces).astype(np.int16)


def record(slide: Slide, *, chinese: bool) -> Part:
    """Speak all lines of a slide, one after the other."""
    pieces = [np.zeros(round(LEAD * RATE), np.int16)]
    spans, at = [], LEAD
    for said in slide.lines:
        sound = speak(said, chinese=chinese)
        spans.append((at, at + len(sound) / RATE))
        pieces += [sound, np.zeros(round(BETWEEN * RATE), np.int16)]
        at += len(sound) / RATE + BETWEEN
    pieces.append(np.zeros(round((AFTER - BETWEEN) * RATE), np.int16))
    sound = np.concatenate(pieces)
    whole_frames = -(-len(sound) * FPS // RATE)
    return Part(slide, np.pad(sound, (0, whole_frames * RATE // FPS - len(sound))), tuple(spans))


def draw(slide: Slide, number: int) -> Pixels:
    """A slide: a coloured band with the title in both languages, three points in both below it."""
    image = Image.new("RGB", SIZE, "#fafaf5")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIZE[0], 168), fill=COLOURS[number % len(COLOURS)])
    pen.text((70, 22), slide.english, fill="white", font=_font(50))
    pen.text((70, 94), slide.chinese, fill="#e8e4d0", font=_font(42))
    for row, (english, chinese) in enumerate(slide.points):
        top = 206 + row * 150
        pen.ellipse((72, top + 18, 86, top + 32), fill=COLOURS[number % len(COLOURS)])
        pen.text((110, top), english, fill="#1c1c1c", font=_font(36))
        pen.text((110, top + 54), chinese, fill="#4a4a4a", font=_font(34))
    pen.text((1170, 664), f"{number + 1} / {len(SLIDES)}", fill="#8a8a80", font=_font(24))
    return np.asarray(image)


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size, index=SIMPLIFIED)


def subtitles(parts: list[Part]) -> tuple[Track, Track]:
    """The same times in both languages."""
    english, chinese = [], []
    begin = 0.0
    for part in parts:
        for said, (start, end) in zip(part.slide.lines, part.spans, strict=True):
            english.append(Shown(begin + start, begin + end, said.english))
            chinese.append(Shown(begin + start, begin + end, said.chinese))
        begin += part.seconds
    return Track("eng", english), Track("zho", chinese)


def frames(parts: list[Part]) -> Iterator[Pixels]:
    """Each slide for as long as it is spoken about."""
    for number, part in enumerate(parts):
        picture = draw(part.slide, number)
        for _ in range(round(part.seconds * FPS)):
            yield picture


def main() -> None:
    """Write the lecture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path)
    target = parser.parse_args().target
    parts = [record(slide, chinese=number % 2 == 1) for number, slide in enumerate(SLIDES)]
    sound = np.concatenate([part.sound for part in parts]).astype(np.float64)
    sound *= LOUDEST * 32767 / np.abs(sound).max()
    extras = Extras(
        sound=sound.astype(np.int16),
        subtitles=subtitles(parts),
        title=TITLE,
        options={"preset": "slow", "tune": "stillimage", "crf": "26", "g": str(5 * FPS)},
    )
    write_video(target, frames(parts), fps=FPS, extras=extras)
    print(f"{target}: {len(sound) / RATE:.1f} s, {target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

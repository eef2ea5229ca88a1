"""Words and pictures: what was said, what was shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from video_rag.model.noun import Later, Noun, Others, Share

Origin = Literal["sidecar", "embedded", "platform", "platform-auto", "asr", "slides"]
"""Where words come from: a subtitle file, a track in the video, the platform's subtitles
(made by people or by a machine), speech recognition, or the slides alone."""


BEST_ORIGIN: tuple[Origin, ...] = (
    "sidecar",
    "embedded",
    "platform",
    "platform-auto",
    "asr",
    "slides",
)
"""From the most to the least trusted."""


class Segment(Noun):
    """Words said in one breath."""

    start: float
    end: float
    text: str
    speaker: str | None = None
    confidence: float | None = None


class Transcript(Noun):
    """What was said, in one language."""

    language: str
    """BCP 47 primary tag, or `und`."""
    origin: Origin
    segments: tuple[Segment, ...]
    notes: tuple[str, ...] = ()
    roles: Others = ()
    """What a subtitle is for, as `text.labels` names it: `forced`, `hearing-impaired` …"""
    coverage: Share = None
    """For subtitles: the share of the video's time in which a line is shown, 0.0 to 1.0."""
    name: Later = ""
    """For subtitles of their owner's: the file's name, or number and title of the track inside."""

    @property
    def label(self) -> str:
        """For notes: `en (sidecar talk.en.srt)`, `de (embedded track 2)`, `zh (platform)`."""
        return f"{self.language} ({' '.join(filter(None, [self.origin, self.name]))})"


class Transcripts(Noun):
    """Every language of one video; the first one is the main one."""

    tracks: tuple[Transcript, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def main(self) -> Transcript | None:
        """The track that the document follows."""
        return self.tracks[0] if self.tracks else None


class Frame(Noun):
    """A still of the video."""

    at: float
    image: str
    """Digest of the image's bytes."""
    phash: str = ""
    """64-bit perceptual hash, 16 hex digits."""


class Frames(Noun):
    """The key frames of one video in order of time."""

    frames: tuple[Frame, ...] = ()
    notes: Others = ()
    """Why there are none, or fewer than there should be."""


class Line(Noun):
    """A line of text read from an image."""

    text: str
    confidence: float
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Left, top, right, bottom as shares of the image's width and height."""


class Slide(Noun):
    """What was shown from `start` to `end`."""

    start: float
    end: float
    image: str
    """Digest of the image's bytes."""
    lines: tuple[Line, ...] = ()

    @property
    def text(self) -> str:
        """The lines of the slide, one under the other."""
        return "\n".join(line.text for line in self.lines)


class Slides(Noun):
    """The slides of one video in order of time."""

    slides: tuple[Slide, ...] = ()
    notes: tuple[str, ...] = ()


def join_lines(lines: Iterable[str]) -> str:
    """Join spoken lines to running text: no space between Chinese or Japanese characters."""
    joined = ""
    for line in lines:
        tight = not joined or (_is_wide(joined[-1]) and _is_wide(line[:1]))
        joined += line if tight else f" {line}"
    return joined


def join_spoken(lines: Iterable[Segment]) -> str:
    """Running text in which a speaker is named where another one begins: `Grace Lee: It is done.`

    A dash stands where somebody unknown goes on after one who is known.
    """
    said: list[str] = []
    speaker: str | None = None
    for line in lines:
        said.append(line.text if line.speaker == speaker else spoken(line))
        speaker = line.speaker
    return join_lines(said)


def spoken(line: Segment) -> str:
    """The words of one line with who says them: `张老师：今天…`, or a dash for nobody known."""
    if not line.speaker:
        return f"– {line.text}"
    return f"{line.speaker}{'：' if _is_wide(line.speaker[-1]) else ': '}{line.text}"


def _is_wide(character: str) -> bool:
    """Whether it is a CJK character, kana or full-width punctuation, which take no spaces."""
    return "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"

"""SubStation Alpha, any version: one line of speech per line, in fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from video_rag.processors.subtitles.cues import Parsed
from video_rag.processors.subtitles.formats.karaoke import Syllable, lines_of_song
from video_rag.processors.subtitles.markup import plain_ass
from video_rag.processors.subtitles.times import ascii_times, time_of

_FIELDS = "layer,start,end,style,name,marginl,marginr,marginv,effect,text"
"""The order when the file does not say, as in version 4+ of the format."""
_TIME = r"-?[0-9]{1,6}[:：][0-9]{1,2}[:：][0-9]{1,2}(?:[.,:][0-9]{1,9})?"
_SPOKEN = re.compile(rf"(?:[^,]{{0,60}},)?\s{{0,3}}({_TIME})\s{{0,3}},\s{{0,3}}({_TIME})\s{{0,3}},")
"""Two times in the fields where a line of speech has them, whatever its keyword."""
_GLUED = re.compile(
    rf"(?<=\S)\s*(?=Dialogue:[^,]{{0,60}},\s{{0,3}}{_TIME}\s{{0,3}},\s{{0,3}}{_TIME},)"
)
"""Where a line of speech goes on from another one that has lost its end."""
_SECTION = re.compile(r"\[[^\[\]]{1,40}\]")
_SILENT = frozenset({"comment", "picture", "sound", "movie", "command", "style"})
_BINARY = frozenset({"[fonts]", "[graphics]"})
_EFFECTS = re.compile(r"fx|karaoke", re.IGNORECASE)


def count(lines: Sequence[str]) -> int:
    """How many lines look like speech."""
    return sum(
        line.lstrip()[:9].lower() == "dialogue:" or _SPOKEN.match(line.lstrip()) is not None
        for whole in lines
        for line in _apart(whole)
    )


def parse(lines: Sequence[str]) -> Parsed:
    """Every line of speech; syllables that a karaoke effect shows one by one are one line."""
    reader = _Reader(Parsed())
    for number, line in enumerate(lines, start=1):
        for part in _apart(line):
            reader.read(number, part)
    for sung in lines_of_song(reader.syllables, reader.songs):
        if len(sung.lines) > 1:
            for number in sung.lines[1:]:
                reader.parsed.problem("cues merged: syllables of a sung line", number)
        reader.parsed.add(sung.lines[0], sung.start, sung.end, sung.text, sung.speaker)
    reader.parsed.cues.sort(key=lambda cue: cue.line)
    return reader.parsed


def _apart(line: str) -> Sequence[str]:
    return _GLUED.split(line) if "Dialogue:" in line[1:] else (line,)


@dataclass
class _Reader:
    """Reads line after line."""

    parsed: Parsed

    def __post_init__(self) -> None:
        self.fields = _FIELDS.split(",")
        self.section = ""
        self.syllables: list[Syllable] = []
        self.songs: list[str] = []
        """Sung lines as they were written, before a program made syllables of them."""

    def read(self, number: int, line: str) -> None:
        """Take what a line says, or note that it was left out."""
        clean = line.strip()
        if not clean or clean[0] in ";!":
            return
        if _SECTION.fullmatch(clean):
            self.section = clean.lower()
            return
        keyword, mark, rest = line.lstrip().partition(":")  # a syllable's last space counts
        keyword = ascii_times(keyword[:40]).strip().lower()
        if keyword == "format" and mark:
            self._read_format(rest)
        elif keyword == "dialogue":
            self._read_speech(number, rest)
        elif keyword == "comment" and mark:
            self._keep_song(rest)
        elif self.section not in _BINARY and not (keyword in _SILENT and mark):
            self._read_unknown(number, clean)

    def _read_format(self, rest: str) -> None:
        names = [name.strip().lower() for name in rest.split(",")]
        if {"start", "end", "text"} <= set(names):  # the styles have a format line of their own
            self.fields = names

    def _read_unknown(self, number: int, clean: str) -> None:
        """A line whose keyword nobody knows: speech when it has speech's times."""
        _, mark, rest = clean.partition(":")
        # the colon found may be one of a time, where the keyword is missing
        fields = rest if mark and _SPOKEN.match(rest.lstrip()) else clean
        if _SPOKEN.match(fields.lstrip()):
            self.parsed.problem("lines with an unknown keyword: read as speech", number)
            self._read_speech(number, fields)
        elif self.section == "[events]":
            self.parsed.problem("lines left out: no speech", number)

    def _read_speech(self, number: int, rest: str) -> None:
        values = self._values(rest)
        start, end = time_of(values.get("start", "")), time_of(values.get("end", ""))
        if start is None:
            self.parsed.unreadable(number)
            return
        if "text" not in values:
            self.parsed.problem("cues dropped: too few fields", number)
            return
        speaker = values.get("name", "") or values.get("actor", "")
        text, style = plain_ass(values["text"]), values.get("style", "")
        if _EFFECTS.search(values.get("effect", "")) and end is not None and text.strip():
            self.syllables.append(Syllable(number, start, end, text, style, speaker.strip()))
        else:
            self.parsed.add(number, start, end, text, speaker)

    def _values(self, rest: str) -> dict[str, str]:
        """The fields as the file names them; as usual where that makes no sense."""
        values = dict(zip(self.fields, rest.split(",", len(self.fields) - 1), strict=False))
        if time_of(values.get("start", "")) is None or "text" not in values:
            usual = _FIELDS.split(",")
            others = dict(zip(usual, rest.split(",", len(usual) - 1), strict=False))
            if time_of(others.get("start", "")) is not None and "text" in others:
                return others
        return values

    def _keep_song(self, rest: str) -> None:
        values = self._values(rest)
        if "karaoke" in values.get("effect", "").lower() and "text" in values:
            self.songs.append(" ".join(plain_ass(values["text"]).split()))

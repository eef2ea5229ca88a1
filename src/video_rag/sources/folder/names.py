"""What names tell: the cores of a video's name, and the label at the end of a subtitle's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from video_rag.text import labels
from video_rag.text.labels import Label, words
from video_rag.text.numbers import chinese_number

Words = tuple[str, ...]


class Match(IntEnum):
    """How much of a video's name a subtitle has to begin with, from the best on."""

    WHOLE = 0
    TECHNICAL = 1
    """All but resolution, codec, and what recorders add."""
    LOOSE = 2
    """All but the date of a recording, the year of a film, or an id in brackets."""


_TECHNICAL = re.compile(
    r"[0-9]{3,4}[pi]|[0-9]{3,4}x[0-9]{3,4}|[48]k|uhd|hdr(?:10)?|web(?:rip|dl)?|b[dr]rip|blu-?ray|dvd(?:rip)?"
    r"|hdtv|[xh]26[45]|hevc|avc|av1|vp9|xvid|divx|10bit|60fps|30fps|f[0-9]{2,3}"
)
_RECORDER_WORDS = """
recording recordings recorded meeting gallery speaker view avo gvo as newchat video audio
screen shared closed 录制 录屏 会议录制 录像 会议 录音
"""
_RECORDER = frozenset(_RECORDER_WORDS.split())
"""What Zoom, Teams, Meet and their like write behind the name of a meeting."""
_DATE = re.compile(r"[0-9]{4,8}(?:utc|gmt|z)?|[0-9]{1,2}|utc|gmt|at")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_BRACKETED = re.compile(r"(.+?)\s*(?:\[[^\]]+\]|\((?:19|20)[0-9]{2}\))\s*")
_COPY = re.compile(r".*\S\s?\([0-9]{1,2}\)")
"""`talk (1)`: a browser saved it again."""


_DIGITS = re.compile(r"\d+")
_HAN_NUMBER = re.compile("[〇零一二两三四五六七八九十百千]+")
_NUMERAL = re.compile(f"{_DIGITS.pattern}|{_HAN_NUMBER.pattern}")


def same(stem: str) -> str:
    """One spelling for what a Mac and a Linux machine write differently (é in one or two)."""
    return stem if stem.isascii() else unicodedata.normalize("NFC", stem)


def numbered(said: Words) -> Words:
    """Words with every number written one way: `第02讲`, `第二讲` → `第2讲`; `S01E02` → `s1e2`."""
    if not any(map(_NUMERAL.search, said)):
        return said
    return tuple(
        _DIGITS.sub(lambda m: str(int(m[0])), _HAN_NUMBER.sub(_digits, word)) for word in said
    )


def _digits(match: re.Match[str]) -> str:
    return chinese_number(match[0])


def cores(stem: str) -> dict[Words, Match]:
    """What a subtitle of the video of this stem may begin with, each with how good that is."""
    whole = words(stem)
    found = {whole: Match.WHOLE} if whole else {}
    first = next((i for i, word in enumerate(whole) if i and _TECHNICAL.fullmatch(word)), None)
    bare = whole[:first]
    while bare:
        found.setdefault(bare, Match.TECHNICAL)
        if len(bare) == 1 or bare[-1] not in _RECORDER:
            break
        bare = bare[:-1]
    for core in filter(None, _loose(stem, bare)):
        found.setdefault(core, Match.LOOSE)
    return found


def _loose(stem: str, bare: Words) -> Iterator[Words]:
    """Without an id in brackets or a year, and for a recording without its date and time."""
    if bracketed := _BRACKETED.fullmatch(stem):
        yield words(bracketed[1])
    whole = words(stem)
    if len(bare) > 1 and len(bare) < len(whole) and _YEAR.fullmatch(bare[-1]):
        yield bare[:-1]
    if len(bare) < len(whole) and whole[len(bare)] in _RECORDER:
        core = bare
        while len(core) > 1 and _DATE.fullmatch(core[-1]):
            core = core[:-1]
        yield core


@dataclass(frozen=True)
class Fit:
    """Whether a subtitle belongs to a video whose core its name begins with."""

    label: Label
    is_certain: bool
    is_titled: bool = False
    """Whether only unknown words without numbers are in the way, as in `talk.John.srt`."""


def fit(stem: str, rest: Words, suffixes: frozenset[str]) -> Fit:
    """How what follows the core reads; `suffixes` are those of videos, without dots."""
    said = tuple(w for w in rest if w not in suffixes and w not in _RECORDER)
    label = labels.read(tuple(w for w in said if not _TECHNICAL.fullmatch(w)))
    if label.numbers and label.is_empty and not _COPY.fullmatch(stem):
        return Fit(label, is_certain=False)
    if not label.unknown or (labels.COMMENTARY in label.roles or labels.FORCED in label.roles):
        return Fit(label, is_certain=True)
    is_titled = not label.numbers and not any(c.isdigit() for w in label.unknown for c in w)
    return Fit(label, is_certain=False, is_titled=is_titled)


_END = re.compile(
    r"(?P<base>.*[^\s._-])\s*"
    r"(?:[.](?P<dotted>[^.]+)|[_-](?P<joined>[^\W_]+(?:-[^\W_]+)?)|\s*[(\[（【](?P<inside>[^()\[\]（）【】]+)[)\]）】])"
)
_CERTAIN_ALONE_WORDS = """
en zh es fr de pt ru ja ko ar nl pl tr vi th sv da fi el hu ro fa uk bg
"""
_CERTAIN_ALONE = frozenset(_CERTAIN_ALONE_WORDS.split())
"""Languages that a name without a video may end in. `is`, `so`, `it`, `no`, `hr`, `cs` and others
are words as well: they count where another file of the same name is in one of these."""
_ENCODINGS = frozenset({"big5", "gb", "sc", "tc"})
"""They say Chinese beside a video; behind a dash and alone they are rather a part of the title."""
_ALIKE_WORDS = """
auto orig transcript captions subtitles subs
"""
_ALIKE = frozenset(_ALIKE_WORDS.split())
_NOT_SURE = """
fin dan per por pol may sun ice mac run que her
"""
_WORDS_ALONE = frozenset(_NOT_SURE.split())


@dataclass(frozen=True)
class Alone:
    """The name of a subtitle file whose video is elsewhere."""

    base: str
    """Without the label."""
    label: Label
    is_certain: bool
    """Whether its language can be nothing else."""


def alone(stem: str) -> Alone:
    """The label at the end of a name that no video explains; a doubtful one is told."""
    base = stem
    said: Words = ()
    while (end := _END.fullmatch(base)) and (more := _ending(end, said)):
        base, said = end["base"], more
    if not base or (said and not labels.read(said).roles and _says_little(said)):
        return Alone(stem, Label(), is_certain=True)
    label = labels.read(said)
    named = [w for w in said if labels.language_of(w) == label.language]
    certain = label.language in _CERTAIN_ALONE and any(w not in _WORDS_ALONE for w in named)
    return Alone(base, label, certain or label.language is None)


def _says_little(said: Words) -> bool:
    """Whether neither language nor kind is named, as in `talk.final`: perhaps one of several."""
    return labels.read(said).language is None and not _ALIKE.issuperset(said)


def _ending(end: re.Match[str], said: Words) -> Words:
    """The label so far with one more part before it; empty when that part is none."""
    part = words(end["dotted"] or end["joined"] or end["inside"])
    if not part or not all(map(labels.is_label, part)):
        return ()
    label, before = labels.read(part), labels.read(said)
    if end["joined"] and (label.language not in _CERTAIN_ALONE or not _ENCODINGS.isdisjoint(part)):
        return ()
    if label.language and before.language and said[0] != "hi":
        return ()
    return (*part, *said)

"""Who speaks: `Name:` before the words of a cue, as meetings and broadcasts are written down.

`Grace Lee: Let us begin` names a speaker, `Note: let us begin` does not, and no single cue tells
them apart. So labels are gathered over the whole file and judged by what they look like, how often
they come back, how much of the file is labelled, and whether their words occur as ordinary words.
In doubt the words stay as they are: they are then found and quoted all the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from video_rag.processors.subtitles.cues import Cue
from video_rag.processors.subtitles.labels import CERTAIN, NO_NAME, ROLE, look

_LABEL = re.compile(
    r"""
    (?:[-–—•*]|>{2,3})?\s*                     # a dash or chevrons: somebody else speaks
    (?P<open>\[)?
    (?P<name>[^\W_][^:：\[\]<>"“”!?。！？；;]{0,60}?)
    (?(open)\]\s*[:：]?                        # neither `http://` nor `std::`
    |(?:\s*(?P<remark>\[[^\[\]]{1,40}\]|【[^【】]{1,40}】|[(（][^()（）]{1,40}[)）]))?
    \s*(?::(?![:/\\])|：))
    (?P<gap>\s*)(?P<said>.*)
    """,
    re.VERBOSE | re.DOTALL,
)
_SYSTEMATIC = 0.5
"""A file in which so many cues are labelled is the record of a conversation."""
_REGULAR = 0.1
"""In one with fewer labels than this nobody is named regularly."""
_ROUND = ("(", "（")
_OFTEN = 3
"""So often nothing is said before a colon that is not meant so."""
_LONGER_THAN_ACRONYMS = 5
_GOES_ON = 2.0
"""Seconds within which a sentence that was begun goes on."""
_WORD = re.compile(r"[^\W\d_]+")
_OPEN_END = re.compile(r"[^\W\d_]|[,;，、；–—-]$")


class _Labelled(NamedTuple):
    """A line that begins with what may be a name."""

    name: str
    said: str
    remark: str = ""
    """How it is said, as `[off screen]`; in round brackets it may be a part of the name."""

    @property
    def whole(self) -> str:
        """The name with what stands behind it."""
        return f"{self.name}{'' if self.remark[:1] in {'（', ''} else ' '}{self.remark}"

    def known_in(self, names: Container[str]) -> _Labelled:
        """The label as one of these names; a remark is then among the words, as others are."""
        whole = self.whole
        if not self.remark or (self.name not in names and whole in names):
            return self if not self.remark else _Labelled(whole, self.said)
        return _Labelled(self.name, f"{self.remark} {self.said}".rstrip())


@dataclass
class _Evidence:
    """What a whole file tells about its labels."""

    cues: int
    counts: Counter[str] = field(default_factory=Counter)
    """How often each label stands before words."""
    unlike_speech: Counter[str] = field(default_factory=Counter)
    """How often it stands before a small letter, as in a list of terms."""
    ordinary: set[str] = field(default_factory=set)
    """Words that occur in lower case."""

    def speakers(self) -> frozenset[str]:
        """The labels that are names of speakers."""
        looks = {name: self._look(name) for name in self.counts}
        likely = {name: count for name, count in self.counts.items() if looks[name] != NO_NAME}
        share = sum(likely.values()) / max(self.cues, 1)
        repeated = {name for name, count in likely.items() if count > 1}
        return frozenset(
            name
            for name in likely
            if (
                self._stands(name, share, repeated, is_role=looks[name] == ROLE)
                if looks[name] in {CERTAIN, ROLE}
                else self._is_borne_out(name, share, repeated)
            )
        )

    def _stands(self, name: str, share: float, repeated: set[str], *, is_role: bool) -> bool:
        """A whole name or a title: one that comes back, or one of many."""
        if name in repeated:
            return True
        is_many = share >= _SYSTEMATIC or (share >= _REGULAR and bool(repeated))
        return is_many and (is_role or not self.unlike_speech[name])

    def _is_borne_out(self, name: str, share: float, repeated: set[str]) -> bool:
        """A single word could be anything: it must come back, and others beside it or often."""
        if name not in repeated:
            return share >= _SYSTEMATIC and bool(repeated) and not self.unlike_speech[name]
        is_company = len(repeated) > 1 or self.counts[name] >= _OFTEN
        is_shouted = name.isupper() and len(name) >= _LONGER_THAN_ACRONYMS and self.ordinary
        if share >= _SYSTEMATIC or is_shouted:
            return is_company or (len(self.counts) > 1 and share >= _SYSTEMATIC)
        return share >= _REGULAR and len(repeated) > 1

    def _look(self, name: str) -> int:
        """What the label looks like; ordinary words of this file are no name."""
        found = look(name)
        words = _WORD.findall(name.casefold())
        return NO_NAME if found != ROLE and words and self.ordinary.issuperset(words) else found


def with_speakers(cues: Sequence[Cue]) -> list[Cue]:
    """The same cues, `Name:` taken off and kept as the speaker where it surely is one.

    A cue in which several are named becomes one cue for each of them, with the same times. What
    follows the last words of a speaker within a sentence is still theirs.
    """
    known = _evidence(cues).speakers()
    told: list[Cue] = []
    for cue in cues:
        for one in _taken_apart(cue, known):
            goes_on = told and one.speaker is None and known and _goes_on(told[-1], one)
            told.append(replace(one, speaker=told[-1].speaker) if goes_on else one)
    return told


def _evidence(cues: Sequence[Cue]) -> _Evidence:
    evidence = _Evidence(len(cues))
    labels: list[_Labelled] = []
    for cue in cues:
        for line in cue.lines:
            label = _labelled(line)
            said = label.said if label else line
            if label and cue.speaker is None:
                labels.append(label)
            evidence.ordinary.update(word for word in _WORD.findall(said) if word.islower())
    bare = {label.name for label in labels if label.remark[:1] not in _ROUND}
    for label in labels:
        is_part = label.remark and label.name not in bare
        name = label.whole if is_part else label.name
        evidence.counts[name] += 1
        evidence.unlike_speech[name] += label.said[:1].islower()
    return evidence


def _labelled(line: str) -> _Labelled | None:
    """The label of a line; a colon between a word and the next one (`10:30`, `a:b`) is none."""
    found = _LABEL.fullmatch(line)
    if found is None:
        return None
    name, said = " ".join(found["name"].split()), found["said"]
    is_apart = found["gap"] or not said or "：" in line[: found.start("said")]
    is_wide = bool(said) and ord(said[0]) >= 0x3000
    is_label = is_apart or is_wide or found["open"]
    return _Labelled(name, said, found["remark"] or "") if is_label else None


def _taken_apart(cue: Cue, known: frozenset[str]) -> Iterator[Cue]:
    """One cue for each speaker; the lines after a name are that speaker's."""
    speaker = cue.speaker
    lines: list[str] = []
    for line in cue.lines:
        said, label = line, _labelled(line)
        label = label and label.known_in({*known, speaker or ""})
        if label and label.name == speaker:
            said = label.said  # the name is kept once
        elif label and cue.speaker is None and label.name in known:
            if lines:
                yield replace(cue, lines=tuple(lines), speaker=speaker)
            speaker, lines, said = label.name, [], label.said
        if said:
            lines.append(said)
    if lines:
        yield replace(cue, lines=tuple(lines), speaker=speaker)
    elif speaker != cue.speaker or cue.speaker:  # a name and nothing said: the words are kept
        yield cue


def _goes_on(before: Cue, cue: Cue) -> bool:
    """Whether a cue without a name is the rest of the sentence before it."""
    if before.speaker is None or before.end is None or cue.start - before.end > _GOES_ON:
        return False
    ends_open = bool(_OPEN_END.match(before.lines[-1][-1]))
    return ends_open and cue.lines[0][0].islower()

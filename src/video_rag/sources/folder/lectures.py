"""Which files of a folder belong together, told by their names alone.

A subtitle belongs to the video with whose name its own begins, when the rest is a label. What the
rest says otherwise is a doubt, and a doubt is told: in the notes of the video that takes it, or of
the lecture that the file then is by itself.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from video_rag.media import AUDIO_SUFFIXES, MEDIA_SUFFIXES, SUBTITLE_SUFFIXES
from video_rag.sources.folder import listing as listings
from video_rag.sources.folder.listing import Listing, Named
from video_rag.sources.folder.names import Alone, Match, Words, alone, cores, fit, numbered, same
from video_rag.text import labels
from video_rag.text.labels import Label

_FORMS = 8
"""Files that one recording may be in: resolutions, gallery, sound. More are different recordings
with one beginning, which then names none of them."""
_AFTER = "\U0010ffff"
"""Sorts behind every word."""
_SUFFIX_WORDS = frozenset(suffix[1:] for suffix in MEDIA_SUFFIXES)


@dataclass(frozen=True)
class Sidecar:
    """A subtitle file of a lecture."""

    path: Path
    language: str | None = None
    """If its name tells."""
    roles: tuple[str, ...] = ()
    """See `labels`."""


@dataclass(frozen=True)
class Lecture:
    """A media file with its subtitle files, or subtitle files alone."""

    main: Path
    subtitles: tuple[Sidecar, ...] = ()
    notes: tuple[str, ...] = ()
    """Doubts about what belongs together."""
    stem: str = ""
    """The name without suffix; for subtitles without language: `talk.zh.srt` → `talk`."""

    @property
    def is_subtitles(self) -> bool:
        """Whether the video is elsewhere."""
        return self.main.suffix.lower() in SUBTITLE_SUFFIXES


@dataclass(frozen=True)
class _Claim:
    """To which videos a subtitle belongs."""

    owners: tuple[Named, ...] = ()
    label: Label = field(default_factory=Label)
    is_titled: bool = False
    """Whether it does only if nothing fits better."""
    words: int = 0
    """How many of its words are the video's name; none where it says only what it is."""
    doubt: str = ""
    """Why it may belong to one although it has no owner."""


def natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts `lecture 2` before `lecture 10`, and no two names alike."""
    parts = re.split(r"([0-9]+)", path.name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


class Neighbours:
    """The videos of one folder and the subtitles beside them, each found without the others."""

    def __init__(self, here: Listing) -> None:
        self.here = here
        self.watched: list[Path] = []
        """Folders beside this one that were listed, too."""
        self._deeper: list[tuple[Words, Path]] = []
        subtitles = list(here.subtitles)
        if here.played:
            subtitles += self._from_subtitle_folders()
        self._subtitles = sorted(
            ((file.words, file.path.name, file) for file in subtitles), key=_by_words
        )
        self._played = sorted(
            ((file.words, file.path.name, file) for file in here.played), key=_by_words
        )
        self._deeper.sort(key=lambda row: row[0])
        self._cores: dict[Words, list[tuple[Match, Named]]] = {}
        for file in here.played:
            for core, match in cores(file.stem).items():
                self._cores.setdefault(core, []).append((match, file))
        # by words whose numbers are written one way: see `numbered`
        self._renumbered = sorted(
            ((numbered(row[0]), row[1], row[2]) for row in self._subtitles), key=_by_words
        )
        self._spellings: dict[Words, list[Words]] = {}
        for core in self._cores:
            self._spellings.setdefault(numbered(core), []).append(core)
        self._claims: dict[Path, _Claim] = {}

    def lectures(self) -> Iterator[Lecture]:
        """Every lecture of the folder, in natural order of their main files."""
        found = [self.of_played(file) for file in self.here.played]
        done: set[Path] = set()
        for file in self.here.subtitles:
            if file.path not in done and not self.owners(file):
                found.append(lecture := self.of_subtitle(file))
                done.update(sidecar.path for sidecar in lecture.subtitles)
        yield from sorted(found, key=lambda lecture: natural(lecture.main))

    def nearest(self, path: Path, many: int) -> list[Path]:
        """The videos whose names come just before and after this one's, `many` on each side."""
        words = Named(path, path.stem).words
        at = bisect_left(self._played, words, key=lambda row: row[0])
        rows = self._played[max(0, at - many) : at + many + 1]
        return [row[2].path for row in rows if row[2].path != path]

    def of_played(self, file: Named) -> Lecture:
        """A video with the subtitles that belong to it."""
        found = {other.path: other for other in self._candidates(file)}
        claims = {path: self._claim(other) for path, other in found.items()}
        mine = {p: claim for p, claim in claims.items() if file in claim.owners}
        certain = {path: claim for path, claim in mine.items() if not claim.is_titled}
        titled = {path: claim for path, claim in mine.items() if claim.is_titled}
        taken = certain or (titled if len(titled) == 1 else {})
        notes = tuple(
            f"{path.name} is taken for subtitles of this video, though its name also says "
            f"{' '.join(claim.label.unknown)!r}: rename it if it is not"
            for path, claim in taken.items()
            if claim.is_titled
        )
        # in doubt the first of them leads: one that is named after the video
        ordered = sorted(taken.items(), key=lambda row: (-row[1].words, natural(row[0])))
        sidecars = (Sidecar(p, c.label.language, c.label.roles) for p, c in ordered)
        return Lecture(file.path, tuple(sidecars), notes, file.path.stem)

    def of_subtitle(self, file: Named) -> Lecture:
        """The lecture of a subtitle file: its video's, else with others of the same name."""
        owners = self.owners(file)
        if owners:
            return self.of_played(owners[0])
        name = alone(file.stem)
        base = labels.words(name.base) or file.words
        group = [
            (other, alone(other.stem))
            for other in self._between(self._subtitles, base)
            if other.path.parent == file.path.parent and not self.owners(other)
        ]
        kept = _together(file, name, group)
        stem = name.base if len(kept) > 1 or name.is_certain else file.stem
        notes = dict.fromkeys(filter(None, (self.doubt(other) for other, _ in kept)))
        sidecars = sorted(
            (_sidecar(other, label) for other, label in kept), key=lambda one: natural(one.path)
        )
        return Lecture(sidecars[0].path, tuple(sidecars), tuple(notes), stem)

    def owners(self, file: Named) -> tuple[Named, ...]:
        """The videos that take a subtitle; none when it stands alone."""
        claim = self._claim(file)
        if not claim.is_titled:
            return claim.owners
        return tuple(
            owner
            for owner in claim.owners
            if any(file.path == taken.path for taken in self.of_played(owner).subtitles)
        )

    def doubt(self, file: Named) -> str:
        """Why a subtitle that has no owner may still belong to a video here."""
        claim = self._claim(file)
        return claim.doubt or (_may_belong(file, claim.owners[0]) if claim.owners else "")

    def _claim(self, file: Named) -> _Claim:
        if file.path not in self._claims:
            self._claims[file.path] = self._claimed(file) if self.here.played else _Claim()
        return self._claims[file.path]

    def _claimed(self, file: Named) -> _Claim:
        titled: _Claim | None = None
        near: Named | None = None
        for length in range(len(file.words), 0, -1):
            rows = self._rows(file.words[:length])
            if not rows:
                continue
            rest = file.words[length:]
            found = fit(file.stem, rest, _SUFFIX_WORDS)
            if found.is_certain:
                return _Claim(_closest(rows, file, rest), found.label, words=length)
            near = near or rows[0][1]
            if found.is_titled and titled is None:
                titled = _Claim(_closest(rows, file, rest), found.label, is_titled=True)
        return titled or self._by_number(file) or self._by_no_name(file, near)

    def _by_number(self, file: Named) -> _Claim | None:
        """A subtitle whose name differs from a video's in how numbers are written alone."""
        for length in range(len(file.words), 0, -1):
            spellings = self._spellings.get(numbered(file.words[:length]), [])
            rows = self._rows(spellings[0]) if len(spellings) == 1 else []
            rest = file.words[length:]
            if rows and (found := fit(file.stem, rest, _SUFFIX_WORDS)).is_certain:
                return _Claim(_closest(rows, file, rest), found.label, words=length)
        return None

    def _by_no_name(self, file: Named, near: Named | None) -> _Claim:
        """A subtitle that begins with no video's name: of the only video, or a doubt."""
        said = fit(file.stem, file.words, _SUFFIX_WORDS)
        is_nameless = not said.label.unknown and any(map(labels.is_label, file.words))
        is_only = len(self.here.played) == 1
        if is_nameless and is_only:
            return _Claim((self.here.played[0],), said.label)
        if is_nameless:
            many = len(self.here.played)
            return _Claim(
                doubt=f"{file.path.name} does not tell to which of the {many} videos beside it "
                f"it belongs: name it after one of them"
            )
        base = labels.words(alone(file.stem).base)
        near = near or next(iter(self._between(self._played, base)), None)
        if near is None and is_only and len(self._subtitles) == 1:
            near = self.here.played[0]
        return _Claim(doubt=_may_belong(file, near) if near else "")

    def _rows(self, core: Words) -> list[tuple[Match, Named]]:
        """The videos of a core; one that is cut down says nothing when it fits too many."""
        rows = self._cores.get(core, [])
        cut = [row for row in rows if row[0] is not Match.WHOLE]
        if len(rows) > _FORMS or (len(rows) > 1 and any(m is Match.LOOSE for m, _ in cut)):
            return [row for row in rows if row[0] is Match.WHOLE]
        return rows

    def _candidates(self, file: Named) -> Iterator[Named]:
        """The subtitles that may belong to a video: not many, however full the folder is."""
        if len(self.here.played) == 1:
            yield from (other for _, _, other in self._subtitles)
        for core in cores(file.stem):
            if any(file == other for _, other in self._rows(core)):
                yield from self._between(self._subtitles, core)
                yield from self._between(self._renumbered, numbered(core))
                yield from self._in_deeper(core)

    def _between(self, rows: Sequence[tuple[Words, str, Named]], core: Words) -> Iterator[Named]:
        """The files whose words begin with these."""
        low = bisect_left(rows, core, key=lambda row: row[0])
        high = bisect_left(rows, (*core, _AFTER), key=lambda row: row[0])
        yield from (row[2] for row in rows[low:high])

    def _from_subtitle_folders(self) -> Iterator[Named]:
        """What lies in `Subs/` and `Subs/English/`; of `Subs/<video>/` the name is kept."""
        for folder in filter(listings.is_for_subtitles, self.here.folders):
            found = _listed(folder)
            self.watched.append(folder)
            yield from found.subtitles
            for below in found.folders:
                if listings.is_for_a_language(below):
                    self.watched.append(below)
                    for file in _listed(below).subtitles:
                        yield Named(file.path, f"{file.stem}.{below.name}")
                else:
                    self._deeper.append((labels.words(below.name), below))

    def _in_deeper(self, core: Words) -> Iterator[Named]:
        """What lies in `Subs/<name of a video>/`."""
        low = bisect_left(self._deeper, core, key=lambda row: row[0])
        high = bisect_left(self._deeper, (*core, _AFTER), key=lambda row: row[0])
        for _, folder in self._deeper[low:high]:
            yield from (within(file) for file in _listed(folder).subtitles)


def within(file: Named) -> Named:
    """A file in `Subs/<name of a video>/`, whose own name may leave the video out."""
    outer = labels.words(file.path.parent.name)
    if file.words[: len(outer)] == outer:
        return file
    return Named(file.path, f"{file.path.parent.name}.{file.stem}")


def _by_words(row: tuple[Words, str, Named]) -> tuple[Words, str]:
    return row[0], row[1]


def _listed(folder: Path) -> Listing:
    try:
        return listings.listing(folder)
    except OSError:  # that it cannot be read is told when the folder itself is entered
        return Listing()


def _closest(rows: Sequence[tuple[Match, Named]], file: Named, rest: Words) -> tuple[Named, ...]:
    """The best of the videos of one core: of pictures and of sounds, as both may be kept."""
    best: list[Named] = []
    for is_sound in (False, True):
        some = [row for row in rows if (row[1].suffix in AUDIO_SUFFIXES) == is_sound]
        match = min((row[0] for row in some), default=Match.WHOLE)
        alike = [one for how, one in some if how is match]
        best += [one for one in alike if same(file.stem).startswith(same(one.stem))] or alike
    return tuple([one for one in best if one.suffix[1:] in rest] or best)


def _may_belong(file: Named, video: Named) -> str:
    name = f"{video.path.stem}{file.path.suffix}"
    return (
        f"{file.path.name} may belong to {video.path.name} beside it, and is taken for a lecture "
        f"of its own: if it does, name it {name}"
    )


def _together(
    file: Named, name: Alone, group: Iterable[tuple[Named, Alone]]
) -> list[tuple[Named, Label]]:
    """The files of one lecture: of one name, in languages that are surely languages."""
    alike = [(other, one) for other, one in group if same(one.base) == same(name.base)]
    if any(one.is_certain and one.label.language for _, one in alike):
        return [(other, one.label) for other, one in alike]
    if not name.is_certain:
        return [(file, Label())]
    return [(other, one.label) for other, one in alike if one.is_certain]


def _sidecar(file: Named, label: Label) -> Sidecar:
    return Sidecar(file.path, label.language, label.roles)

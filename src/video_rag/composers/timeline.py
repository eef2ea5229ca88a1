"""Speech and slides interleaved by time, cut at chapters, slide changes and topic pauses."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pydantic import Field

from video_rag import plugins
from video_rag.composers._slides import tidy, title_of
from video_rag.errors import ContentError
from video_rag.model import (
    Chapter,
    Document,
    MediaSet,
    Section,
    Segment,
    Slide,
    Slides,
    Transcript,
    Transcripts,
    Video,
)
from video_rag.text import languages
from video_rag.text.timecode import overlap

_OF_A_FILE = "put a subtitle file with the same name beside it and add it again"
_OF_A_SITE = (
    "if it has subtitles in other languages, name them in [sources.ytdlp] subtitle_languages and "
    "add it again"
)


class Timeline:
    """One section per stretch of talk; slides to which nobody speaks stand by themselves."""

    version = 1

    class Options(plugins.Options):
        """Where sections end."""

        min_seconds: float = Field(
            12.0, ge=0, description="A slide change ends no section that is shorter than this."
        )
        topic_seconds: float = Field(
            60.0, ge=0, description="A pause ends no section that is shorter than this."
        )
        max_seconds: float = Field(
            180.0, gt=0, description="A longer section is cut at its longest pause."
        )
        pause_seconds: float = Field(
            1.0, ge=0, description="A shorter silence is never taken for a change of topic."
        )
        pause_share: float = Field(
            0.05,
            ge=0,
            le=1,
            description="Only this share of a talk's pauses, the longest, may end a section.",
        )

    def __init__(self, options: Options) -> None:
        self.options = options

    def compose(
        self, video: Video, media: MediaSet, transcripts: Transcripts, slides: Slides
    ) -> Document:
        """One document that follows the main language. Raises `ContentError` without any words."""
        chapters = _in_order(video.chapters or media.chapters)
        spoken = [_with_words(track) for track in transcripts.tracks]
        spoken = [track for track in spoken if track.segments]
        shown = tidy(slides.slides)
        if not spoken and not any(slide.text.strip() for slide in shown):
            why = dict.fromkeys([*media.notes, *transcripts.notes, *slides.notes])
            raise ContentError(
                f"{video.title} has nothing to read: no speech, no subtitles, no text on slides"
                + "".join(f" · {note}" for note in why),
                hint=_OF_A_FILE if video.source == "folder" else _OF_A_SITE,
            )
        tracks, left_out = _one_per_language(spoken)
        cuts = _Cuts(self.options, chapters, shown)
        sections, translations = self._sections(video, cuts, tracks, shown)
        notes = [*media.notes, *transcripts.notes, *(n for t in spoken for n in t.notes)]
        return Document(
            video=video.model_copy(update={"chapters": chapters}),
            sections=sections,
            translations=translations,
            notes=tuple(dict.fromkeys([*notes, *left_out, *slides.notes])),
        )

    def _sections(
        self, video: Video, cuts: _Cuts, tracks: Sequence[Transcript], shown: Sequence[Slide]
    ) -> tuple[tuple[Section, ...], tuple[Section, ...]]:
        if not tracks:
            return tuple(_silent(video, cuts, shown)), ()
        main, *others = tracks
        groups = cuts.groups(main.segments)
        silent = [slide for slide in shown if slide.text.strip() and not _heard(slide, main)]
        heard = [slide for slide in shown if slide not in silent]
        sections = [
            _section(main, group, cuts, slides)
            for group, slides in zip(groups, _shared_out(heard, groups), strict=True)
        ]
        sections.extend(_silent(video, cuts, silent))
        starts = [group[0].start for group in groups]
        translations = [
            _section(track, group, cuts, ())
            for track in others
            for group in _cut_at(track.segments, starts)
        ]
        ordered = sorted(sections, key=lambda section: section.start)
        return tuple(ordered), tuple(translations)


@dataclass(frozen=True)
class _Cuts:
    """What may end a section."""

    options: Timeline.Options
    chapters: Sequence[Chapter]
    slides: Sequence[Slide]

    def groups(self, lines: Sequence[Segment]) -> list[list[Segment]]:
        """Lines that belong together."""
        topic = self._topic_pause(lines)
        groups: list[list[Segment]] = [[lines[0]]]
        for before, line in pairwise(lines):
            group = groups[-1]
            length, silence = line.start - group[0].start, line.start - before.end
            if (
                self.chapter_at(line.start) != self.chapter_at(before.start)
                or (length >= self.options.min_seconds and self._slide_changes(before, line))
                or (length >= self.options.topic_seconds and silence >= topic)
            ):
                groups.append([])
            groups[-1].append(line)
        return [part for group in groups for part in self._halved(group)]

    def _topic_pause(self, lines: Sequence[Segment]) -> float:
        """Seconds of silence that this talk's longest pauses share."""
        pauses = sorted((b.start - a.end for a, b in pairwise(lines)), reverse=True)
        if not pauses:
            return self.options.pause_seconds
        rank = min(int(len(pauses) * self.options.pause_share), len(pauses) - 1)
        return max(pauses[rank], self.options.pause_seconds)

    def _slide_changes(self, before: Segment, line: Segment) -> bool:
        """Whether the slide changes nearer to this edge of two lines than to any other."""
        first, last = (before.start + before.end) / 2, (line.start + line.end) / 2
        return any(first <= slide.start < last for slide in self.slides)

    def _halved(self, group: list[Segment]) -> list[list[Segment]]:
        """A group that is too long, cut again and again at the longest pause of its middle half."""
        first, last = group[0].start, group[-1].end
        if last - first <= self.options.max_seconds or len(group) < 2:
            return [group]
        quarter = (last - first) / 4
        places = range(1, len(group))
        inner = [at for at in places if first + quarter <= group[at].start <= last - quarter]
        best = max(inner or places, key=lambda at: group[at].start - group[at - 1].end)
        return [*self._halved(group[:best]), *self._halved(group[best:])]

    def chapter_at(self, seconds: float) -> str:
        """The title of the chapter that runs then."""
        number = bisect_right([chapter.start for chapter in self.chapters], seconds)
        return self.chapters[number - 1].title if number else ""


def _in_order(chapters: Sequence[Chapter]) -> tuple[Chapter, ...]:
    return tuple(sorted(chapters, key=lambda chapter: chapter.start))


def _with_words(track: Transcript) -> Transcript:
    """A transcript without empty lines, in order of time."""
    lines = sorted((s for s in track.segments if s.text.strip()), key=lambda s: s.start)
    return track.model_copy(update={"segments": tuple(lines)})


def _one_per_language(tracks: Sequence[Transcript]) -> tuple[list[Transcript], list[str]]:
    """The first track of each language, and notes about the others."""
    chosen: dict[str, Transcript] = {}
    notes = [
        f"a second track in {track.language} was left out: {track.label}, "
        f"beside {chosen[track.language].label}"
        for track in tracks
        if chosen.setdefault(track.language, track) is not track
    ]
    return list(chosen.values()), notes


def _section(
    track: Transcript, lines: Sequence[Segment], cuts: _Cuts, slides: Sequence[Slide]
) -> Section:
    start, end = lines[0].start, max(line.end for line in lines)
    chapter = cuts.chapter_at(start)
    return Section(
        start=start,
        end=end,
        heading=chapter or _heading(start, end, cuts.slides),
        language=track.language,
        origin=track.origin,
        segments=tuple(lines),
        slides=tuple(slides),
        chapter=chapter,
    )


def _heading(start: float, end: float, slides: Sequence[Slide]) -> str:
    """The title of the slide that is shown longest."""
    if not slides:
        return ""
    longest = max(slides, key=lambda s: overlap(s.start, s.end, start, end))
    return title_of(longest) if overlap(longest.start, longest.end, start, end) > 0 else ""


def _heard(slide: Slide, track: Transcript) -> bool:
    """Whether anybody speaks while the slide is shown."""
    return any(overlap(slide.start, slide.end, s.start, s.end) > 0 for s in track.segments)


def _shared_out(slides: Sequence[Slide], groups: Sequence[Sequence[Segment]]) -> list[list[Slide]]:
    """Each slide with the group of lines during which it appears, or the next one."""
    ends = [group[-1].end for group in groups]
    found: list[list[Slide]] = [[] for _ in groups]
    for slide in slides:
        found[min(bisect_right(ends, slide.start), len(groups) - 1)].append(slide)
    return found


def _cut_at(lines: Sequence[Segment], starts: Sequence[float]) -> Iterator[list[Segment]]:
    """Lines of another language, cut where the main language was."""
    groups: dict[int, list[Segment]] = {}
    for line in lines:
        middle = (line.start + line.end) / 2
        groups.setdefault(max(bisect_right(starts, middle), 1), []).append(line)
    yield from groups.values()


def _silent(video: Video, cuts: _Cuts, slides: Sequence[Slide]) -> Iterator[Section]:
    """Sections of slides to which nobody speaks; quick ones share a section."""
    group: list[Slide] = []
    for slide in slides:
        if group and (
            slide.start - group[0].start >= cuts.options.min_seconds
            or slide.start > group[-1].end
            or cuts.chapter_at(slide.start) != cuts.chapter_at(group[0].start)
        ):
            yield _slides_alone(video, cuts, group)
            group = []
        group.append(slide)
    if any(slide.text.strip() for slide in group):
        yield _slides_alone(video, cuts, group)


def _slides_alone(video: Video, cuts: _Cuts, slides: Sequence[Slide]) -> Section:
    chapter = cuts.chapter_at(slides[0].start)
    text = "\n".join(slide.text for slide in slides)
    return Section(
        start=slides[0].start,
        end=slides[-1].end,
        heading=chapter or next(filter(None, map(title_of, slides)), ""),
        language=video.language or languages.guess(text),
        origin="slides",
        slides=tuple(slides),
        chapter=chapter,
    )

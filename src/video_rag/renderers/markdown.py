"""Markdown: what people read and Dify indexes, with links that open the moment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from pydantic import Field

from video_rag import plugins
from video_rag.model import (
    Document,
    Origin,
    Section,
    Segment,
    Slide,
    Video,
    join_lines,
)
from video_rag.renderers import Link, Picture
from video_rag.text import timecode

ORIGINS: dict[Origin, tuple[str, str]] = {
    "sidecar": ("subtitle file", "字幕文件"),
    "embedded": ("subtitle track in the video", "视频内嵌字幕"),
    "platform": ("the platform's subtitles", "平台字幕"),
    "platform-auto": ("the platform's automatic captions", "平台自动字幕"),
    "asr": ("speech recognition", "语音识别"),
    "slides": ("slides only", "仅幻灯片"),
}
LABELS = {
    "source": ("Source", "来源"),
    "channel": ("Channel", "频道"),
    "published": ("Published", "发布日期"),
    "duration": ("Length", "时长"),
    "language": ("Language", "语言"),
    "origin": ("Words from", "文字来源"),
    "note": ("Note", "说明"),
    "slide": ("Slide", "幻灯片"),
}
"""What the page says itself, in English and in Chinese."""

SENTENCE_END = re.compile(r"[.!?。！？…][\"'”’」』)）\]]*$")


class Markdown:
    """One page per video: facts, contents, then speech and slides in order of time."""

    version = 1
    media_type = "text/markdown; charset=utf-8"
    suffix = ".md"
    has_pictures = True

    class Options(plugins.Options):
        """What the page holds."""

        contents: bool = Field(True, description="List the sections with their times at the top.")
        slide_text: bool = Field(True, description="Write what was read from a slide under it.")
        translations: bool = Field(
            True, description="Add the other languages after the main one, as parts of their own."
        )
        paragraph: int = Field(
            600,
            ge=80,
            description="Begin a new paragraph after about this many letters (a Chinese "
            "character counts as three).",
        )
        pause: float = Field(
            2.5, gt=0, description="A silence of this many seconds begins a new paragraph."
        )

    def __init__(self, options: Options) -> None:
        self.options = options

    def render(self, document: Document, link: Link, picture: Picture) -> bytes:
        """The whole document as UTF-8."""
        page = _Page(self.options, link, picture, chinese=_is_chinese(document))
        blocks = [f"# {escape(document.video.title) or '—'}", *page.header(document)]
        if self.options.contents and len(document.sections) > 1:
            blocks.append(page.contents(document.sections))
        for section in document.sections:
            blocks.extend(page.section(section))
        if self.options.translations:
            blocks.extend(page.translations(document))
        return ("\n\n".join(blocks) + "\n").encode()


@dataclass(frozen=True)
class _Page:
    """Writes the blocks of one page; a blank line goes between any two."""

    options: Markdown.Options
    link: Link
    picture: Picture
    chinese: bool
    shown: set[str] = field(default_factory=set)
    """Digests of the pictures that stand on the page already."""

    def header(self, document: Document) -> Iterator[str]:
        """The facts about the video, then what had to be left out."""
        facts = [
            f"- {self._label(name)}{self._colon}{value}" for name, value in self._facts(document)
        ]
        if facts:
            yield "\n".join(facts)
        for note in document.notes:
            yield f"> {self._label('note')}{self._colon}{escape(note)}"

    def contents(self, sections: Sequence[Section]) -> str:
        """One line per section."""
        return "\n".join(f"- {self._title(section)}" for section in sections)

    def section(self, section: Section) -> Iterator[str]:
        """A heading, then slides and paragraphs in order of time."""
        yield f"## {self._title(section)}"
        slides = sorted(section.slides, key=lambda slide: slide.start)
        speaker = None
        for paragraph in paragraphs(section.segments, self.options.paragraph, self.options.pause):
            while slides and slides[0].start < paragraph[-1].end:
                yield from self._slide(slides.pop(0))
            said = escape(join_lines(_flat(segment.text) for segment in paragraph))
            first = paragraph[0].speaker
            yield (
                f"**{escape(first)}{self._colon.strip()}** {said}"
                if (first and first != speaker)
                else said
            )
            speaker = first
        for slide in slides:
            yield from self._slide(slide)

    def translations(self, document: Document) -> Iterator[str]:
        """Every other language as a part of its own, without repeating the slides."""
        for language in dict.fromkeys(section.language for section in document.translations):
            yield f"# {escape(document.video.title) or '—'} ({escape(language)})"
            for section in document.translations:
                if section.language == language:
                    yield from self.section(section)

    def _facts(self, document: Document) -> Iterator[tuple[str, str]]:
        video = document.video
        if video.url:
            yield "source", anchor(_source_name(video), self.link(0.0))
        if video.channel:
            yield "channel", escape(video.channel)
        if video.published:
            yield "published", escape(video.published)
        if video.duration:
            yield "duration", timecode.clock(video.duration)
        if document.sections:
            first = document.sections[0]
            yield "language", escape(video.language or first.language)
            yield "origin", ORIGINS[first.origin][self.chinese]

    def _title(self, section: Section) -> str:
        opened = anchor(timecode.clock(section.start), self.link(section.start))
        chapter, heading = escape(section.chapter), escape(section.heading)
        words = [chapter] if chapter and not heading.startswith(chapter) else []
        words += [heading] if (heading and heading != chapter) or not words else []
        return " ".join([opened, " — ".join(word for word in words if word)]).strip()

    def _slide(self, slide: Slide) -> Iterator[str]:
        """The picture, once per page, and its text as a quoted list."""
        if slide.image in self.shown:
            return
        self.shown.update({slide.image} - {""})
        name = f"{self._label('slide')} {timecode.clock(slide.start)}"
        if place := self.picture(slide):
            yield f"![{name}]({destination(place)})"
        lines = [text for line in slide.lines if (text := escape(line.text.lstrip(" •·-*")))]
        if lines and self.options.slide_text:
            opened = anchor(name, self.link(slide.start))
            yield "\n".join([f"> {opened}", ">", *(f"> - {text}" for text in lines)])

    def _label(self, name: str) -> str:
        return LABELS[name][self.chinese]

    @property
    def _colon(self) -> str:
        return "：" if self.chinese else ": "


def paragraphs(segments: Iterable[Segment], length: int, pause: float) -> Iterator[list[Segment]]:
    """Group cues to paragraphs: a new one for a new speaker, after a silence of `pause` seconds,
    or at the first end of a sentence after `length` letters (at twice `length` in any case,
    since many captions have no full stops)."""
    current: list[Segment] = []
    size = 0
    for segment in segments:
        if not segment.text.strip():
            continue
        if current and _breaks(current[-1], segment, size, length, pause):
            yield current
            current, size = [], 0
        current.append(segment)
        size += width(segment.text)
    if current:
        yield current


def width(text: str) -> int:
    """The length of a text in letters; a Chinese character says as much as about three."""
    return len(text) + 2 * sum("\u3040" <= character <= "\u9fff" for character in text)


def _breaks(last: Segment, coming: Segment, size: int, length: int, pause: float) -> bool:
    if coming.speaker != last.speaker or coming.start - last.end >= pause:
        return True
    return size >= 2 * length or (size >= length and bool(SENTENCE_END.search(last.text.strip())))


# Backslash escapes work on every ASCII punctuation mark; these are the ones that mean something
# inside a line wherever they stand ($ for the dialects with formulas).
_ANYWHERE = re.compile(r"[\\`*\[\]<|~$]")
# An underscore between letters or digits is just an underscore; an entity needs its semicolon.
_SOMETIMES = re.compile(r"(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|(?<!\S)#")
# What would begin a list, a quote, a rule or an underlined heading.
_AT_START = re.compile(r"^(?:(\d+)(?=[.)])|(?=[-+=>]))")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\ufffe\uffff\ud800-\udfff]")


def escape(text: str) -> str:
    """Text as one line of Markdown that shows exactly these words and nothing else."""
    line = _ANYWHERE.sub(r"\\\g<0>", _flat(text))
    line = _SOMETIMES.sub(r"\\\g<0>", line)
    return _AT_START.sub(lambda match: f"{match.group(1) or ''}\\", line)


def anchor(text: str, url: str) -> str:
    """A link with this text; without a URL that is safe to open, only the text."""
    scheme = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", url)
    if not url or (scheme and scheme.group(1).lower() not in {"http", "https", "file"}):
        return escape(text)
    return f"[{escape(text)}]({destination(url)})"


def destination(url: str) -> str:
    """A URL or path as the target of a link: nothing in it can end the link."""
    encoded = re.sub(
        r"[\s()<>\[\]\\\"`|*_\x00-\x1f\x7f]|%(?![0-9a-fA-F]{2})",
        lambda match: "".join(f"%{byte:02X}" for byte in match.group().encode()),
        url.encode("utf-8", "replace").decode(),
    )
    return re.sub(r"&(?=#?\w+;)", "&amp;", encoded)


def _flat(text: str) -> str:
    return " ".join(_CONTROL.sub("", text).split())


def _source_name(video: Video) -> str:
    """The URL as it is; of a local file only its name, since pages are passed on."""
    return video.url if "://" in video.url else re.split(r"[\\/]", video.url)[-1]


def _is_chinese(document: Document) -> bool:
    language = document.sections[0].language if document.sections else document.video.language
    return bool(language) and str(language).lower().startswith(("zh", "yue"))

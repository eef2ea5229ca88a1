"""The spoken words back as WebVTT, for players and other tools."""

from __future__ import annotations

from collections.abc import Iterator

from video_rag.model import Document, Segment
from video_rag.plugins import Options as PluginOptions
from video_rag.renderers import Link, Picture
from video_rag.text import timecode

_SHORTEST = 0.001
"""Seconds; the format's finest step."""


class Vtt:
    """One cue per spoken line of the document's main language."""

    version: int = 1
    media_type = "text/vtt"
    suffix = ".vtt"
    has_pictures = False

    class Options(PluginOptions):
        """Nothing to set: the format leaves no choice."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def render(
        self,
        document: Document,
        link: Link,  # noqa: ARG002 - part of the contract; a player seeks by the cue's own times
        picture: Picture,  # noqa: ARG002 - part of the contract; WebVTT has no pictures
    ) -> bytes:
        """UTF-8; a document without speech gives a valid file without cues."""
        return "\n".join(_blocks(document)).encode()


def _blocks(document: Document) -> Iterator[str]:
    """The header and the cues, each ending with a line break."""
    language = document.sections[0].language if document.sections else "und"
    yield f"WEBVTT\nLanguage: {language}\n" if language != "und" else "WEBVTT\n"
    segments = [segment for section in document.sections for segment in section.segments]
    for segment in sorted(segments, key=lambda segment: segment.start):
        if text := escape(segment.text):
            # The format wants an end after the start.
            start, last = segment.start, max(segment.end, segment.start + _SHORTEST)
            yield f"{timecode.stamp(start)} --> {timecode.stamp(last)}\n{_voice(segment)}{text}\n"


def _voice(segment: Segment) -> str:
    """The tag that names the speaker; empty when nobody knows."""
    name = escape(segment.speaker or "")
    return f"<v {name}>" if name else ""


def escape(text: str) -> str:
    r"""One line that a WebVTT reader takes as plain words: no tag, arrow, blank line or `{\…}`."""
    line = " ".join(text.split()).replace("&", "&amp;")
    return line.replace("<", "&lt;").replace(">", "&gt;").replace("{\\", "&#123;\\")

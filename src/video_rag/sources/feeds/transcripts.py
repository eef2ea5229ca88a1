"""What podcasts offer as transcripts, as subtitles: JSON and HTML with times become WebVTT.

What a file is shows in its bytes; the type that a feed gives it is often wrong. The two kinds are
described at https://github.com/Podcastindex-org/podcast-namespace (transcripts, 2021 to 2026).
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from video_rag.errors import ContentError
from video_rag.model import join_lines
from video_rag.text import timecode

_TIMES = re.compile(
    rb"-->|--&gt;|^\s*\[?\d{1,3}:\d\d(?::\d\d)?[.,:]\d|^Dialogue:|<tt[\s:>]|\"(?:tStartMs|from)\"\s*:",
    re.MULTILINE,
)
"""Lines of times in WebVTT, SubRip, .sbv, .lrc and ASS; TTML; YouTube's and Bilibili's JSON."""
_HTML = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|div|article|section|main|cite|time"
    rb"|p|h[1-6]|span|ul|ol|br|b|strong)\b",
    re.IGNORECASE | re.DOTALL,
)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_ISO = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?", re.IGNORECASE)
"""How HTML writes lengths: `<time datetime="PT1M30S">`."""
_SILENT = frozenset({"script", "style", "head", "title", "noscript", "template", "svg"})
_BLOCKS = frozenset({"p", "div", "li", "br", "section", "article", "tr", "td", "h1", "h2", "h3"})
_END = tuple(".?!…。？！")

_LONGEST = 15.0
_WORDS = 20
_PAUSE = 1.5
"""Seconds and words of a line that single words are joined to, and the pause that ends one."""
_PER_WORD = 0.4
"""Seconds that a word takes, where nobody says when it ends."""
_LATEST = 1e6
"""Seconds, eleven days; what is later is no time."""


@dataclass(frozen=True)
class Timed:
    """A transcript as the `subtitles` transcriber reads it."""

    data: bytes
    suffix: str
    notes: tuple[str, ...] = ()
    """What of it had to be left out."""


@dataclass
class _Piece:
    """Words that begin at one moment, by speaker."""

    start: float
    end: float | None
    said: list[tuple[str, str]] = field(default_factory=list)
    """Speaker or "", and words."""

    @property
    def text(self) -> str:
        return " ".join(words for _, words in self.said)


def timed(body: bytes) -> Timed:
    """A transcript with times, from its bytes. Raises `ContentError` for text without any."""
    bare = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if bare[:1] in (b"{", b"[") and (found := _of_json(bare)) is not None:
        return found
    if _HTML.match(bare):
        return _written(*_of_html(_decoded(body)), what="HTML")
    if not _TIMES.search(body.replace(b"\0", b"")):
        raise _untimed("text")
    return Timed(body, _suffix(bare))


def _suffix(bare: bytes) -> str:
    """How the file is called; whoever reads it looks inside anyway."""
    if bare.startswith(b"WEBVTT"):
        return ".vtt"
    if re.match(rb"(?:<\?xml[^>]*>\s*)?<tt\b", bare):
        return ".ttml"
    return ".json" if bare[:1] in (b"{", b"[") and b'"' in bare[:20] else ".srt"


def _untimed(kind: str) -> ContentError:
    return ContentError(
        f"{kind} without times, in which no words can be found at their second",
        hint="have the speech recognised, or ask the podcast for a transcript with times",
    )


# JSON


def _of_json(body: bytes) -> Timed | None:
    """The segments of Podcasting 2.0, or of a recogniser; None where it is something else."""
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        return None
    rows = whole.get("segments") if isinstance(whole, dict) else whole
    if not isinstance(rows, list) or not any(_has_words(row) for row in rows):
        return None
    pieces, left_out = [], 0
    for row in rows:
        piece = _segment(row)
        if piece is not None:
            pieces.append(piece)
        elif _has_words(row):
            left_out += 1
    return _written(_joined(pieces), left_out, what="JSON")


def _has_words(row: Any) -> bool:
    return isinstance(row, dict) and bool(_words_of(row))


def _words_of(row: dict[str, Any]) -> str:
    said = next((row[name] for name in ("body", "text") if isinstance(row.get(name), str)), "")
    return " ".join(said.split())


def _segment(row: Any) -> _Piece | None:
    """A segment with words and a time."""
    if not isinstance(row, dict) or not (words := _words_of(row)):
        return None
    start = seconds(row.get("startTime", row.get("start")))
    end = seconds(row.get("endTime", row.get("end")))
    if start is None:
        return None
    speaker = row.get("speaker")
    name = " ".join(speaker.split()) if isinstance(speaker, str) else ""
    return _Piece(start, end, [(name, words)])


def seconds(value: Any) -> float | None:
    """A moment, as a number or a clock of any writing; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        at = timecode.parse(value) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return None
    return at if math.isfinite(at) and 0 <= at < _LATEST else None


def _joined(pieces: list[_Piece]) -> list[_Piece]:
    """Lines; many transcripts have a segment for each word."""
    single = sum(_is_word(piece.text) for piece in pieces)
    if 2 * single <= len(pieces):
        return pieces
    lines: list[_Piece] = []
    many = 0
    for piece in sorted(pieces, key=lambda one: one.start):
        (speaker, words) = piece.said[0]
        if lines and many < _WORDS and _goes_on(lines[-1], piece):
            many += 1
            last = lines[-1]
            last.said = [(last.said[0][0], join_lines([last.said[0][1], words]))]
            last.end = piece.end
        else:
            many = 1
            lines.append(_Piece(piece.start, piece.end, [(speaker, words)]))
    return lines


def _is_word(text: str) -> bool:
    return " " not in text and (len(text) <= 2 or max(text) < "\u3000")


def _goes_on(line: _Piece, piece: _Piece) -> bool:
    """Whether a word belongs to the line before it."""
    until = line.start if line.end is None else line.end
    return (
        line.said[0][0] == piece.said[0][0]
        and not line.text.endswith(_END)
        and piece.start - until <= _PAUSE
        and piece.start - line.start <= _LONGEST
    )


# HTML


class _Reader(HTMLParser):
    """`<cite>Name:</cite><time>0:09</time><p>Words</p>`, and what people make of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[_Piece] = []
        self.left_out = 0
        """Words before the first time, and times that nobody can read."""
        self._silent = 0
        self._inside = ""
        self._text = ""
        self._speaker = ""
        self._moment = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag opens."""
        if tag in _SILENT:
            self._silent += tag != "head"  # browsers, too, open a body where a head is not closed
        elif tag in {"cite", "time"}:
            self._said()
            self._inside = tag
            self._moment = dict(attrs).get("datetime") or ""
        elif tag in _BLOCKS:
            self._text += " "

    def handle_endtag(self, tag: str) -> None:
        """A tag closes."""
        if tag in _SILENT:
            self._silent = max(self._silent - (tag != "head"), 0)
        elif tag == self._inside:
            text, self._text, self._inside = self._text, "", ""
            if tag == "cite":
                self._speaker = " ".join(text.split()).rstrip(":： ")
            else:
                self._begin(text)
        elif tag in _BLOCKS:
            self._text += " "

    def handle_data(self, data: str) -> None:
        """Words between tags."""
        if not self._silent:
            self._text += data

    def close(self) -> None:
        """The end of the page."""
        super().close()
        self._said()

    def _begin(self, text: str) -> None:
        """A new moment."""
        clean = text.strip().strip("[]()")
        at = seconds(clean) if clean else None
        if at is None and (match := _ISO.fullmatch(self._moment.strip())) and any(match.groups()):
            hours, minutes, left = (float(part or 0) for part in match.groups())
            at = seconds(hours * 3600 + minutes * 60 + left)
        if at is None:
            at = seconds(self._moment)
        if at is None:
            self.left_out += 1
        else:
            self.pieces.append(_Piece(at, None))

    def _said(self) -> None:
        """Words end here: they belong to the moment before."""
        words, self._text = " ".join(self._text.split()), ""
        if not words:
            return
        if self.pieces:
            self.pieces[-1].said.append((self._speaker, words))
        else:
            self.left_out += 1


def _of_html(text: str) -> tuple[list[_Piece], int]:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return [piece for piece in reader.pieces if piece.said], reader.left_out


def _decoded(body: bytes) -> str:
    """A page as text: UTF-8 unless it says otherwise and is not."""
    said = _CHARSET.search(body[:2048])
    for encoding in ("utf-8-sig", said[1].decode("ascii") if said else "cp1252"):
        try:
            return body.decode(encoding)
        except (LookupError, UnicodeError):
            continue
    return body.decode("utf-8", "replace")


# WebVTT


def _written(pieces: Sequence[_Piece], left_out: int, *, what: str) -> Timed:
    """Pieces as WebVTT. Raises `ContentError` when there is none."""
    if not pieces:
        raise _untimed(what)
    ordered = sorted(pieces, key=lambda one: one.start)
    text = "\n".join(["WEBVTT\n", *_cues(ordered)])
    parts = "1 part" if left_out == 1 else f"{left_out} parts"
    notes = (f"{parts} without a time left out",) if left_out else ()
    return Timed(text.encode("utf-8", "replace"), ".vtt", notes)


def _cues(pieces: Sequence[_Piece]) -> Iterable[str]:
    for piece, after in zip(pieces, [*(p.start for p in pieces[1:]), None], strict=True):
        times = f"{timecode.stamp(piece.start)} --> {timecode.stamp(_end(piece, after))}"
        yield "\n".join([times, *_voices(piece), ""])


def _end(piece: _Piece, after: float | None) -> float:
    """When words end that may not say so: when others begin, or after as long as they take."""
    if piece.end is not None and piece.end > piece.start:
        return piece.end
    if after is not None and after > piece.start:
        return after
    return piece.start + max(1.0, _PER_WORD * max(len(piece.text.split()), len(piece.text) / 6))


def _voices(piece: _Piece) -> Iterator[str]:
    for speaker, words in piece.said:
        name = " ".join(re.sub(r"[<>&\x00-\x1f]", " ", speaker).split())
        yield (f"<v {name}>" if name else "") + html.escape(words, quote=False)

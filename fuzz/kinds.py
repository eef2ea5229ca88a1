"""A good subtitle file of every kind that is read, as lines that know their cue."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

Rows = Iterator[tuple[int | None, str]]
"""The cue that a line belongs to, counted from 0, and the line without its end."""


@dataclass(frozen=True)
class Line:
    """One line of a file, in characters or, once it is encoded, in bytes."""

    cue: int | None
    """None for the lines of the file itself."""
    text: str
    end: str = "\n"


def start_of(cue: int) -> float:
    """Seconds at which a cue is shown."""
    return (cue + 1) * 3.0


def clock(at: float, mark: str = ",") -> str:
    whole = int(at)
    shown = f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{shown}{mark}{round(at * 1000) % 1000:03}"


def _timed(words: Iterable[str], mark: str, arrow: str, *, numbered: bool) -> Rows:
    for cue, said in enumerate(words):
        at = start_of(cue)
        if numbered:
            yield cue, str(cue + 1)
        yield cue, f"{clock(at, mark)}{arrow}{clock(at + 2, mark)}"
        yield cue, said
        yield cue, ""


def srt(words: Iterable[str]) -> Rows:
    return _timed(words, ",", " --> ", numbered=True)


def vtt(words: Iterable[str]) -> Rows:
    yield None, "WEBVTT"
    yield None, ""
    yield from _timed(words, ".", " --> ", numbered=False)


def sbv(words: Iterable[str]) -> Rows:
    return _timed(words, ".", ",", numbered=False)


def ass(words: Iterable[str]) -> Rows:
    yield from ((None, line) for line in ("[Script Info]", "ScriptType: v4.00+", "", "[Events]"))
    fields = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"
    yield None, f"Format: {fields}"
    for cue, said in enumerate(words):
        at = start_of(cue)
        yield (
            cue,
            f"Dialogue: 0,{clock(at, '.')[1:-1]},{clock(at + 2, '.')[1:-1]},Default,,0,0,0,,{said}",
        )


def ssa(words: Iterable[str]) -> Rows:
    yield from ((None, line) for line in ("[Script Info]", "ScriptType: v4.00", "", "[Events]"))
    fields = "Marked, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"
    yield None, f"Format: {fields}"
    for cue, said in enumerate(words):
        at = start_of(cue)
        times = f"{clock(at, '.')[1:-1]},{clock(at + 2, '.')[1:-1]}"
        yield cue, f"Dialogue: Marked=0,{times},*Default,NTP,0000,0000,0000,!Effect,{said}"


def ttml(words: Iterable[str]) -> Rows:
    yield None, '<?xml version="1.0"?>'
    yield None, '<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en"><body><div>'
    for cue, said in enumerate(words):
        at = start_of(cue)
        yield cue, f'<p begin="{clock(at, ".")}" end="{clock(at + 2, ".")}">{said}</p>'
    yield None, "</div></body></tt>"


def lrc(words: Iterable[str]) -> Rows:
    yield None, "[ti:A talk]"
    for cue, said in enumerate(words):
        at = start_of(cue)
        yield cue, f"[{int(at) // 60:02}:{int(at) % 60:02}.00]{said}"


def sub(words: Iterable[str]) -> Rows:
    yield None, "{1}{1}25"
    for cue, said in enumerate(words):
        at = start_of(cue)
        yield cue, f"{{{round(at * 25)}}}{{{round(at * 25) + 50}}}{said}"


def _listed(head: str, rows: Iterable[object], tail: str) -> Rows:
    """A JSON list with one value of a cue on each line."""
    yield None, head
    made = [json.dumps(row, ensure_ascii=False, indent=0).split("\n") for row in rows]
    for cue, lines in enumerate(made):
        comma = "," if cue < len(made) - 1 else ""
        yield from ((cue, line) for line in lines[:-1])
        yield cue, lines[-1] + comma
    yield None, tail


def bilibili(words: Iterable[str]) -> Rows:
    rows = [
        {"from": start_of(n), "to": start_of(n) + 2, "location": 2, "content": said}
        for n, said in enumerate(words)
    ]
    return _listed('{"font_size": 0.4, "body": [', rows, "]}")


def json3(words: Iterable[str]) -> Rows:
    rows = [
        {"tStartMs": round(start_of(n) * 1000), "dDurationMs": 2000, "segs": [{"utf8": said}]}
        for n, said in enumerate(words)
    ]
    return _listed('{"wireMagic": "pb3", "events": [', rows, "]}")


KINDS: dict[str, Callable[[Iterable[str]], Rows]] = {
    "srt": srt,
    "vtt": vtt,
    "ass": ass,
    "ssa": ssa,
    "ttml": ttml,
    "sbv": sbv,
    "lrc": lrc,
    "sub": sub,
    "json": bilibili,
    "json3": json3,
}


def written(kind: str, words: Iterable[str], *, first: int = 0) -> list[Line]:
    """A file's lines; its cues are counted from `first` on."""
    rows = KINDS[kind](words)
    return [Line(None if cue is None else cue + first, text) for cue, text in rows]


def plain(kind: str, words: Iterable[str]) -> str:
    """A file as text."""
    return "".join(line.text + line.end for line in written(kind, words))


def ending(lines: Iterable[Line], end: str) -> list[Line]:
    """The lines with other ends."""
    return [replace(line, end=end) for line in lines]

"""Large hostile subtitles: twice the size takes at most 2.5 times the time, and memory is bounded.

    .venv/bin/python -m fuzz.hostile 'one line of <'     # those inputs alone whose name holds it

Time is that of the processor, the best of several runs, on sizes that take long enough to tell.
Each input is read in a process of its own, which is killed after a minute of computing.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import TimeoutError as Late
from multiprocessing import get_context
from pathlib import Path

from fuzz import kinds
from video_rag.errors import ContentError
from video_rag.processors.subtitles.reading import read_subtitles

MOST = 2.5
"""How much longer twice the size may take."""
TELLING = 0.1
"""Seconds below which a difference tells nothing."""
SLOWEST = 20.0
"""Seconds for any of these files; 12 MB of nothing but four million lines take 8 to 14 here."""
MEMORY = 40
"""Times a file's size, beside 64 MB, that reading it may take."""
SIZE = 300_000
LARGE = 12_000_000

Make = Callable[[int], bytes]
"""So many bytes of one kind."""


@dataclass(frozen=True)
class Measured:
    """What reading one hostile input took."""

    name: str
    seconds: float
    growth: float
    """How much longer twice the size took; 0 where it is too short to tell."""
    memory: int
    """Bytes at most, of a file of so many."""
    size: int

    def fault(self) -> str:
        if self.growth > MOST:
            return f"{self.name}: twice the size takes {self.growth:.1f} times"
        if self.seconds > SLOWEST:
            return f"{self.name}: {self.size} bytes take {self.seconds:.1f} s"
        if self.memory > MEMORY * self.size + 2**26:
            return f"{self.name}: {self.size} bytes take {self.memory // 2**20} MB"
        return ""


# --- inputs -----------------------------------------------------------------------------------

_UNITS = (
    *(
        "\r",
        "\n",
        "\r\r\n",
        "<",
        ">",
        "{",
        "}",
        "[",
        "]",
        "(",
        "0",
        "1:",
        "-->",
        "-",
        ":",
        ",",
        " ",
    ),
    *(
        "\t",
        "&",
        "|",
        "a",
        "word ",
        "字",
        "：",
        "１",
        "\x0b",
        "\u200f",
        "<b>",
        "<v ",
        "<v A>",
        "<!--",
    ),
    *("<![CDATA[", "<p ", "<p begin=", "</p>", "<span begin='1s'>", "<br", "<rt>", "{\\", "{\\p1}"),
    *(
        "{1}{",
        "[00:",
        "[00:01.00]",
        "00:00:01,000 --> ",
        "00:00:01,000",
        "0:0 ",
        "Dialogue:",
        "NOTE",
    ),
    *(
        "WEBVTT",
        "A: ",
        "Ann Lee: ",
        "[a]: ",
        '{"',
        "[[",
        '"content":',
        '{"content":"',
        '{"a":',
        "\\",
    ),
    *("&#1", "<a.b.c", '<b c="', "12345,", "to ", "--&gt;", "X-TIMESTAMP-MAP="),
)
_AROUND: dict[str, tuple[str, str]] = {
    "alone": ("", ""),
    "in SubRip": (
        "1\n00:00:01,000 --> 00:00:02,000\n",
        "\n\n2\n00:00:03,000 --> 00:00:04,000\nend\n",
    ),
    "in WebVTT": ("WEBVTT\n\n00:01.000 --> 00:02.000\n", "\n\n00:03.000 --> 00:04.000\nend\n"),
    "in ASS": ("[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,", "\n"),
    "in TTML": ('<tt><body><div><p begin="1s" end="2s">', "</p></div></body></tt>\n"),
    "in JSON": ('{"body": [{"from": 1, "to": 2, "content": "a"}, ', "]}"),
    "in LRC": ("[00:01.00]", "\n[00:02.00]end\n"),
    "in MicroDVD": ("{25}{50}", "\n{75}{99}end\n"),
}


def _repeated(unit: str, around: tuple[str, str], line: str) -> Make:
    def make(size: int) -> bytes:
        one = unit + line
        return (around[0] + one * (size // len(one.encode())) + around[1]).encode()

    return make


def _noise(allowed: bytes) -> Make:
    """Bytes at random of those that are allowed."""
    table = bytes(allowed[byte % len(allowed)] for byte in range(256))
    return lambda size: random.Random(1).randbytes(size).translate(table)


def _of(data: bytes) -> Make:
    return lambda size: (data * (size // len(data) + 1))[:size]


def _cues(kind: str, said: Callable[[int], str]) -> Make:
    def make(size: int) -> bytes:
        each = len(kinds.plain(kind, [said(1)] * 100)) / 100
        return kinds.plain(kind, map(said, range(int(size / each)))).encode()

    return make


def _rolling(size: int) -> bytes:
    rows = [
        f"{kinds.clock(n * 2, '.')} --> {kinds.clock(n * 2 + 2, '.')}\nline {n}\nline {n + 1}\n\n"
        for n in range(size // 55)
    ]
    return ("WEBVTT\n\n" + "".join(rows)).encode()


def _growing(size: int) -> bytes:
    """One line that grows by a word in every cue, as live captions do, for ever."""
    rows, length, count = [], 0, 0
    while length < size:
        count += 1
        said = "a" * count
        at = f"{kinds.clock(count, '.')} --> {kinds.clock(count + 1, '.')}"
        rows.append(f"{at}\n{said}\n\n")
        length += len(rows[-1])
    return ("WEBVTT\n\n" + "".join(rows)).encode()


def _growing_lines(size: int) -> bytes:
    """A line grows while the next one begins, without an end."""
    rows = (
        f"{kinds.clock(n, '.')} --> {kinds.clock(n + 1, '.')}\nline {n} more\nline {n + 1}\n\n"
        for n in range(size // 55)
    )
    return ("WEBVTT\n\n" + "".join(rows)).encode()


def _sung(size: int) -> bytes:
    """Syllables of one line all at one time, each effect in a line of its own."""
    line = "Dialogue: 0,0:00:01.00,0:00:02.00,S,,0,0,0,fx,la\n"
    return ("[Events]\n" + line * (size // len(line))).encode()


def _segments(size: int) -> bytes:
    """Joined segments of a stream, each with a clock of its own."""
    rows = (
        f"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{n * 900000},LOCAL:00:00:00.000\n\n"
        f"00:01.000 --> 00:02.000\nsaid {n}\n\n"
        for n in range(size // 100)
    )
    return "".join(rows).encode()


def _names(size: int) -> bytes:
    return kinds.plain("vtt", (f"Ann{n} Lee{n}: said {n}" for n in range(size // 55))).encode()


def inputs() -> Iterator[tuple[str, Make, int]]:
    """Name, maker and size of each."""
    for unit in _UNITS:
        for place, around in _AROUND.items():
            size = SIZE if place == "alone" else SIZE // 5
            yield f"one line of {unit!r} {place}", _repeated(unit, around, ""), size
            if place in {"alone", "in SubRip"}:
                yield f"lines of {unit!r} {place}", _repeated(unit, around, "\n"), SIZE // 5
    for kind in kinds.KINDS:
        yield f"cues of {kind}", _cues(kind, lambda n: f"word {n} is said"), SIZE
        yield f"cues of {kind} at one time", _cues(kind, lambda _: "word"), SIZE // 3
        yield f"long cues of {kind}", _cues(kind, lambda n: f"word {n} " * 2000), SIZE
    for make in (_rolling, _growing, _growing_lines, _sung, _segments, _names):
        yield make.__name__[1:], make, SIZE
    text = kinds.plain("srt", (f"湖水在这里有七米深 {n}" for n in range(2000)))
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "gb18030", "big5hkscs"):
        made = text.replace("里", "裡").replace("这", "這") if "big5" in encoding else text
        yield f"cues in {encoding}", _of(made.encode(encoding, "replace")), SIZE
    odd = text.encode("utf-16-le")
    yield "every line out of step", _of(odd[:-1] + b"A"), SIZE
    yield "text mode", _of(odd.replace(b"\n", b"\r\n")), SIZE
    yield "random zeros", _noise(b"\0\n1\xff"), SIZE
    for name, make in (
        ("wrong bytes", _noise(bytes(range(0x80, 0x100)))),
        ("any bytes", _noise(bytes(range(0x100)))),
        ("0xff", _of(b"\xff")),
        ("half characters", _of(b"\xe4\xbd")),
        ("lines of wrong bytes", _of(b"\xe4\xff\n")),
        ("lines of cp1251", _of("мы измеряем его\n".encode("cp1251"))),
        ("ISO-2022 shifts", _of(b"\x1b$B")),
        ("zeros", _of(b"\0")),
    ):
        yield f"12 MB of {name}", make, LARGE // 2


# --- measuring --------------------------------------------------------------------------------


def _read(path: Path) -> float:
    """Seconds of the processor."""
    begin = time.process_time()
    with suppress(ContentError):
        read_subtitles(path)
    return time.process_time() - begin


def measured(name: str, make: Make, size: int) -> Measured:
    """Once and twice the size; again where the difference is suspicious."""
    with tempfile.TemporaryDirectory() as folder:
        once, twice = Path(folder) / "once.srt", Path(folder) / "twice.srt"
        once.write_bytes(make(size))
        twice.write_bytes(make(2 * size))
        before = _memory()
        one, two = _read(once), _read(twice)
        memory = _memory() - before
        for _ in range(4):
            if two <= MOST * max(one, TELLING / MOST):
                break
            one, two = min(one, _read(once)), min(two, _read(twice))
        growth = two / max(one, TELLING / MOST) if two > TELLING else 0.0
        return Measured(name, two, growth, memory, twice.stat().st_size)


def _memory() -> int:
    """Bytes that this process has taken at most."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


INPUTS = list(inputs())


def apart(number: int) -> Measured:
    """One input in a process of its own, which is killed when it goes on for ever."""
    name, make, size = INPUTS[number]
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        found = measured(name, make, size)
        os.write(writer, f"{found.seconds} {found.growth} {found.memory} {found.size}".encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        told = pipe.read().split()
    os.waitpid(child, 0)
    if not told:
        return Measured(name, float("inf"), 0.0, 0, size)
    return Measured(name, float(told[0]), float(told[1]), int(told[2]), int(told[3]))


def run(part: str = "", seconds: float = 600.0) -> list[Measured]:
    """All, or those whose name holds `part`, on two processors; what is done in so many seconds."""
    wanted = [n for n, (name, _, _) in enumerate(INPUTS) if part in name]
    wanted.sort(key=lambda n: INPUTS[n][2])  # the long ones last, where time may run out
    end, found = time.monotonic() + seconds, []
    with get_context("fork").Pool(2) as pool:
        results = pool.imap_unordered(apart, wanted)
        while len(found) < len(wanted) and time.monotonic() < end:
            try:
                found.append(results.next(timeout=max(end - time.monotonic(), 0.1)))
            except Late:
                break
    return found


def main(part: str = "") -> int:
    """Print what took longest, and the faults."""
    found = run(part)
    for one in sorted(found, key=lambda one: -one.seconds)[:12]:
        print(f"{one.seconds:6.2f} s {one.growth:4.1f} x {one.memory // 2**20:5} MB  {one.name}")
    faults = [fault for one in found if (fault := one.fault())]
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

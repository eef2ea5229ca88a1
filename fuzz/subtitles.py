"""Damages subtitles of every kind and looks for crashes, lost cues and times that explode.

`python fuzz/subtitles.py [seed] [count] [seconds]`. A cue that was not touched must be in
the transcript, or the notes (or the refusal) must tell of a loss.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from video_rag.errors import ContentError
from video_rag.processors.subtitles.reading import read_subtitles

CUES = 12
MOST = 2.5
"""How much longer twice the size may take."""


def clock(at: float, mark: str = ",") -> str:
    whole = int(at)
    clock_ = f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{clock_}{mark}{round(at * 1000) % 1000:03}"


def srt(words: list[str]) -> str:
    return "\n".join(
        f"{n}\n{clock(n * 3)} --> {clock(n * 3 + 2)}\n{w}\n" for n, w in enumerate(words, 1)
    )


def vtt(words: list[str]) -> str:
    rows = (
        f"{clock(n * 3, '.')} --> {clock(n * 3 + 2, '.')}\n{w}\n" for n, w in enumerate(words, 1)
    )
    return "WEBVTT\n\n" + "\n".join(rows)


def ass(words: list[str]) -> str:
    rows = (
        f"Dialogue: 0,{clock(n * 3, '.')},{clock(n * 3 + 2, '.')},Default,,0,0,0,,{w}"
        for n, w in enumerate(words, 1)
    )
    return "[Events]\n" + "\n".join(rows) + "\n"


def sbv(words: list[str]) -> str:
    rows = (f"{clock(n * 3, '.')},{clock(n * 3 + 2, '.')}\n{w}\n" for n, w in enumerate(words, 1))
    return "\n".join(rows)


def lrc(words: list[str]) -> str:
    return "\n".join(f"[{n * 3 // 60:02}:{n * 3 % 60:02}.00]{w}" for n, w in enumerate(words, 1))


def sub(words: list[str]) -> str:
    return "{1}{1}25\n" + "\n".join(
        f"{{{n * 75}}}{{{n * 75 + 50}}}{w}" for n, w in enumerate(words, 1)
    )


def ttml(words: list[str]) -> str:
    rows = (f'<p begin="{n * 3}s" end="{n * 3 + 2}s">{w}</p>\n' for n, w in enumerate(words, 1))
    return '<?xml version="1.0"?>\n<tt><body><div>\n' + "".join(rows) + "</div></body></tt>\n"


def bilibili(words: list[str]) -> str:
    body = [{"from": n * 3, "to": n * 3 + 2, "content": w} for n, w in enumerate(words, 1)]
    return json.dumps({"body": body}, indent=0)


def json3(words: list[str]) -> str:
    rows = [
        {"tStartMs": n * 3000, "dDurationMs": 2000, "segs": [{"utf8": w}]}
        for n, w in enumerate(words, 1)
    ]
    return json.dumps({"events": rows}, indent=0)


KINDS: dict[str, Callable[[list[str]], str]] = {
    "srt": srt,
    "vtt": vtt,
    "ass": ass,
    "sbv": sbv,
    "lrc": lrc,
    "sub": sub,
    "ttml": ttml,
    "json": bilibili,
    "json3": json3,
}


def mutated(text: str, dice: random.Random) -> tuple[str, range]:
    """The text with one to three characters of one line damaged, and where."""
    place = dice.randrange(len(text))
    start = text.rfind("\n", 0, place) + 1
    stop = text.find("\n", place)
    stop = len(text) if stop < 0 else stop
    line = list(text[start:stop])
    for _ in range(dice.randint(1, 3)):
        at = dice.randint(0, max(len(line) - 1, 0))
        what = dice.choice(["delete", "insert", "replace"])
        if what == "insert" or not line:
            line.insert(at, dice.choice("<>&{}[]:,.-0x\x01\x0b\u200f\ufeff：字"))
        elif what == "delete":
            del line[at]
        else:
            line[at] = dice.choice("<>&{}[]:,.-0x\x01\x0b\u200f：字")
    return text[:start] + "".join(line) + text[stop:], range(start, stop + 1)


def one(seed: int, folder: Path) -> str:
    """What went wrong with one damaged file, '' if nothing did."""
    dice = random.Random(seed)
    kind = dice.choice(list(KINDS))
    words = [f"word{dice.randrange(10**6):06} sentence{n} spoken" for n in range(CUES)]
    whole = KINDS[kind](words)
    text, touched = mutated(whole, dice)
    first, last = max(0, touched.start - 60), touched.stop + 60
    near = whole[first:last]
    untouched = [one for one in words if one.split()[1] + " " not in near]
    path = folder / f"talk.{kind}"
    path.write_text(text, encoding="utf-8", newline="")
    try:
        track = read_subtitles(path)
    except ContentError as error:
        return "" if "cues found" in str(error) else f"{seed} {kind}: {error}"
    except Exception as error:  # noqa: BLE001 (that is what we look for)
        return f"{seed} {kind}: {error!r}"
    said = "\n".join(segment.text for segment in track.segments)
    lost = [words_ for words_ in untouched if words_ not in said]
    return f"{seed} {kind}: lost {lost} in silence" if lost and not track.notes else ""


def growth(kind: str, folder: Path) -> float:
    """How much longer twice the cues take, by medians."""
    took = []
    for count in (2000, 4000):
        path = folder / f"long.{kind}"
        path.write_text(KINDS[kind]([f"word {n} is said" for n in range(count)]))
        runs = []
        for _ in range(3):
            begin = time.process_time()
            read_subtitles(path)
            runs.append(time.process_time() - begin)
        took.append(statistics.median(runs))
    return took[1] / max(took[0], 1e-6)


def main(seed: int, count: int, seconds: float) -> int:
    """Print what was found; the exit code is 1 if anything was."""
    end = time.monotonic() + seconds
    faults: list[str] = []
    done = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        ratios = ((kind, growth(kind, folder)) for kind in KINDS)
        faults += [f"{kind}: twice takes {more:.1f} times" for kind, more in ratios if more > MOST]
        for number in range(count):
            if time.monotonic() > end:
                break
            done += 1
            if fault := one(seed + number, folder):
                faults.append(fault)
    print(f"seed {seed}: {done} of {count} damaged subtitles, {len(faults)} faults")
    print("\n".join(faults[:40]))
    return 1 if faults else 0


if __name__ == "__main__":
    given = sys.argv[1:]
    chosen = int(given[0]) if given else random.SystemRandom().randrange(10**6)
    raise SystemExit(
        main(
            chosen,
            int(given[1]) if len(given) > 1 else 10_000,
            float(given[2]) if len(given) > 2 else 200.0,
        )
    )

"""Damaged subtitles: none crashes, and every cue that was not touched is found or counted.

    .venv/bin/python -m fuzz.subtitles 7:123     # one damaged file again, with what came of it

What counts: a cue is a line or more of a file with words that no other cue has. After the damage
those words must be in the transcript at their time, or the notes (or the refusal) must count at
least as many cues or lines as are missing, with a reason why they were left out.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fuzz import damage, kinds
from fuzz.damage import File, Piece
from video_rag.errors import ContentError
from video_rag.model import Transcript
from video_rag.processors.subtitles.reading import read_subtitles

CUES = 12
MANY_CUES = 1500
"""One file in a hundred is large."""
LOST = re.compile(r"\b([0-9]+) (?:cues?|lines?) (?:dropped|left out|merged|cut)\b")
"""How a note counts what is not in the transcript."""
OTHER_TIMES = re.compile(
    r"moved|out of order|begin again|frames|swapped|merged|not applied|unreadable|added to the line"
)
"""Notes that say why words stand at another time than their own."""
SENTENCES = {
    "en": "the lake is seven metres deep here|we measure it twice a year|nobody had expected that|"
    "the boat left in the morning|look at the second picture|what does this number mean",
    "zh": "湖水在这里有七米深|我们每年测量两次|没有人预料到这一点|"
    "船早上离开了港口|请看第二张图片|这个数字是什么意思",
    "zh-hant": "湖水在這裡有七米深|我們每年測量兩次|沒有人預料到這一點|"
    "船早上離開了港口|請看第二張圖片|這個數字是什麼意思",
    "ja": "湖の深さは七メートルです|私たちは年に二回測ります|誰も予想していませんでした|"
    "船は朝に出ました|二番目の図を見てください|この数字は何を意味しますか",
    "ru": "озеро здесь глубиной семь метров|мы измеряем его дважды в год|никто этого не ожидал|"
    "лодка ушла утром|посмотрите на вторую картинку|что означает это число",
}
ENCODINGS = {
    "utf-8": ("en", "zh", "ja", "ru"),
    "utf-16-le": ("en", "zh", "ru"),
    "utf-16-be": ("en", "ja"),
    "gb18030": ("zh",),
    "big5": ("zh-hant",),
    "cp932": ("ja",),
    "cp1251": ("ru",),
}
USUAL = ("utf-8", "utf-8", "utf-8", "utf-16-le", "utf-16-be", "gb18030", "big5", "cp932", "cp1251")
BOMS = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


@dataclass
class Case:
    """One damaged file, and what was in it."""

    number: str
    """`seed:number`; it makes the same case again."""
    kind: str
    told: str = ""
    """What was done to it."""
    file: File = field(default_factory=lambda: File([]))
    said: list[tuple[str, str]] = field(default_factory=list)
    """A word that is nowhere else, and the rest, of each cue."""
    starts: list[float] = field(default_factory=list)
    is_unicode: bool = True

    def untouched(self) -> Iterator[int]:
        return (cue for cue in range(len(self.said)) if cue not in self.file.touched)


def made(number: str) -> Case:
    """A file of some kind and encoding, damaged once to three times."""
    dice = random.Random(number)
    case = Case(number, dice.choice(list(kinds.KINDS)))
    for _ in range(2 if dice.random() < 0.08 else 1):
        _append(case, dice)
    done = []
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        hurt = dice.choice(damage.KINDS)
        hurt(case.file, dice)
        done.append(hurt.__name__)
    case.told = f"{case.told} {'+'.join(done)}".strip()
    return case


def _append(case: Case, dice: random.Random) -> None:
    """A good file; a second one is joined to the first."""
    encoding = dice.choice(USUAL)
    language = dice.choice(ENCODINGS[encoding])
    first = len(case.said)
    count = MANY_CUES if dice.random() < 0.01 else CUES
    sentences = SENTENCES[language].split("|")
    said = [(f"k{n}", dice.choice(sentences)) for n in dice.sample(range(10**5, 10**6), count)]
    lines = kinds.written(case.kind, [" ".join(pair) for pair in said], first=first)
    lines = kinds.ending(lines, "\r\n" if dice.random() < 0.3 else "\n")
    pieces = [Piece(ln.cue, (ln.text + ln.end).encode(encoding), encoding) for ln in lines]
    if dice.random() < 0.1 and not encoding.startswith("utf-16"):
        encoding = f"{encoding} mixed with {_mixed(pieces, said, first, dice)}"
    mark = BOMS.get(encoding, b"") if dice.random() < 0.6 else b""
    if case.file.pieces and mark:
        pieces[0].data = mark + pieces[0].data
    elif mark:
        case.file.prefix = mark
    case.is_unicode &= encoding in BOMS
    case.file.pieces += pieces
    case.said += said
    case.starts += [kinds.start_of(cue) for cue in range(count)]
    case.told += f"{' joined to' * bool(first)} {encoding}{' with mark' * bool(mark)} {language}"


def _mixed(
    pieces: list[Piece], said: list[tuple[str, str]], first: int, dice: random.Random
) -> str:
    """Some cues are in another encoding, as when lines are pasted from elsewhere."""
    other = dice.choice(("gb18030", "cp1251", "utf-8"))
    sentences = SENTENCES[dice.choice(ENCODINGS[other])].split("|")
    for cue in dice.sample(range(len(said)), dice.randint(1, 4)):
        before, words = said[cue], (said[cue][0], dice.choice(sentences))
        for piece in pieces:
            if piece.cue == first + cue:
                text = piece.data.decode(piece.encoding)
                piece.data = text.replace(" ".join(before), " ".join(words)).encode(other)
                piece.encoding = other
        said[cue] = words
    return other


def fault(case: Case, path: Path) -> str:
    """What is wrong with what comes of it, '' when nothing is."""
    path.write_bytes(case.file.data())
    try:
        track = read_subtitles(path)
    except ContentError as error:
        return _refused(case, str(error))
    except Exception as error:  # noqa: BLE001 - a crash is what is looked for
        return f"crash: {type(error).__name__}: {error}"
    return _lost(case, track) or _elsewhere(case, track)


def _refused(case: Case, why: str) -> str:
    missing = len(list(case.untouched()))
    counted = sum(map(int, LOST.findall(why)))
    return (
        f"refused, {missing} untouched cues, {counted} counted: {why}" if missing > counted else ""
    )


def _lost(case: Case, track: Transcript) -> str:
    said = "\n".join(segment.text for segment in track.segments)
    is_guessed = not case.is_unicode and any("read as" in note for note in track.notes)
    lost = [
        " ".join(case.said[cue])
        for cue in case.untouched()
        if (case.said[cue][0] if is_guessed else " ".join(case.said[cue])) not in said
    ]
    counted = sum(map(int, LOST.findall("; ".join(track.notes))))
    if len(lost) <= counted:
        return ""
    return f"lost {len(lost)} untouched cues ({lost[0]} …), {counted} counted: {track.notes}"


def _elsewhere(case: Case, track: Transcript) -> str:
    """Words at another time than theirs, where neither they nor the cue before was touched."""
    if any(OTHER_TIMES.search(note) for note in track.notes):
        return ""
    if case.kind == "sub" and b"{1}{1}25" not in case.file.data():
        return ""  # how many frames a second has is not known any more
    at: dict[str, list[float]] = {}
    for segment in track.segments:
        for word in re.findall(r"k[0-9]{6}", segment.text):
            at.setdefault(word, []).append(segment.start)
    for cue in case.untouched():
        found = at.get(case.said[cue][0], [])
        is_right = any(abs(start - case.starts[cue]) < 0.05 for start in found)
        if found and not is_right and cue - 1 not in case.file.touched:
            return f"{case.said[cue][0]} stands at {found}, not {case.starts[cue]}: {track.notes}"
    return ""


def main(number: str) -> int:
    """Show one case."""
    case = made(number)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"talk.{case.kind}"
        wrong = fault(case, path)
        print(f"{case.kind}: {case.told}; touched {sorted(case.file.touched)}")
        print(path.read_bytes()[:6000])
        try:
            track = read_subtitles(path)
            print("\n".join(f"{one.start:7.2f} {one.text!r}" for one in track.segments[:60]))
            print(track.notes)
        except ContentError as error:
            print(error)
    print(wrong or "nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

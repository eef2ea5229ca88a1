"""Mutated and cut media files: each is read, or refused with an error of ours, in bounded time.

    .venv/bin/python -m fuzz.media [COUNT] [SEED]

Looked inside, decoded by the clock and searched for key frames are small files of every container.
A run prints one line for each fault, with the seed that makes it again, and exits with 1.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from video_rag import media
from video_rag.errors import VideoRagError
from video_rag.processors.slides import Slides
from video_rag.testing import clips

COUNT = 200
MOST = 2.5
"""How much longer twice the size may take."""
KEPT = Path("build/fuzz")
"""Where files that were faults are kept."""
LONGEST = 20.0
"""Seconds that one file of a few hundred kilobytes may take, on a busy machine."""
VIDEO = (".mp4", ".mkv", ".webm", ".ts", ".flv", ".avi", ".mov")
SOUND = (".mp3", ".m4a", ".wav", ".flac", ".ogg", ".opus", ".aiff", ".mka")


def seeds(folder: Path) -> list[Path]:
    """A small good file of each container."""
    made = []
    for suffix in VIDEO:
        path = folder / f"seed{suffix}"
        codec = "libvpx" if suffix == ".webm" else "libx264"
        options = {} if codec == "libvpx" else {"preset": "ultrafast"}
        extras = clips.Extras(sound=clips.sine(4.0), codec=codec, options=options)
        clips.slide_lecture(path, ["One", "Two"], seconds_each=2.0, size=(160, 90), extras=extras)
        made.append(path)
    for suffix in SOUND:
        path = folder / f"seed{suffix}"
        clips.tone(path, 4.0)
        made.append(path)
    return made


def cut(data: bytearray, dice: random.Random) -> bytearray:
    """A download that broke off."""
    return data[: dice.randrange(len(data))]


def flipped(data: bytearray, dice: random.Random) -> bytearray:
    """A bad disk: some bytes are others."""
    for _ in range(dice.choice((1, 8, 64, 512))):
        data[dice.randrange(len(data))] = dice.randrange(256)
    return data


def headless(data: bytearray, dice: random.Random) -> bytearray:
    """Damage in the first kilobyte, where the header of most formats is."""
    for _ in range(dice.choice((1, 2, 4, 16))):
        data[dice.randrange(min(len(data), 1024))] = dice.choice((0, 1, 0x7F, 0x80, 0xFF))
    return data


def holed(data: bytearray, dice: random.Random) -> bytearray:
    """A piece that is missing, or zeros in its place, as a download by pieces leaves them."""
    start = dice.randrange(len(data))
    length = dice.randrange(1, len(data) // 3)
    zeros = bytes(min(length, len(data) - start)) if dice.random() < 0.5 else b""
    data[start : start + length] = zeros
    return data


def doubled(data: bytearray, dice: random.Random) -> bytearray:
    """Two files joined, or a piece that comes again."""
    start = dice.choice((0, dice.randrange(len(data))))
    return data + data[start:]


MUTATIONS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    *(cut, flipped, headless, holed, doubled),
)


def read(path: Path) -> str:
    """What a video goes through: a look inside, its sound, its key frames."""
    outcome = "read"
    for step in (_probed, _heard, _looked):
        try:
            step(path)
        except VideoRagError:
            outcome = "refused" if step is _probed else "read in part"
    return outcome


def _probed(path: Path) -> None:
    found = media.probe(path)
    assert found.duration is None or found.duration >= 0.0, found


def _heard(path: Path) -> None:
    sound = media.decoded(path)
    assert sound.begin >= 0.0
    assert sound.samples.dtype == "float32"


def _looked(path: Path) -> None:
    times = [shot.at for shot in Slides(Slides.Options()).sample(path, lambda *_: None)]
    assert times == sorted(times)


def growth(folder: Path) -> list[str]:
    """Kinds of files of which twice the size takes more than 2.5 times the time."""
    wrong = []
    for suffix, padding in ((".mkv", 0), (".ts", 0), (".flac", 0), (".mp4", 4_000_000)):
        paths = [folder / f"{times}{suffix}" for times in (1, 2)]
        for times, path in enumerate(paths, start=1):
            if suffix == ".flac":
                clips.tone(path, 300.0 * times)
                continue
            names = [f"Slide {number}" for number in range(5 * times)]
            extras = clips.Extras(sound=clips.sine(60.0 * times), options={"preset": "ultrafast"})
            clips.slide_lecture(path, names, seconds_each=12.0, size=(320, 180), extras=extras)
            with path.open("ab") as file:
                file.write(bytes(padding * times))
        one, two = (min(_took(path) for _ in range(2)) for path in paths)
        if two > MOST * max(one, 0.05):
            one, two = (min(_took(path) for _ in range(4)) for path in paths)
        if two > MOST * max(one, 0.05):
            wrong.append(f"{suffix}: twice the size takes {two / one:.1f} times ({two:.1f} s)")
    return wrong


def _took(path: Path) -> float:
    """Seconds of the processor."""
    begin = time.process_time()
    read(path)
    return time.process_time() - begin


def main(count: int = COUNT, seed: int = 0, seconds: float = 600.0) -> int:
    """Run so many mutations; 1 when any of them was a fault."""
    outcomes: Counter[str] = Counter()
    slowest, done, end = 0.0, 0, time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name:
        made = seeds(Path(name))
        for number in range(seed, seed + count):
            if time.monotonic() > end:
                break
            done += 1
            dice = random.Random(number)
            source = made[number % len(made)]
            mutation = MUTATIONS[number // len(made) % len(MUTATIONS)]
            path = source.with_name(f"mutated{source.suffix}")
            path.write_bytes(mutation(bytearray(source.read_bytes()), dice))
            begin = time.monotonic()
            try:
                outcomes[read(path)] += 1
            except Exception:  # noqa: BLE001 - a fault is what is looked for
                outcomes["fault"] += 1
                KEPT.mkdir(parents=True, exist_ok=True)
                kept = shutil.copy(path, KEPT / f"{number}{source.suffix}")
                print(f"{number} {source.suffix} {mutation.__name__}, kept as {kept}:")
                traceback.print_exc(limit=-4)
            took = time.monotonic() - begin
            slowest = max(slowest, took)
            if took > LONGEST:
                outcomes["fault"] += 1
                print(f"{number} {source.suffix} {mutation.__name__}: took {took:.0f} s")
    told = ", ".join(f"{amount} {what}" for what, amount in sorted(outcomes.items()))
    print(f"{done} of {count} media files: {told}; the slowest took {slowest:.1f} s")
    return 1 if outcomes["fault"] else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

"""Make the benchmark's video: ten minutes of slides as a lecture hall records them.

720p at 25 frames a second, camera noise, a mouse cursor that wanders, a speaker in a corner who
never sits still and changes corners halfway, and 40 slides: of six to 25 seconds, some like the
one before but for one bullet, some that grow bullet by bullet, some shown again, some faded in.

    python benchmarks/slides/make.py build/slides      # lecture.mp4 and truth.json, in five minutes
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from video_rag.testing.clips import Extras, Pixels, slide_image, speaker, write_video

SIZE, FPS, LEAD_IN, SLIDES, SECONDS = (1280, 720), 25, 2.0, 40, 600.0
VOCABULARY = (
    "queue worker ledger retry latency replica index passage vector token cluster schema cache "
    "broker stream window shard backup metric alert budget trace quorum lease digest subtitle "
    "speaker caption frame codec bitrate chapter citation ranking query filter corpus language"
)
WORDS = VOCABULARY.split()


@dataclass(frozen=True)
class Step:
    """A picture from `start` on; a slide is made of one step, or of several when it grows."""

    start: float
    text: str
    fade: float
    first: bool
    """Whether a new slide begins here."""
    kind: str


def plan(seed: int = 20261123) -> list[Step]:
    """Forty slides that fill the ten minutes."""
    chance = random.Random(seed)
    lengths = [chance.uniform(6, 25) for _ in range(SLIDES)]
    scale = (SECONDS - LEAD_IN) / sum(lengths)
    steps: list[Step] = []
    texts: list[str] = []
    at = LEAD_IN
    for number, length in enumerate(lengths):
        kind = "plain" if number < 3 else chance.choice(KINDS)
        text = _text(chance, texts, kind)
        texts.append(text)
        grows = text.splitlines() if kind == "build" else []
        fade = 1.0 if kind == "fade" else 0.0
        if grows:
            for shown in range(2, len(grows) + 1):
                start = at + (shown - 2) * length * scale / len(grows)
                partial = "\n".join(grows[:shown])
                steps.append(Step(round(start, 2), partial, 0.0, shown == 2, kind))
        else:
            steps.append(Step(round(at, 2), text, fade, True, kind))
        at += length * scale
    return steps


KINDS = ("plain", "plain", "plain", "bullet", "return", "fade", "build")


def _text(chance: random.Random, earlier: list[str], kind: str) -> str:
    if kind == "return":
        return chance.choice([text for text in earlier if text != earlier[-1]])
    if kind == "bullet":
        lines = earlier[-1].splitlines()
        lines[chance.randrange(1, len(lines))] = _phrase(chance, 4)
        return "\n".join(lines)
    return "\n".join([_phrase(chance, 2).title(), *(_phrase(chance, 5) for _ in range(4))])


def _phrase(chance: random.Random, count: int) -> str:
    return " ".join(chance.sample(WORDS, count))


def frames(steps: list[Step]) -> Iterator[Pixels]:
    """What the camera records, frame by frame."""
    noise = np.random.default_rng(1).normal(0, 3, (8, SIZE[1], SIZE[0], 1)).astype(np.int8)
    black = np.zeros((SIZE[1], SIZE[0], 3), dtype=np.uint8)
    pictures = {step.text: np.asarray(slide_image(step.text, SIZE)) for step in steps}
    current = -1
    for number in range(round(SECONDS * FPS)):
        at = number / FPS
        while current + 1 < len(steps) and at >= steps[current + 1].start:
            current += 1
        shown = pictures[steps[current].text] if current >= 0 else black
        if current > 0 and at - steps[current].start < steps[current].fade:
            share = (at - steps[current].start) / steps[current].fade
            shown = pictures[steps[current - 1].text] * (1 - share) + shown * share
        pixels = shown.astype(np.int16)
        if current >= 0:
            _add_cursor(pixels, at)
            _add_speaker(pixels, at)
        pixels += noise[number % len(noise)]
        yield np.clip(pixels, 0, 255).astype(np.uint8)


def _add_cursor(pixels: np.ndarray, at: float) -> None:
    """An arrow's worth of black that travels and rests in turn."""
    moving = at // 8 + min(at % 8, 2.0) / 2.0
    column = int(640 + 500 * np.sin(moving * 0.9))
    row = int(360 + 250 * np.sin(moving * 1.7))
    pixels[row : row + 22, column : column + 13] = 20


def _add_speaker(pixels: np.ndarray, at: float) -> None:
    picture = speaker(180, 240, at)
    if at < SECONDS / 2:
        pixels[-180:, -240:] = picture
    else:
        pixels[:180, -240:] = picture


def main() -> None:
    """Write `lecture.mp4` and `truth.json` into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    steps = plan()
    truth = [asdict(step) for step in steps]
    (folder / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")
    options = {"preset": "veryfast", "crf": "26", "g": "250"}
    write_video(folder / "lecture.mp4", frames(steps), fps=FPS, extras=Extras(options=options))


if __name__ == "__main__":
    main()

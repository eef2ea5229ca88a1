"""Small talks for tests: subtitle files whose words and times are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from video_rag.text.timecode import stamp

SHEEP = (
    "Good morning and welcome to the farm.",
    "A flock of sheep eats grass on the hill all day.",
    "The shepherd counts them in the evening.",
    "Wool is shorn once a year, in early summer.",
)
STARS = (
    "大家好，今天我们来讲恒星的一生。",
    "恒星由氢气云收缩而成，核心温度升高后开始聚变。",
    "太阳这样的恒星最后会变成白矮星。",
    "更重的恒星会爆发成超新星。",
)
MOON = ("The moon turns around the earth.", "It takes a month for one turn of the moon.")


def write_talk(path: Path, lines: Sequence[str], *, seconds_each: float = 4.0) -> Path:
    """Write lines as an SRT file, one after the other."""
    cues = []
    for number, line in enumerate(lines):
        start, end = number * seconds_each, (number + 1) * seconds_each - 0.2
        times = f"{stamp(start)} --> {stamp(end)}".replace(".", ",")
        cues.append(f"{number + 1}\n{times}\n{line}\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(cues), encoding="utf-8")
    return path

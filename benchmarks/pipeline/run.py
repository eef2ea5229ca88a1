"""Time of `add` over the time of the bare tools on the same file, in one run.

    python benchmarks/pipeline/run.py [VIDEO …] [--rounds 5] [--json]

Bare tools: PyAV decodes the frames that others refer to, RapidOCR reads the pictures that the
sampler picked, PyAV reads the embedded subtitles (or a text file is read). They are what no
pipeline of this kind can do without; what is above 1.0 is ours: hashing, choosing frames, JPEGs,
composing, the ledger, the index.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import av
from rapidocr import RapidOCR

from video_rag.library import Library
from video_rag.settings import load_settings

LECTURE = Path(__file__).resolve().parents[2] / "examples" / "lecture.mp4"


def decode(path: Path) -> None:
    with av.open(str(path)) as container:
        if container.streams.video:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            stream.codec_context.skip_frame = "NONREF"
            for _ in container.decode(stream):
                pass


def read_tracks(path: Path) -> None:
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.subtitles):
            bytes(packet)


def read_pictures(pictures: list[bytes]) -> None:
    reader = RapidOCR(params={"Global.log_level": "error"})
    for picture in pictures:
        reader(picture, use_cls=False)


def add(path: Path, home: Path) -> list[bytes]:
    """Put a video into a new library; returns the pictures that were read."""
    library = Library(load_settings({"home": str(home)}))
    added = list(library.add([str(path)]))
    status = added[0].status
    if status is None or status.state != "ready":
        raise SystemExit(f"{path} is not ready: {added[0]}")
    pictures = [
        library.image(slide.image) for slide in library.document(status.video.video_id).slides
    ]
    library.close()
    return pictures


def seconds(call: Callable[[], object]) -> float:
    begin = perf_counter()
    call()
    return perf_counter() - begin


def measure(path: Path, rounds: int) -> dict[str, object]:
    """Medians of some rounds, after one that is not counted; ours and theirs take turns."""
    ours: list[float] = []
    bare: dict[str, list[float]] = {"decode": [], "ocr": [], "subtitles": []}
    with tempfile.TemporaryDirectory() as folder:
        pictures = add(path, Path(folder) / "warm")
        for number in range(rounds):
            home = Path(folder) / str(number)
            ours.append(seconds(lambda home=home: add(path, home)))
            bare["decode"].append(seconds(lambda: decode(path)))
            bare["ocr"].append(seconds(lambda: read_pictures(pictures)))
            bare["subtitles"].append(seconds(lambda: read_tracks(path)))
    parts = {name: round(median(times), 2) for name, times in bare.items()}
    whole = median(map(sum, zip(*bare.values(), strict=True)))
    return {
        "file": path.name,
        "slides": len(pictures),
        "add": round(median(ours), 2),
        "bare": round(whole, 2),
        "bare parts": parts,
        "add over bare": round(median(ours) / whole, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="*", type=Path, default=[LECTURE])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = [measure(path, arguments.rounds) for path in arguments.videos]
    if arguments.json:
        json.dump(rows, sys.stdout, indent=2)
        return
    for row in rows:
        print("\n".join(f"{name:15} {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()

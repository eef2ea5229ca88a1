"""Read slides with RapidOCR: Chinese and English, offline, by models that come with the package."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from threading import Semaphore
from typing import TYPE_CHECKING, Any

from pydantic import Field

from video_rag import plugins
from video_rag.errors import ContentError, NeedsExtra
from video_rag.model import Line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEEDED = ("rapidocr", "onnxruntime", "cv2")
HAN = r"[\u3400-\u9fff\uf900-\ufaff]"
LATIN = r"[A-Za-z0-9]"
_SEAM = re.compile(rf"(?<={HAN}) *(?={LATIN})|(?<={LATIN}) *(?={HAN})")

LEAST_SIDE = 8
"""Pixels; letters need more."""
LONGEST_STRIP = 16
"""Times as long as wide. The engine enlarges the shorter side: a strip would take all memory."""

MOST_ENGINES = 4
"""More share the processors in vain, and take memory."""

Box = tuple[float, float, float, float]


class RapidOcr:
    """The lines of a picture by PP-OCR models on the CPU; about half a second for a 720p slide.

    Several pictures are read at once, each by an engine of its own: a single one leaves processors
    idle between its steps (`benchmarks/readers`). Engines are loaded when they are first needed
    and kept; each takes 0.4 GB.
    """

    version = 1

    class Options(plugins.Options):
        """How pictures are read."""

        min_confidence: float = Field(
            0.5, ge=0, le=1, description="Lines that the model is less sure of are left out"
        )
        threads: int = plugins.inert(
            0, ge=0, description="Processor threads to use; 0 takes all there are"
        )

    def __init__(self, options: Options) -> None:
        """Raises `NeedsExtra` when RapidOCR is not installed."""
        if not all(find_spec(name) for name in NEEDED):
            raise NeedsExtra("RapidOCR", "ocr")
        self.options = options
        self._threads = options.threads or processors()
        self.at_once = min(self._threads, MOST_ENGINES)
        self._turns = Semaphore(self.at_once)
        self._idle: list[Any] = []

    def read(self, image: bytes) -> list[Line]:
        """The lines of a JPEG or PNG, from top to bottom; none is a valid answer.

        Raises `ContentError` when the bytes are no picture, or one that the models cannot take,
        such as a strip of a few pixels.
        """
        pixels = _pixels(image)
        if min(pixels.shape[:2]) < LEAST_SIDE:
            return []
        _refuse_strip(pixels)
        with self._engine() as engine:
            found = _translated(engine, pixels)
        if not found.txts:
            return []
        height, width = pixels.shape[:2]
        lines = [
            Line(text=tidy(text), confidence=float(score), box=_share(corners, width, height))
            for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True)
        ]
        kept = [line for line in lines if line.text]
        return in_reading_order(kept)

    @contextmanager
    def _engine(self) -> Iterator[Any]:
        """An engine to oneself; waits while all are at work."""
        with self._turns:
            try:
                engine = self._idle.pop()
            except IndexError:
                engine = self._load()
            try:
                yield engine
            finally:
                self._idle.append(engine)

    def _load(self) -> Any:
        from rapidocr import RapidOCR

        return RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.text_score": self.options.min_confidence,
                "EngineConfig.onnxruntime.intra_op_num_threads": self._threads // self.at_once,
            }
        )


def processors() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # no Linux
        return os.cpu_count() or 1


def _refuse_strip(pixels: NDArray[np.uint8]) -> None:
    height, width = pixels.shape[:2]
    if max(height, width) > LONGEST_STRIP * min(height, width):
        raise ContentError(
            f"a picture of {width} x {height} pixels is too long a strip to be read",
            hint="look at it by hand; the rest of the video is used",
        )


def _translated(engine: Any, pixels: NDArray[np.uint8]) -> Any:
    """What the engine finds, its own errors turned into ours."""
    import cv2
    from rapidocr.ch_ppocr_det.utils import ResizeImgError
    from rapidocr.inference_engine.onnxruntime.main import ONNXRuntimeError
    from rapidocr.main import RapidOCRError
    from rapidocr.utils.process_img import ResizeImgError as NoSize  # another class of one name

    theirs = (ResizeImgError, NoSize, ONNXRuntimeError, RapidOCRError, cv2.error, ValueError)
    try:
        return engine(pixels, use_cls=False)
    except theirs as error:
        height, width = pixels.shape[:2]
        why = str(error).strip() or type(error).__name__
        raise ContentError(
            f"a picture of {width} x {height} pixels cannot be read: {why.splitlines()[0]}",
            hint="look at it by hand; the rest of the video is used",
        ) from error


def tidy(text: str) -> str:
    """One space between Chinese and Latin words, where the model now sees one and now does not."""
    return _SEAM.sub(" ", " ".join(text.split()))


def in_reading_order(lines: list[Line]) -> list[Line]:
    """From top to bottom; what stands side by side from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=_middle):
        if rows and _middle(line) < rows[-1][0].box[3] and line.box[1] < _middle(rows[-1][0]):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.box[0])]


def _middle(line: Line) -> float:
    return (line.box[1] + line.box[3]) / 2


def _pixels(image: bytes) -> NDArray[np.uint8]:
    """Blue, green, red, as the models were trained; what is transparent becomes white."""
    import numpy as np
    from PIL import Image

    try:
        with Image.open(BytesIO(image)) as opened:
            picture = opened.convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ContentError(
            f"not a picture that can be read: {error}", hint="give a JPEG or PNG file"
        ) from error
    paper = Image.new("RGBA", picture.size, "white")
    paper.alpha_composite(picture)
    return np.ascontiguousarray(np.asarray(paper.convert("RGB"))[..., ::-1])


def _share(corners: Any, width: int, height: int) -> Box:
    """The upright box around four corners, as shares of the picture."""
    import numpy as np

    (left, top), (right, bottom) = np.min(corners, axis=0), np.max(corners, axis=0)
    sides = (left / width, top / height, right / width, bottom / height)
    first, second, third, fourth = (round(min(max(float(side), 0.0), 1.0), 4) for side in sides)
    return first, second, third, fourth

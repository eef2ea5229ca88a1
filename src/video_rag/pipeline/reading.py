"""Pictures read side by side: a reader may take several at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from video_rag.errors import ContentError
from video_rag.model import Line
from video_rag.processors import Reader

Read = list[Line] | ContentError
"""The lines of a picture, or why it cannot be read."""


def read_all(
    reader: Reader, images: Iterable[str], get: Callable[[str], bytes]
) -> Generator[Read, None, None]:
    """What stands in each picture, in their order; `get` gives the bytes of one.

    Few more pictures are held than are read at once. Raises what else goes wrong with one, once
    those before it were given; then none is read any more. Close it when leaving early.
    """

    def read(image: str) -> Read:
        try:
            return reader.read(get(image))
        except ContentError as error:
            return error

    width = getattr(reader, "at_once", 1)
    if width == 1:
        yield from map(read, images)
        return
    pool = ThreadPoolExecutor(width, thread_name_prefix="read")
    waiting: deque[Future[Read]] = deque()
    try:
        for image in images:
            waiting.append(pool.submit(read, image))
            if len(waiting) > width:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)

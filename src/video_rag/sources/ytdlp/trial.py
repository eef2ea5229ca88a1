"""The program of the helper in which pages are searched on trial: see `pages`.

It is run by its path and imports nothing of ours. Its arguments are the folder of `yt_dlp`, and the
seconds after which it ends for want of work. On its input comes one job after the other: the line
`<length of head> <length of page>`, the head (JSON: `url` and `seconds`), the page (UTF-8). On its
output comes one dot for each.
"""

from __future__ import annotations

import io
import json
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

DONE = b"."
_PATIENCE = 5
"""Times the computing time that may pass in all, if an extractor sleeps."""
_STUMBLES = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, OSError),
    *(RuntimeError, SyntaxError, TypeError, ValueError),
)
"""What some thousand extractors raise on a page that they did not expect."""


def main() -> None:
    """Search one page after the other, until there are none."""
    folder, idle_seconds = sys.argv[1], float(sys.argv[2])
    sys.path.insert(0, folder)
    search = _search()
    search("http://a.example/", "")  # loads all extractors
    jobs, answers = sys.stdin.buffer, sys.stdout.buffer
    while select.select([jobs], [], [], idle_seconds)[0]:
        sizes = jobs.readline().split()
        if len(sizes) != 2:
            return
        head, page = (jobs.read(int(size)) for size in sizes)
        job = json.loads(head)
        with _limited(job["seconds"]):
            search(job["url"], page.decode("utf-8", "surrogatepass"))
        answers.write(DONE)
        answers.flush()


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """End this process once it has computed for so long.

    The system does that: while a regular expression is at work, Python hears no signal.
    """
    timers = ((signal.ITIMER_PROF, seconds), (signal.ITIMER_REAL, _PATIENCE * seconds))
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    for timer, after in timers:
        signal.setitimer(timer, after)
    try:
        yield
    finally:
        for timer, _ in timers:
            signal.setitimer(timer, 0)


def _search() -> Callable[[str, str], None]:
    """What does all that yt-dlp's generic extractor does with a page, given its URL and its text.

    What is found is of no interest, and every step is taken whatever the others found.
    """
    import yt_dlp
    from yt_dlp.extractor.generic import GenericIE
    from yt_dlp.networking.common import Response
    from yt_dlp.utils import YoutubeDLError

    class Deaf(yt_dlp.YoutubeDL):  # type: ignore[misc]  # yt-dlp has no types
        """Every site sends it an empty page, and it says nothing."""

        def urlopen(self, req: Any) -> Any:
            return Response(io.BytesIO(), str(getattr(req, "url", req)), {})

        def trouble(self, *_: Any, **__: Any) -> None: ...

        to_screen = to_stdout = to_stderr = trouble

        def players(self, url: str, page: str) -> Iterator[Callable[[], Any]]:
            for kind in list(self._ies.values()):
                yield partial(_emptied, kind.extract_from_webpage, self, url, page)

    class Rest(GenericIE):  # type: ignore[misc]  # as above
        """The generic extractor among no others."""

        def steps(self, url: str, page: str) -> Iterator[Callable[[], Any]]:
            facts = {"id": "x", "title": "x", "age_limit": 0}
            yield lambda: self._generic_title("", page, default="video")
            yield lambda: self._og_search_description(page, default=None)
            yield lambda: self._og_search_thumbnail(page, default=None)
            yield lambda: self._rta_search(page)
            yield partial(_emptied, self._extract_embeds, url, page, info_dict=facts)

    parameters = {"quiet": True, "no_warnings": True, "cachedir": False}
    others, rest = Deaf(parameters), Rest(Deaf(parameters, auto_init=False))

    def search(url: str, page: str) -> None:
        for step in (*rest.steps(url, page), *others.players(url, page)):
            with suppress(YoutubeDLError, *_STUMBLES):
                step()

    return search


def _emptied(find: Callable[..., Iterator[Any]], *args: Any, **more: Any) -> None:
    for _ in find(*args, **more):
        pass


if __name__ == "__main__":
    main()

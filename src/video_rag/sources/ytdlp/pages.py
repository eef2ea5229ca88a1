"""Pages of strangers, in which yt-dlp looks for players: first on trial, where it may take long.

It does so with some hundred regular expressions, several of which need the square or the cube of
a page's length: half a megabyte of `<script` takes many minutes, in which Python lets no other
thread run and hears no Ctrl-C. So each page is searched in a helper process before, without
network. A page that uses up the helper's computing time is refused; the helper ends with it.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

from video_rag.errors import ContentError
from video_rag.sources.weberrors import redacted
from video_rag.sources.ytdlp import trial

log = logging.getLogger("video_rag")

SECONDS = 20.0
"""Computing time for one page. A large site's needs 0.1 to 0.5."""
IDLE_SECONDS = 60.0
"""A helper without work for so long ends."""
_HELPERS = 2
"""Most at a time; each has all extractors of yt-dlp in its memory."""

Helper = subprocess.Popen[bytes]


class Trial:
    """Tries pages in helpers, which are started when needed and used again."""

    def __init__(self, seconds: float = SECONDS, idle_seconds: float = IDLE_SECONDS) -> None:
        self.seconds = seconds
        self._idle_seconds = idle_seconds
        self._idle: list[Helper] = []
        self._places = threading.BoundedSemaphore(_HELPERS)
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Start a helper unless one waits: it loads while the page is on its way."""
        with self._lock, suppress(OSError):  # `passes` says so
            if not self._waiting():
                self._idle.append(self._started())

    def passes(self, url: str, page: str) -> bool:
        """Whether a page can be searched within the limit; true where no helper can be started."""
        head = json.dumps({"url": url, "seconds": self.seconds}).encode()
        body = page.encode("utf-8", "surrogatepass")
        job = b"%d %d\n" % (len(head), len(body)) + head + body
        with self._places:
            try:
                ended = self._tried(job)
                if ended == 0:  # it had waited for long, and left just now
                    ended = self._tried(job)
            except OSError as error:
                log.warning("pages are searched without a trial: %s", error)
                return True
        return ended != -signal.SIGPROF

    def close(self) -> None:
        """End the helpers that wait."""
        with self._lock:
            for helper in self._waiting():
                _end(helper)
            self._idle = []

    def _tried(self, job: bytes) -> int | None:
        """None when the page was searched, else how the helper ended (`Popen.returncode`)."""
        with self._lock:
            helper = self._waiting().pop() if self._waiting() else self._started()
        try:
            is_done = _asked(helper, job) == trial.DONE
        except BaseException:  # such as Ctrl-C
            helper.kill()
            _end(helper)
            raise
        if is_done:
            with self._lock:
                self._idle.append(helper)
            return None
        _end(helper)
        return helper.returncode

    def _waiting(self) -> list[Helper]:
        """The helpers that wait, without those that ended."""
        for helper in [helper for helper in self._idle if helper.poll() is not None]:
            self._idle.remove(helper)
            _end(helper)
        return self._idle

    def _started(self) -> Helper:
        import yt_dlp

        place = str(Path(str(yt_dlp.__file__)).parent.parent)
        program = str(trial.__file__)
        return subprocess.Popen(  # noqa: S603 - our own program, no shell
            [sys.executable, "-I", program, place, str(self._idle_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us: a helper ends when its input does
        )


def shared() -> Trial:
    """The one of this process: one that was forked leaves its parent's alone."""
    return _of_process(os.getpid())


@cache
def _of_process(pid: int) -> Trial:  # noqa: ARG001 - see `shared`
    made = Trial()
    atexit.register(made.close)
    return made


@cache
def careful() -> Any:
    """yt-dlp's generic extractor, made to search only such pages as pass the trial."""
    from yt_dlp.extractor import generic
    from yt_dlp.utils import KNOWN_EXTENSIONS, determine_ext

    class GenericIE(generic.GenericIE):  # type: ignore[misc]  # yt-dlp goes by the name
        def _real_extract(self, url: str) -> Any:
            if determine_ext(url, "") not in KNOWN_EXTENSIONS:
                shared().warm()
            return super()._real_extract(url)

        def _webpage_read_content(self, urlh: Any, *more: Any, **facts: Any) -> Any:
            page = super()._webpage_read_content(urlh, *more, **facts)
            is_playlist = page and page.startswith("#EXTM3U") and "<" not in page
            if page and not is_playlist and not shared().passes(str(urlh.url), page):
                raise ContentError(
                    f"{redacted(str(urlh.url))}: to look for videos in this page takes too long",
                    hint="give the address of the video itself",
                    reason="too-complex",
                )
            return page

    return GenericIE


def _asked(helper: Helper, job: bytes) -> bytes:
    """A helper's answer; nothing from one that ended."""
    stdin, stdout = _pipes(helper)
    with suppress(BrokenPipeError):
        stdin.write(job)
        stdin.flush()
    return stdout.read(1)


def _end(helper: Helper) -> None:
    """See a helper out: without input it ends by itself."""
    stdin, stdout = _pipes(helper)
    with suppress(BrokenPipeError):
        stdin.close()
    stdout.close()
    helper.wait()


def _pipes(helper: Helper) -> tuple[IO[bytes], IO[bytes]]:
    return helper.stdin, helper.stdout  # type: ignore[return-value]  # both are pipes

"""Working on what was asked for, whoever asked: `serve`, `run` and `add` do it alike.

Who works on a request holds it as a stage is held, so a process that dies leaves it to the next.
All that is asked for is harmless to do twice: it is begun anew, and what was made stays made.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from video_rag import causes, plugins
from video_rag.causes import Cause
from video_rag.choices import RequestState
from video_rag.errors import Unavailable, VideoRagError
from video_rag.library import Added, Library, Status, Wishes
from video_rag.library.watching.watch import Checked
from video_rag.observers import Event, StageDone, StageProgress, StageStarted
from video_rag.operations import handed, publishing, steps, wishes
from video_rag.operations.steps import Told, obstacle
from video_rag.pipeline.publishing import Outcome
from video_rag.settings.redaction import redact, redact_urls
from video_rag.stores.owner import now
from video_rag.stores.requests import OPEN, Obstacle, Progress, Request

Item = Added | Status | Checked | Outcome | Path | Told
"""What comes of a request, piece by piece."""
MOST_ATTEMPTS = 5
"""A request that ended so many processes is not begun once more."""
KEPT = 10_000
"""Ended requests that are remembered: a schedule asks for one per video, and reports on all."""
FOLLOW_SECONDS = 0.5
"""Between two looks at a request that workers have."""
_PACE = 0.4
"""Seconds between two notes on how far a stage is."""
_LASTING = ("new", "updated")
"""What a request brought before its process was killed is no news to its next one, and still is
what came of it."""
_GIVEN = {"add", "retry", "process"}
"""What is handed to workers."""
_NONE = Request("", "add", {}, "", "", 0.0)
"""Stands where no request is worked on."""
BROKEN = "something broke inside video-rag; its log says what"


class Desk:
    """Works on one request at a time; an observer, so that it can tell how far that one is."""

    version = 1

    def __init__(self, library: Library) -> None:
        self.options = plugins.Options()
        self._library = library
        self._requests = library.ledger.requests
        self._turn = threading.Lock()
        self._current = _NONE
        self._writing = threading.Lock()
        self._noted = 0.0
        library.listen(self)

    def __call__(self, event: Event) -> None:
        """Keep how far the current request is."""
        with self._writing:
            request = self._current
            if request is _NONE or not isinstance(event, StageStarted | StageProgress | StageDone):
                return
            share = 0.0 if isinstance(event, StageStarted) else 1.0
            note = ""
            if isinstance(event, StageProgress):
                share, note = event.share, redact(event.note)
                if time.monotonic() - self._noted < _PACE:
                    return
            progress = replace(
                request.progress,
                video_id=event.video_id,
                stage=event.stage,
                share=share,
                note=note,
            )
            self._current = replace(request, progress=progress)
            self._noted = time.monotonic()
            with suppress(VideoRagError):  # a note is not worth the work that it is about
                self._requests.keep(self._current)

    def work(self) -> Iterator[tuple[Request, Item | None]]:
        """Work on all that is due and in no other hands, in the order it was asked for.

        Gives what comes of each request, and then None.
        """
        for request in self._requests.due():
            with suppress(VideoRagError):  # kept with the request
                for item in self.perform(request.request_id):
                    yield request, item
            yield request, None

    def perform(self, request_id: str) -> Iterator[Item]:
        """Do what was asked, unless it has ended or is in other hands; gives what comes of it.

        Left in the middle, it is due again. Raises the error that ended it, once it is kept.
        """
        with self._turn, self._library.hold(request_id, "request") as is_mine:
            if is_mine:
                request = self._requests.get(request_id)
                with causes.caused_by(_cause(request)):
                    yield from self._if_open(request)

    def at_once(self, request: Request, *, waits: bool = False) -> Iterator[Item]:
        """Keep a request and do it here, before anybody else can take it.

        Interrupted by who asked (Ctrl-C) it is taken back; killed, it is due for others. Where
        workers do it, it ends once they have it, unless it `waits` for them.
        """
        held: dict[str, Added] = {}
        with (
            self._turn,
            self._library.hold(request.request_id, "request"),
            causes.caused_by(_cause(request)),
        ):
            for item in self._if_open(wishes.submit(self._library, request), "cancelled"):
                if waits and isinstance(item, Added) and handed.is_theirs(self._library, item):
                    held[_said(item)[0]] = item
                else:
                    yield item
        for item in self.follow(request.request_id) if held else ():
            if isinstance(item, Status) and (one := held.pop(item.video.video_id, None)):
                yield replace(one, status=item)

    def leave(self) -> None:
        """The process ends in good order: what is at work is due, and is not blamed for it."""
        with self._writing:
            if self._current is not _NONE:
                tried = self._current.attempts - 1
                self._requests.keep(replace(self._current, state="queued", attempts=tried))
                self._current = _NONE

    def _if_open(self, request: Request, interrupted: RequestState = "queued") -> Iterator[Item]:
        """Do it; `interrupted` is its state when a person at a terminal stops this process."""
        if request.state not in OPEN:
            return
        if request.is_unwanted:
            self._end(request, "cancelled")
        elif request.progress.is_handed_over:
            yield from self._looked_after(request)
        elif request.attempts >= MOST_ATTEMPTS:
            told = f"it ended {request.attempts} processes that worked on it"
            hint = "see the log; `video-rag requests retry` begins it once more"
            self._end(replace(request, failures=(Obstacle("Bug", told, hint),)), "failed")
        else:
            yield from self._perform(request, interrupted)
        self._requests.tidy(KEPT)

    def _perform(self, request: Request, interrupted: RequestState) -> Iterator[Item]:
        tried = request.attempts + 1
        begun = replace(request, state="working", attempts=tried, begun=now(), failures=())
        brought = {name: request.progress.result.get(name, []) for name in _LASTING}
        progress = Progress(result={name: ids for name, ids in brought.items() if ids})
        self._note(lambda _: replace(begun, video_ids=(), progress=progress))
        wishes.learn(request.wish)
        end: RequestState = "failed"
        try:
            for item in KINDS[request.kind](self._library, request.wish):
                held = handed.before(self._library, item)
                if not self._note(
                    partial(_with, item, held=held)
                ):  # kept first: it is made in any case
                    end = "cancelled"
                    break
                yield item
                if self._requests.get(request.request_id).is_unwanted:
                    end = "cancelled"
                    break
            else:
                end = "done"
        except VideoRagError as error:
            self._note(partial(_blamed, obstacle(error)))
            end = self._after(request, error)
            raise
        except KeyboardInterrupt:
            end = interrupted
            raise
        except GeneratorExit:
            end = "queued"
            raise
        except BaseException:
            self._note(partial(_blamed, Obstacle("Bug", BROKEN, "please report it")))
            raise
        finally:
            with self._writing:
                last, self._current = self._current, _NONE
            if end == "queued":  # nobody is to blame: its next worker begins as if this had not
                last = replace(last, attempts=request.attempts)
            if end == "done" and handed.is_open(self._library, last):
                self._requests.keep(handed.over(last))
            else:
                self._end(last, "failed" if end == "done" and last.failures else end)

    def _after(self, request: Request, error: VideoRagError) -> RequestState:
        """How a request stands that ended with an error: what could not be handed over stays."""
        is_handing = self._library.is_shared and request.kind in _GIVEN
        return "queued" if is_handing and isinstance(error, Unavailable) else "failed"

    def _looked_after(self, request: Request) -> Iterator[Item]:
        """See how far the workers are with a request; it ends when all its videos are settled.

        Gives its videos then, as they are.
        """
        if handed.is_open(self._library, request):
            now_told = handed.with_progress(self._library, request)
            if now_told != request:
                self._requests.keep(now_told)
            return
        self._current = handed.begun_anew(request)
        for status in handed.settled(self._library, request):
            self._note(partial(_with, status))
            yield status
        with self._writing:
            last, self._current = self._current, _NONE
        self._end(last, "failed" if last.failures else "done")

    def follow(self, request_id: str) -> Iterator[Item]:
        """Wait until workers have settled a request; gives its videos then.

        Observers hear meanwhile of the stages that are worked on, wherever that is.
        """
        follower = handed.Follower(self._library)
        while True:
            yield from self.perform(request_id)
            request = self._requests.get(request_id)
            follower.tell(request.video_ids)
            if request.state not in OPEN:
                return
            time.sleep(FOLLOW_SECONDS)

    def _note(self, change: Callable[[Request], Request]) -> bool:
        """Keep what has changed of the current request; whether it is still wanted."""
        with self._writing:
            self._current = change(self._current)
            return self._requests.keep(self._current)

    def _end(self, request: Request, state: RequestState) -> None:
        ended = None if state in OPEN else now()
        self._requests.keep(replace(request, state=state, ended=ended))


def _cause(request: Request) -> Cause:
    return Cause(request.request_id, request.trace_id)


def _blamed(obstacle: Obstacle, request: Request) -> Request:
    return replace(request, failures=(*request.failures, obstacle))


def _with(
    item: Item, request: Request, *, held: Mapping[str, Mapping[str, str]] | None = None
) -> Request:
    """The request with what one more item says."""
    video_id, obstacles = _said(item)
    ids = item.video_ids if isinstance(item, Told) else ([video_id] if video_id else [])
    video_ids = dict.fromkeys([*request.video_ids, *ids])
    result = _brought(item, request.progress.result)
    held = {**request.progress.held, **(held or {})}
    progress = replace(request.progress, result=result, held=held)
    return replace(
        request,
        video_ids=tuple(video_ids),
        progress=progress,
        failures=(*request.failures, *obstacles),
    )


def _brought(item: Item, result: Mapping[str, Any]) -> dict[str, Any]:
    """A result with what one more item brought: videos by name, changes of a base by number."""
    if isinstance(item, Told):
        return {**result, **item.result}
    if isinstance(item, Outcome) and not item.error:
        action = item.change.action
        return {**result, action: result.get(action, 0) + 1}
    status = item.status if isinstance(item, Added) else item
    if not isinstance(status, Status):
        return dict(result)
    name = "waiting" if status.state in {"waiting", "queued"} else status.change
    ids = dict.fromkeys([*result.get(name, ()), status.video.video_id])
    return {**result, name: list(ids)} if name else dict(result)


def _said(item: Item) -> tuple[str, list[Obstacle]]:
    """The video that an item is about, and what stands in its way."""
    if isinstance(item, Added) and item.error:
        return "", [obstacle(item.error, wishes.shown(item.url))]
    if isinstance(item, Added) and item.status:
        return _said(item.status)
    if isinstance(item, Status):
        video_id = item.video.video_id
        return video_id, _failed(item) if item.state == "failed" else []
    if isinstance(item, Checked):
        about = wishes.shown(item.subscription.url)
        return "", [obstacle(item.error, about)] if item.error else []
    if isinstance(item, Outcome):
        video_id = item.change.document_id
        return video_id, [obstacle(item.error, video_id)] if item.error else []
    return "", list(item.obstacles) if isinstance(item, Told) else []


def _failed(status: Status) -> list[Obstacle]:
    return [
        Obstacle(one.error, redact(one.message), redact_urls(one.hint), status.video.video_id)
        for one in status.failures
        if one.due is None
    ]


# --- what is done for each kind ---------------------------------------------------------------


def _add(library: Library, wish: Mapping[str, Any]) -> Iterator[Item]:
    wished = Wishes(
        wish.get("collection"), wish.get("title"), wish.get("language"), wish.get("fetch")
    )
    return library.add(wish["urls"], wished)


def _retry(library: Library, wish: Mapping[str, Any]) -> Iterator[Item]:
    return library.retry(wish["video_ids"])


def _check(library: Library, wish: Mapping[str, Any]) -> Iterator[Item]:
    yield from library.watch.check(wish["urls"], now=True)
    yield from library.finish()


def _process(library: Library, wish: Mapping[str, Any]) -> Iterator[Item]:
    return library.process(wish["video_ids"])


def _publish(library: Library, wish: Mapping[str, Any]) -> Iterator[Item]:
    chosen = wish["video_ids"] or publishing.ready(library)
    for base in [wish["to"]] if wish["to"] else steps.every_base(library):
        try:
            changes = publishing.changes(library, base, chosen, prune=False, force=False)
            yield from library.publishing(base).carry_out(list(changes), force=False)
        except VideoRagError as error:
            if wish["to"]:
                raise
            yield Told({}, obstacles=(obstacle(error, base),))  # the other bases are not to blame


def _export(library: Library, wish: Mapping[str, Any]) -> Iterator[Item]:
    for video_id in wish["video_ids"] or publishing.ready(library):
        yield library.export(video_id, wish["format"], Path(wish["folder"]))


KINDS: Mapping[str, Callable[[Library, Mapping[str, Any]], Iterator[Item]]] = {
    "add": _add,
    "retry": _retry,
    "check": _check,
    "publish": _publish,
    "export": _export,
    "discover": steps.discover,
    "process": _process,
    "verify": steps.verify,
    "report": steps.report,
    "doctor": steps.look_after,
    "sweep": steps.sweep,
}

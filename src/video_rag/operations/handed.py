"""Requests that workers have: whether they are settled, and how far the stages are, wherever."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from video_rag.errors import NotFound
from video_rag.library import Added, Library, Status
from video_rag.library.status import change_of, published
from video_rag.observers import StageDone, StageProgress, StageStarted
from video_rag.stores.requests import Request

_OPEN = {"queued", "working"}
"""States of a video that workers go on with by themselves."""


def is_open(library: Library, request: Request) -> bool:
    """Whether workers still have something to do for a request."""
    if not library.is_shared:
        return False
    return any(status.state in _OPEN for status in statuses(library, request))


def is_theirs(library: Library, added: Added) -> bool:
    """Whether workers go on with what was added."""
    return library.is_shared and added.status is not None and added.status.state in _OPEN


def over(request: Request) -> Request:
    """The request as one that workers have; whoever handed it over is not counted as a try."""
    progress = replace(request.progress, is_handed_over=True)
    return replace(request, state="working", progress=progress, ended=None)


def statuses(library: Library, request: Request) -> Iterator[Status]:
    """Its videos as they are; those that were removed meanwhile are left out."""
    for video_id in request.video_ids:
        try:
            yield library.status(video_id)
        except NotFound:
            continue


def before(library: Library, item: object) -> dict[str, dict[str, str]]:
    """What each base held of a video that workers have now; nothing of one that is new."""
    status = item.status if isinstance(item, Added) else item
    if not (library.is_shared and isinstance(status, Status) and status.state in _OPEN):
        return {}
    video_id = status.video.video_id
    is_new = isinstance(item, Added) and item.is_new
    return {video_id: {} if is_new else published(library.ledger, video_id)}


def settled(library: Library, request: Request) -> Iterator[Status]:
    """Its videos as they are now, with what has become of them since they were handed over."""
    for status in statuses(library, request):
        video_id = status.video.video_id
        held = request.progress.held.get(video_id)
        if held is None:
            yield status
        else:
            yield replace(status, change=change_of(held, published(library.ledger, video_id)))


def begun_anew(request: Request) -> Request:
    """The request before it is told what became of its videos: their obstacles are told anew."""
    result = {name: ids for name, ids in request.progress.result.items() if name != "waiting"}
    failures = tuple(one for one in request.failures if one.about not in request.video_ids)
    return replace(request, failures=failures, progress=replace(request.progress, result=result))


def with_progress(library: Library, request: Request) -> Request:
    """The request with the stage that has been at work for it longest."""
    ids = set(request.video_ids)
    at_work = [one for one in library.ledger.agenda.at_work() if one.video_id in ids]
    if not at_work:
        return request
    one = at_work[0]
    progress = replace(
        request.progress, video_id=one.video_id, stage=one.stage, share=one.share, note=one.note
    )
    return replace(request, progress=progress)


class Follower:
    """Tells the observers of this process what other processes do."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._seen: set[tuple[str, str]] = set()

    def tell(self, video_ids: Collection[str]) -> None:
        """Tell of each stage that began, went on or ended since the last look."""
        stages = self._library.lanes()
        now = {
            (one.video_id, one.stage): one
            for one in self._library.ledger.agenda.at_work()
            if one.video_id in video_ids and one.stage in stages
        }
        for video_id, stage in self._seen - now.keys():
            self._library.tell(StageDone(video_id, stage, "", 0.0))
        for (video_id, stage), one in now.items():
            if (video_id, stage) not in self._seen:
                self._library.tell(StageStarted(video_id, stage, ""))
            self._library.tell(StageProgress(video_id, stage, one.share, one.note))
        self._seen = set(now)

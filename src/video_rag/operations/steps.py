"""The steps of a pass that a scheduler asks for one by one: discover, verify, report, look after.

Each is a kind of request; `process`, which lies between them, is `Library.process`. All may be
asked for twice: what they tell follows from the library as it is then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from video_rag.errors import NotFound, VideoRagError
from video_rag.library import Added, Library, Wishes, mending
from video_rag.library.watching.check import is_local
from video_rag.library.watching.watch import Checked
from video_rag.net.sites import site_of
from video_rag.operations import doctor, publishing
from video_rag.settings.redaction import redact, redact_urls
from video_rag.stores.requests import OPEN, Obstacle, Request, Requested

MOST_TOLD = 100
"""Videos, and failures, that a report names; of more it gives the number."""
_GOOD = {"unchanged"}
"""What publishing would do with a document that is as it should be."""
_WORDS = {
    "create": "missing",
    "update": "outdated or not whole",
    "conflict": "changed by hand",
    "remove": "no longer in the library",
    "left": "of an unknown library",
}


@dataclass(frozen=True)
class Told:
    """What a step has to say of the whole: names and values of a request's result."""

    result: Mapping[str, Any]
    video_ids: tuple[str, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()


def obstacle(error: VideoRagError, about: str = "") -> Obstacle:
    """What stands in the way, without secrets; its class is one of those that anybody knows."""
    kinds = (kind for kind in type(error).__mro__ if kind.__module__ == VideoRagError.__module__)
    return Obstacle(next(kinds).__name__, redact(str(error)), redact_urls(error.hint), about)


def discover(library: Library, wish: Mapping[str, Any]) -> Iterator[Added | Checked | Told]:
    """Look at lists and addresses, take in what is new, and tell which videos want work.

    Without addresses: at the subscriptions that are due (with `force`, at all), and told are all
    videos that can be worked on now. A request that was killed in the middle tells as much when it
    is done again, since not the news count but what is unfinished.
    """
    urls, force = wish.get("urls", ()), bool(wish.get("force"))
    named: dict[str, None] = {}
    lists = taken = 0
    if not urls:
        looks = library.watch.check(now=force)
    else:
        followed = {one.url for one in library.watch.watchlist.subscriptions()}
        chosen = [url for url in urls if url in followed]
        looks = library.watch.check(chosen) if chosen else iter(())
        for added in library.discover((u for u in urls if u not in followed), _wishes(wish)):
            taken += added.is_new
            if added.status:
                named[added.status.video.video_id] = None
            yield added if added.error else Told({"taken": taken})
    for check in looks:
        lists += 1
        taken += len(check.of("new"))
        entries = library.watch.watchlist.entries(check.subscription.url).values()
        named |= dict.fromkeys(name for entry in entries for name in entry.video_ids)
        yield check
    due = [name for name in library.intake.unfinished() if not urls or name in named]
    listed = due[: wish["limit"]]
    sites: dict[str, list[str]] = {}
    for video_id in listed:
        sites.setdefault(_site(library, video_id), []).append(video_id)
    result = {"lists": lists, "taken": taken, "left": len(due) - len(listed), "sites": sites}
    yield Told(result, tuple(listed))


def verify(library: Library, wish: Mapping[str, Any]) -> Iterator[Told]:
    """Compare the library and its bases; drift of one is an obstacle with its counts."""
    known = publishing.ready(library)
    bases: dict[str, dict[str, int]] = {}
    for base in wish["bases"] or every_base(library):
        try:
            counts = _compared(library, base, known)
        except VideoRagError as error:
            yield Told({"bases": bases}, obstacles=(obstacle(error, base),))
            continue
        bases[base] = dict(counts)
        drift = {what: many for what, many in counts.items() if what not in _GOOD}
        yield Told({"bases": bases}, obstacles=_drifted(base, drift, len(known)))


def every_base(library: Library) -> list[str]:
    """The bases that the settings name, and those that each video is published to."""
    return list(dict.fromkeys([*library.parts.published_to(), *library.settings.knowledge]))


def report(library: Library, wish: Mapping[str, Any]) -> Iterator[Told]:
    """Sum up requests: those named, or those that were asked for in a time."""
    names = wish["request_ids"]
    found = list(_named(library, names) if names else _within(library, wish))
    forgotten = len(names) - len(found) if names else 0
    new, updated, waiting = (_collected(found, name) for name in ("new", "updated", "waiting"))
    failed = [{"kind": one.kind, **asdict(why)} for one in found for why in one.failures]
    still = [one.request_id for one in found if one.state in OPEN]
    counts = {
        "requests": len(found),
        "new": len(new),
        "updated": len(updated),
        "waiting": len(waiting),
        "cancelled": sum(one.state == "cancelled" for one in found),
        "failed": len(failed),
        "open": len(still),
        "forgotten": forgotten,
    }
    yield Told(
        {
            "counts": counts,
            "new": _titled(library, new),
            "updated": _titled(library, updated),
            "waiting": _titled(library, waiting),
            "failed": failed[:MOST_TOLD],
            "open": still[:MOST_TOLD],
        }
    )


def look_after(library: Library, wish: Mapping[str, Any]) -> Iterator[Told]:
    """Look at everything that video-rag needs; what is wrong is an obstacle."""
    findings = doctor.examine(library.settings, thorough=bool(wish.get("thorough")))
    wrong = [
        Obstacle("Unavailable", f"{one.name}: {one.detail}", one.hint)
        for one in findings
        if one.state == "wrong"
    ]
    yield Told({"findings": [asdict(one) for one in findings]}, obstacles=tuple(wrong))


def sweep(library: Library, _wish: Mapping[str, Any]) -> Iterator[Told]:
    """Delete stored results that no video needs any more."""
    yield Told({"swept": library.blobs.sweep(set(library.ledger.digests()))})


def _wishes(wish: Mapping[str, Any]) -> Wishes:
    return Wishes(wish.get("collection"), None, wish.get("language"), wish.get("fetch"))


def _site(library: Library, video_id: str) -> str:
    """Whose server a video is fetched from; empty for a file of this machine."""
    url = library.status(video_id).video.url
    return "" if is_local(url) else site_of(url)


def _compared(library: Library, base: str, known: list[str]) -> Counter[str]:
    """How many documents of a base are in which way other than the library has them."""
    changes = publishing.changes(library, base, known, prune=True, force=False)
    found: dict[str, str] = {change.document_id: change.action for change in changes}
    # a base on this machine knows of what is broken in it, though it lists the document as whole
    for video_id in mending.absent(library.parts, base):
        if found.get(video_id) in _GOOD:
            found[video_id] = "update"
    return Counter(found.values())


def _drifted(base: str, drift: Mapping[str, int], of: int) -> tuple[Obstacle, ...]:
    if not drift:
        return ()
    told = ", ".join(f"{many} {_WORDS[what]}" for what, many in sorted(drift.items()))
    message = f"{base} differs from the library in {sum(drift.values())} of {of} videos: {told}"
    return (Obstacle("Unavailable", message, f"video-rag publish --to {base} --prune", base),)


def _named(library: Library, names: list[str]) -> Iterator[Request]:
    for name in dict.fromkeys(names):
        try:
            yield library.ledger.requests.get(name)
        except NotFound:  # it ended so long ago that it was forgotten
            continue


def _within(library: Library, wish: Mapping[str, Any]) -> Iterator[Request]:
    """The requests of a time, the newest first; reports and their like are none."""
    before = ""
    while part := library.ledger.requests.page(Requested(limit=1000, before=before)):
        for one in part:
            if one.asked < wish["since"]:
                return
            if one.kind != "report" and (wish["until"] is None or one.asked < wish["until"]):
                yield one
        before = part[-1].request_id


def _collected(requests: list[Request], name: str) -> list[str]:
    """The videos that the results of some requests give under a name, each once."""
    found = (one.progress.result.get(name, ()) for one in requests)
    return list(dict.fromkeys(video_id for some in found for video_id in some))


def _titled(library: Library, video_ids: list[str]) -> list[dict[str, str]]:
    rows = []
    for video_id in video_ids[:MOST_TOLD]:
        try:
            title = library.status(video_id).video.title
        except NotFound:  # it was removed meanwhile
            title = ""
        rows.append({"video_id": video_id, "title": title})
    return rows
